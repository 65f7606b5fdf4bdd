import { inspect } from 'node:util';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { dataAccessSchema } from '../../../shared/contracts/agent-protocol.ts';
import type { CommandName } from '../../../shared/contracts/commands.ts';
import { COMMANDS } from '../../../shared/contracts/commands.ts';
import { errorRecord, FailbackError } from '../../../shared/errors/failback-error.ts';
import { failure } from '../../../shared/errors/result.ts';
import { aCommand, AGENT_KEY, anAgent } from '../../support/memory/builders.ts';
import { type Called, callRoute, problemOf } from '../../support/memory/call-route.ts';
import { aWorld, type MemoryWorld, stateOf } from '../../support/memory/memory-world.ts';

let world: MemoryWorld;
const agentId = 'ps-one';
const id = 'fb-1.disk-os';
const input = {
  replicationId: 'web-01',
  pointId: 'fb-1-p0002',
  diskId: 'os',
  sizeBytes: 512,
  snapshotName: 'p2-os',
  masterTarget: { host: 'mt1', port: 9443 },
};

function ask(params: Record<string, string> = { agentId, commandId: id }): Promise<Called> {
  const headers = { authorization: `Bearer ${AGENT_KEY}` };
  return callRoute(world, 'agentDataAccess', { params, headers, body: {} });
}

beforeEach(() => {
  world = aWorld();
  world.stores.agents.put(anAgent({ id: agentId, kind: 'processServer', name: 'one' }));
  world.stores.commands.put(aCommand({ id, agentId, name: 'replicateDisk', input }));
  for (const name of ['p1-os', 'p2-os', 'p2-lun-0']) world.snapshots.put(name);
});

describe('access to the data of a command', () => {
  it('opens the snapshot that the command names, and nothing beside it', async () => {
    const answer = await ask();
    expect(dataAccessSchema.parse(answer.json)).toEqual({
      sourceKind: 'managedDisk',
      sourceUrl: 'https://md.example/p2-os?sig=read-p2-os',
      expiresAt: '2026-03-01T13:00:00.000Z',
    });
  });

  it('opens the base too when the command names one', async () => {
    const withBase = { ...input, baseSnapshotName: 'p1-os' };
    world.stores.commands.put(aCommand({ id, agentId, name: 'replicateDisk', input: withBase }));
    expect(dataAccessSchema.parse((await ask()).json).baseUrl).toContain('p1-os');
  });

  it('goes on without a base that is gone: everything is then compared or copied', async () => {
    const withBase = { ...input, baseSnapshotName: 'p0-os' };
    world.stores.commands.put(aCommand({ id, agentId, name: 'replicateDisk', input: withBase }));
    const access = dataAccessSchema.parse((await ask()).json);
    expect(access).not.toHaveProperty('baseUrl');
    expect(access.sourceUrl).toContain('p2-os');
    expect(access.baseRefusal).toMatch(/gone/);
  });

  it('withholds a base that does not belong to the snapshot and says why', async () => {
    const withBase = { ...input, baseSnapshotName: 'p1-os' };
    world.snapshots.refusals.set('p1-os', 'the disk was recreated since the base snapshot');
    world.stores.commands.put(aCommand({ id, agentId, name: 'replicateDisk', input: withBase }));
    const access = dataAccessSchema.parse((await ask()).json);
    expect(access).not.toHaveProperty('baseUrl');
    expect(access.baseRefusal).toMatch(/recreated/);
  });

  it('tells the agent that the source is a page blob, which says otherwise what changed', async () => {
    world.snapshots.put('p2-os', { kind: 'pageBlob' });
    expect(dataAccessSchema.parse((await ask()).json)).toMatchObject({ sourceKind: 'pageBlob' });
  });

  it('says nothing of a refusal when the base may be used', async () => {
    const withBase = { ...input, baseSnapshotName: 'p1-os' };
    world.stores.commands.put(aCommand({ id, agentId, name: 'replicateDisk', input: withBase }));
    expect(dataAccessSchema.parse((await ask()).json)).not.toHaveProperty('baseRefusal');
  });

  it('says that too many snapshots of the disk are open, which passes by itself', async () => {
    const full = new FailbackError('FB-AZ-006', { snapshotName: 'p2-os' });
    world.snapshots.grantRead = () => Promise.reject(full);
    const problem = problemOf(await ask());
    expect(problem).toMatchObject({ code: 'FB-AZ-006', detail: full.toRecord().message });
  });

  it('gives up what this command was granted before, which may be all that stands in the way', async () => {
    const withBase = { ...input, baseSnapshotName: 'p1-os' };
    world.stores.commands.put(aCommand({ id, agentId, name: 'replicateDisk', input: withBase }));
    await ask();
    // The process server was restarted; Azure counts each grant.
    const full = new FailbackError('FB-AZ-006', { snapshotName: 'p2-os' });
    world.snapshots.grantRead = () => Promise.reject(full);
    expect(problemOf(await ask())).toMatchObject({
      code: 'FB-AZ-006',
      values: { snapshotName: 'p2-os' },
    });
    expect(world.snapshots.released).toEqual(['p2-os', 'p1-os']);
  });

  it('says which snapshot is gone', async () => {
    world.snapshots.taken.delete('p2-os');
    expect(problemOf(await ask())).toMatchObject({
      code: 'FB-AZ-004',
      detail: 'The snapshot p2-os is gone.',
    });
  });

  it('looks in the resource group of the machine, never where the command says', async () => {
    world.snapshots.put('p2-os', { resourceGroup: 'rg-else', itemId: 'x' });
    expect(problemOf(await ask()).code).toBe('FB-AZ-004');
  });

  it('opens the replica for writing that the way back names', async () => {
    const back = {
      replicationId: 'web-01',
      pointId: 'fb-1-p0002',
      diskId: 'os',
      sizeBytes: 512,
      device: { kind: 'file', path: 'x' },
      replicaBlobName: 'web-01/os.vhd',
    };
    world.stores.commands.put(aCommand({ id, agentId, name: 'replicateToAzure', input: back }));
    expect(dataAccessSchema.parse((await ask()).json)).toEqual({
      sourceKind: 'managedDisk',
      replicaUrl: 'https://replica.example/web-01/os.vhd?sig=write-web-01/os.vhd',
      expiresAt: '2026-03-01T13:00:00.000Z',
    });
  });

  it('ends with the command: who was given up gets no more keys', async () => {
    const result = failure(errorRecord('FB-ORC-005'));
    world.stores.commands.put(aCommand({ id, agentId, name: 'replicateDisk', input, result }));
    expect(problemOf(await ask())).toMatchObject({ status: 404, code: 'FB-REQ-002' });
  });

  const others = (Object.keys(COMMANDS) as CommandName[]).filter(
    (name) => name !== 'replicateDisk' && name !== 'replicateToAzure',
  );
  it.each(others)('is not given for %s, which moves no data', async (name) => {
    world.stores.commands.put(aCommand({ id, agentId, name, input }));
    expect(problemOf(await ask())).toMatchObject({ status: 404, code: 'FB-REQ-002' });
  });

  it('is not given to another agent', async () => {
    world.stores.agents.put(anAgent({ id: 'ps-two', kind: 'processServer', name: 'two' }));
    const answer = await ask({ agentId: 'ps-two', commandId: id });
    expect(problemOf(answer).status).toBe(404);
    expect(inspect(answer)).not.toContain('sig=');
  });

  it('is not given for a command whose job is gone', async () => {
    const command = { agentId, name: 'replicateDisk', input } as const;
    world.stores.commands.put(aCommand({ ...command, id: 'fb-9.disk-os' }));
    const answer = await ask({ agentId, commandId: 'fb-9.disk-os' });
    expect(problemOf(answer)).toMatchObject({ status: 404, code: 'FB-REQ-002' });
  });

  it('leaves no trace of its URLs in any record', async () => {
    const before = stateOf(world) as object;
    await ask();
    expect(stateOf(world)).toEqual({ ...before, openSnapshots: ['p2-os'] });
    expect(JSON.stringify(stateOf(world))).not.toContain('sig=');
  });
});
