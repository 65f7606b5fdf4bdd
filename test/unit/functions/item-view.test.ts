import { beforeEach, describe, expect, it } from '@jest/globals';
import { protectedItemViewSchema } from '../../../shared/contracts/http-api.ts';
import { errorRecord } from '../../../shared/errors/failback-error.ts';
import { HEARTBEAT_STALE_MS } from '../../../shared/policy/limits.ts';
import { aCommand, anAgent, anItem, aJob, aProgress, NOW } from '../../support/memory/builders.ts';
import { callRoute } from '../../support/memory/call-route.ts';
import { aWorld, type MemoryWorld } from '../../support/memory/memory-world.ts';

let world: MemoryWorld;

beforeEach(() => {
  world = aWorld();
});

async function view(): Promise<ReturnType<typeof protectedItemViewSchema.parse>> {
  const { json } = await callRoute(world, 'getProtectedItem', { params: { id: 'web-01' } });
  return protectedItemViewSchema.parse(json);
}

describe('the view of an item', () => {
  it('says what may be asked for, and of everything else why not', async () => {
    world.stores.items.put(anItem({ phase: 'replicating', activeJobId: 'fb-1' }));
    world.stores.jobs.put(aJob({ phase: 'replicating' }));
    const { allowedOperations, refusedOperations, direction, health } = await view();
    expect(allowedOperations).toEqual(['failover', 'cancel', 'runPreflight']);
    expect(refusedOperations).toContainEqual({
      operation: 'commit',
      code: 'FB-REQ-004',
      message: 'commit is not possible while Web server 1 is in the stage "Ready to fail back".',
    });
    expect(refusedOperations).toContainEqual(
      expect.objectContaining({ operation: 'failback', code: 'FB-REQ-003' }),
    );
    expect({ direction, health }).toEqual({ direction: 'azureToOnPremises', health: 'OK' });
  });

  it('offers to take up what a job left that has ended, although nobody freed the item', async () => {
    world.stores.items.put(anItem({ phase: 'booting', activeJobId: 'fb-1', lastJobId: 'fb-1' }));
    world.stores.jobs.put(aJob({ phase: 'booting', state: 'failed', endedAt: NOW }));
    expect((await view()).allowedOperations).toContain('resume');
  });

  it('shows the threshold it is measured against', async () => {
    expect((await view()).rpoThresholdMinutes).toBe(60);
    world.stores.items.put(anItem({ rpoThresholdMinutes: 15 }));
    expect((await view()).rpoThresholdMinutes).toBe(15);
  });

  it('is critical while an agent that it needs is silent', async () => {
    world.stores.items.put(anItem({ phase: 'replicating' }));
    world.clock.advance(HEARTBEAT_STALE_MS + 1);
    const { health, healthErrors } = await view();
    expect(health).toBe('Critical');
    expect(healthErrors.map(({ code }) => code)).toEqual(['FB-HLT-002', 'FB-HLT-002']);
  });

  it('counts the process server that has work for the item, and no other', async () => {
    const item = anItem({ phase: 'replicating', activeJobId: 'fb-1' });
    world.stores.items.put(item);
    const silent = { kind: 'processServer', heartbeatAt: '2026-03-01T11:00:00.000Z' } as const;
    world.stores.agents.put(anAgent({ ...silent, id: 'ps-1', name: 'ps1' }));
    world.stores.agents.put(anAgent({ ...silent, id: 'ps-2', name: 'ps2' }));
    world.stores.commands.put(aCommand({ agentId: 'ps-1', name: 'replicateDisk' }));
    const { healthErrors } = await view();
    expect(healthErrors.map(({ message }) => message)).toEqual([
      expect.stringContaining('The processServer ps1 has not been heard of'),
    ]);
  });

  it('shows what holds its commands up, and what the last job ended with', async () => {
    const held = errorRecord('FB-JRN-004');
    const item = anItem({ phase: 'replicating', activeJobId: 'fb-1' });
    world.stores.items.put(item);
    world.stores.commands.put(aCommand({ progress: aProgress({ health: held }) }));
    expect((await view()).healthErrors).toMatchObject([{ code: 'FB-JRN-004' }]);
    world.stores.items.put({ ...item, activeJobId: null, lastJobId: 'fb-1' });
    const error = errorRecord('FB-ORC-006', { mismatches: 1, vmName: 'web' });
    world.stores.jobs.put(aJob({ state: 'failed', endedAt: NOW, error }));
    expect((await view()).healthErrors).toMatchObject([{ code: 'FB-HLT-003' }]);
  });
});

describe('the view of a job', () => {
  it('shows its tasks, with the progress of the one that is open', async () => {
    const error = errorRecord('FB-ORC-005');
    const tasks = [
      { name: 'preflight', state: 'succeeded', startedAt: NOW, endedAt: NOW },
      { name: 'boot', state: 'cancelled', startedAt: NOW, endedAt: NOW, error },
      { name: 'rollBack', state: 'running', startedAt: NOW, endedAt: null },
    ] as const;
    world.stores.jobs.put(aJob({ tasks }));
    world.stores.commands.put(aCommand({ progress: aProgress() }));
    const { json } = await callRoute(world, 'getFailback', { params: { id: 'fb-1' } });
    expect((json as { tasks: unknown }).tasks).toMatchObject([
      { name: 'preflight', endedAt: NOW },
      { name: 'boot', error: { code: 'FB-ORC-005' } },
      { name: 'rollBack', progress: { bytesDone: 100 } },
    ]);
    expect((json as { tasks: unknown[] }).tasks[0]).not.toHaveProperty('progress');
  });

  it.each([
    [{ state: 'succeeded' }, ['fb-2']],
    [{ operation: 'rehearsal' }, ['fb-2']],
    [{ to: NOW }, []],
  ])('is listed by %j as %j', async (query, ids) => {
    world.stores.jobs.put(aJob({ state: 'failed' }));
    world.stores.jobs.put(aJob({ id: 'fb-2', operation: 'rehearsal', state: 'succeeded' }));
    const { json } = await callRoute(world, 'listFailbacks', { query });
    expect((json as { value: { id: string }[] }).value.map(({ id }) => id)).toEqual(ids);
  });

  it('is not listed by a state that there is not', async () => {
    const answer = await callRoute(world, 'listFailbacks', { query: { state: 'dead' } });
    expect(answer.status).toBe(400);
  });
});
