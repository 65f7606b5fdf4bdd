import { HttpRequest } from '@azure/functions';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createAbandonCommand } from '../../../activities/abandon-command.ts';
import { createPruneSnapshots } from '../../../activities/prune-snapshots.ts';
import { createTakeSnapshots } from '../../../activities/take-snapshots.ts';
import { hashKey } from '../../../functions/agent-api/authenticate.ts';
import { reportResultRoute } from '../../../functions/agent-api/commands.ts';
import { dataAccessRoute } from '../../../functions/agent-api/data-access.ts';
import { answerTo } from '../../../functions/support/http.ts';
import type { FunctionDeps } from '../../../functions/support/deps.ts';
import { createStores } from '../../../shared/adapters/azure/stores.ts';
import { createStorageClients } from '../../../shared/adapters/azure/clients.ts';
import { type DataAccess, dataAccessSchema } from '../../../shared/contracts/agent-protocol.ts';
import type { Job } from '../../../shared/domain/job.ts';
import type { ProtectedItem } from '../../../shared/domain/protected-item.ts';
import { Secret } from '../../../shared/domain/secret.ts';
import { errorRecord } from '../../../shared/errors/failback-error.ts';
import type { Stores } from '../../../shared/ports/stores.ts';
import { must } from '../../support/must.ts';
import { GROUP, outcome, reader, snapshotOf, SourceLab } from './source-lab.ts';

const AGENT = 'ps-lab';
const KEY = 'agent-key-of-the-lab';
let lab: SourceLab;
let stores: Stores;
const woken: string[] = [];

beforeAll(async () => {
  lab = await SourceLab.start();
  const connectionString = new Secret(lab.azure.azurite.connectionString('failback'));
  const storage = createStorageClients(
    { kind: 'connectionString', connectionString },
    { getToken: async () => null },
  );
  stores = createStores((name) => storage.table(name));
  const now = new Date().toISOString();
  await stores.agents.create({
    id: AGENT,
    kind: 'processServer',
    name: 'lab',
    version: '1',
    address: null,
    keyHash: hashKey(KEY),
    registeredAt: now,
    heartbeatAt: now,
  });
});
afterAll(async () => lab.stop());

/** What these handlers touch; the rest of the Function App is not there. */
function deps(): FunctionDeps {
  return {
    stores,
    snapshots: lab.snapshots,
    clock: { now: () => new Date() },
    orchestrator: { wake: async (id: string) => void woken.push(id) },
  } as unknown as FunctionDeps;
}

function call(commandId: string, body: unknown): HttpRequest {
  return new HttpRequest({
    method: 'POST',
    url: 'http://lab.invalid/',
    headers: { authorization: `Bearer ${KEY}` },
    params: { agentId: AGENT, commandId },
    body: { string: JSON.stringify(body) },
  });
}

const dataAccess = async (commandId: string): Promise<DataAccess> => {
  const answer = await answerTo(dataAccessRoute, call(commandId, {}), deps());
  return dataAccessSchema.parse(answer.jsonBody);
};

interface Sent {
  readonly commandId: string;
  readonly snapshots: Readonly<Record<string, string>>;
}

/** A job with two points of a VM, and the command that sends the OS disk of the second. */
async function sendReplicateDisk(vm: string): Promise<Sent> {
  await lab.seed(vm);
  const item = { id: vm, resourceGroup: GROUP, vmName: vm, disks: disksOf(vm) };
  await stores.items.create(item as unknown as ProtectedItem);
  await stores.jobs.create({ id: `job-${vm}`, itemId: vm } as unknown as Job);
  const take = createTakeSnapshots({ stores, snapshots: lab.snapshots });
  const jobRef = { jobId: `job-${vm}`, itemId: vm };
  const first = await take({ ...jobRef, pointId: `job-${vm}-1` });
  const second = await take({ ...jobRef, pointId: `job-${vm}-2` });
  const commandId = `job-${vm}.replicate-2-os`;
  await stores.commands.create({
    id: commandId,
    agentId: AGENT,
    name: 'replicateDisk',
    input: {
      replicationId: vm,
      pointId: `job-${vm}-2`,
      diskId: 'os',
      sizeBytes: 4 * 1024 * 1024,
      snapshotName: second.snapshots['os'],
      baseSnapshotName: first.snapshots['os'],
      masterTarget: { host: '127.0.0.1', port: 1 },
    },
    instanceId: `instance-${vm}`,
    sentAt: new Date().toISOString(),
    deadlineAt: new Date().toISOString(),
    result: null,
    progress: null,
    progressAt: null,
  });
  return { commandId, snapshots: second.snapshots };
}

function disksOf(vm: string): readonly object[] {
  // As records of earlier versions are: without the kind.
  return [
    { id: 'os', isOsDisk: true, diskName: `${vm}-os`, sizeBytes: 4 * 1024 * 1024 },
    { id: 'lun-0', isOsDisk: false, diskName: `${vm}-data`, sizeBytes: 2 * 1024 * 1024 },
  ];
}

const isReadable = async (url: string): Promise<boolean> =>
  (await outcome(reader(url).getPageRanges(0, 512))) === 'done';

/** Azure ends access a moment after it has accepted to. */
async function expectUnreadable(url: string): Promise<void> {
  for (let look = 0; look < 100 && (await isReadable(url)); look += 1) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect(await isReadable(url)).toBe(false);
}

const failed = { ok: false, error: errorRecord('FB-DATA-008') };

describe('the access of a command to the source', () => {
  it('covers snapshot and base, and ends when the result is reported', async () => {
    const { commandId } = await sendReplicateDisk('result');
    const { sourceKind, sourceUrl, baseUrl, baseRefusal } = await dataAccess(commandId);
    expect([sourceKind, baseRefusal]).toEqual(['managedDisk', undefined]);
    expect(await isReadable(must(sourceUrl, 'the URL of the snapshot'))).toBe(true);
    expect(await isReadable(must(baseUrl, 'the URL of the base'))).toBe(true);
    expect((await answerTo(reportResultRoute, call(commandId, failed), deps())).status).toBe(204);
    expect(woken).toContain('instance-result');
    await expectUnreadable(must(sourceUrl, 'the URL of the snapshot'));
    await expectUnreadable(must(baseUrl, 'the URL of the base'));
  }, 60_000);

  it('is not ended a second time by a repeated result, when the next command uses it', async () => {
    const { commandId, snapshots } = await sendReplicateDisk('repeat');
    const { sourceUrl } = await dataAccess(commandId);
    await answerTo(reportResultRoute, call(commandId, failed), deps());
    await expectUnreadable(must(sourceUrl, 'the URL of the snapshot'));
    const next = await lab.openRead({
      snapshot: snapshotOf({ snapshots }, 'os'),
      base: null,
    });
    expect((await answerTo(reportResultRoute, call(commandId, failed), deps())).status).toBe(204);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await isReadable(next.source.url.reveal())).toBe(true);
  }, 60_000);

  it('ends when the command is abandoned, and none is given afterwards', async () => {
    const { commandId } = await sendReplicateDisk('abandon');
    const { sourceUrl, baseUrl } = await dataAccess(commandId);
    const abandon = createAbandonCommand({ stores, snapshots: lab.snapshots });
    await abandon({ commandId, error: errorRecord('FB-DATA-008') });
    await expectUnreadable(must(sourceUrl, 'the URL of the snapshot'));
    await expectUnreadable(must(baseUrl, 'the URL of the base'));
    await expect(dataAccess(commandId)).rejects.toMatchObject({ code: 'FB-REQ-002' });
  }, 60_000);

  it('that Azure does not end stops no result, and is ended by the next prune', async () => {
    const { commandId, snapshots } = await sendReplicateDisk('broken');
    const { sourceUrl } = await dataAccess(commandId);
    const operations = ['diskRestorePoints.revokeAccess', 'snapshots.revokeAccess'];
    const fault = { status: 409, code: 'Conflict', times: 2 };
    for (const operation of operations) lab.azure.arm.inject({ operation, ...fault });
    expect((await answerTo(reportResultRoute, call(commandId, failed), deps())).status).toBe(204);
    expect((await stores.commands.get(commandId))?.value.result?.ok).toBe(false);
    expect(lab.warnings.length).toBeGreaterThan(0);
    expect(await isReadable(must(sourceUrl, 'the URL of the snapshot'))).toBe(true);
    const prune = createPruneSnapshots({ stores, snapshots: lab.snapshots });
    await prune({ jobId: 'job-broken', itemId: 'broken', keep: Object.values(snapshots) });
    expect(await isReadable(must(sourceUrl, 'the URL of the snapshot'))).toBe(false);
  }, 60_000);

  it('says why the base is withheld', async () => {
    const { commandId, snapshots } = await sendReplicateDisk('refuse');
    const prune = createPruneSnapshots({ stores, snapshots: lab.snapshots });
    await prune({ jobId: 'job-refuse', itemId: 'refuse', keep: Object.values(snapshots) });
    const access = await dataAccess(commandId);
    expect(access.baseUrl).toBeUndefined();
    expect(access.baseRefusal).toMatch(/gone/);
    expect(await isReadable(must(access.sourceUrl, 'the URL of the snapshot'))).toBe(true);
  }, 60_000);
});
