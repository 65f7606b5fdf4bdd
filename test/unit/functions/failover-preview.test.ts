import { beforeEach, describe, expect, it } from '@jest/globals';
import { createActivities } from '../../../activities/create-activities.ts';
import { type FailoverPreview, failoverPreviewSchema } from '../../../shared/contracts/http-api.ts';
import { errorRecord, FailbackError } from '../../../shared/errors/failback-error.ts';
import { HEARTBEAT_STALE_MS } from '../../../shared/policy/limits.ts';
import type { Job } from '../../../shared/domain/job.ts';
import { anAgent, aJob, anItem, NOW, POINTS } from '../../support/memory/builders.ts';
import { must } from '../../support/must.ts';
import { callRoute, problemOf } from '../../support/memory/call-route.ts';
import { aWorld, type MemoryWorld } from '../../support/memory/memory-world.ts';

let world: MemoryWorld;

const delta = (durationMs: number): Job['cycles'][number] => ({
  cycle: 1,
  kind: 'delta',
  pointId: 'fb-1-p0001',
  takenAt: NOW,
  consistency: 'crashConsistent',
  changedBytes: 0,
  zeroBytes: 0,
  readBytes: 0,
  sentBytes: 0,
  wireBytes: 0,
  durationMs,
  reasons: [],
});

beforeEach(() => {
  world = aWorld();
  world.stores.items.put(
    anItem({ activeJobId: 'fb-1', phase: 'replicating', recoveryPoints: POINTS }),
  );
  world.stores.agents.put(
    anAgent({ id: 'ps-1', kind: 'processServer', name: 'failback-ps-rg-dr' }),
  );
  world.stores.jobs.put(aJob({ phase: 'replicating', cycles: [delta(90_000), delta(30_500)] }));
});

const ask = async (recoveryPoint?: string, id = 'fb-1') =>
  callRoute(world, 'previewFailover', {
    params: { id },
    ...(recoveryPoint === undefined ? {} : { query: { recoveryPoint } }),
  });
const preview = async (recoveryPoint?: string): Promise<FailoverPreview> =>
  failoverPreviewSchema.parse((await ask(recoveryPoint)).json);

describe('GET /api/failbacks/{id}/failover-preview', () => {
  it('promises to lose nothing with the newest point, which is made after the shutdown', async () => {
    expect(await preview()).toEqual({
      recoveryPoint: 'latest',
      point: null,
      isFinalDeltaSent: true,
      expectedDataLossMinutes: 0,
      finalDeltaSeconds: 90,
      downtimeSeconds: null,
      recommended: {
        recoveryPoint: 'latest',
        reason: expect.stringContaining('nothing is lost'),
        expectedDataLossMinutes: 0,
      },
      refusal: null,
    });
  });

  it.each([
    ['latestProcessed', 'fb-1-p0003', 0.5, 0],
    ['latestApplicationConsistent', 'fb-1-p0002', 30, 90],
    ['fb-1-p0001', 'fb-1-p0001', 60, 90],
  ])('tells what %s would lose, and how long the last delta takes', async (wanted, ...what) => {
    const [pointId, expectedDataLossMinutes, finalDeltaSeconds] = what;
    expect(await preview(wanted)).toMatchObject({
      point: { pointId },
      isFinalDeltaSent: wanted !== 'latestProcessed',
      expectedDataLossMinutes,
      finalDeltaSeconds,
      refusal: null,
    });
  });

  it('knows the downtime once a rehearsal of the machine has measured proof and boot', async () => {
    const rehearsal = aJob({
      id: 'rh-1',
      operation: 'rehearsal',
      history: [{ at: '2026-02-01T10:00:00.000Z', phase: 'booting', message: 'Booting' }],
      report: { bootedAt: '2026-02-01T10:02:00.000Z' },
    });
    world.stores.jobs.put(rehearsal);
    world.stores.items.put({ ...world.stores.items.must('web-01'), activeJobId: 'rh-1' });
    const end = { jobId: 'rh-1', itemId: 'web-01', state: 'succeeded', error: null } as const;
    await createActivities(world).finishJob(end);
    world.stores.jobs.list = async () =>
      Promise.reject(new Error('reads all jobs there ever were'));
    expect(await preview()).toMatchObject({ downtimeSeconds: 210 });
    expect(await preview('latestProcessed')).toMatchObject({ downtimeSeconds: 120 });
    world.stores.jobs.put(aJob({ phase: 'replicating' }));
    expect(await preview()).toMatchObject({ finalDeltaSeconds: null, downtimeSeconds: null });
  });

  it('says why a failover would be refused, with the code that it would be refused with', async () => {
    expect((await preview('fb-1-p0009')).refusal?.code).toBe('FB-REQ-010');
    world.stores.items.put(anItem({ activeJobId: 'fb-1', phase: 'replicating' }));
    expect(await preview('latestProcessed')).toMatchObject({
      point: null,
      expectedDataLossMinutes: null,
      refusal: { code: 'FB-RCV-001', values: { machines: 'Web server 1' } },
    });
  });

  it('changes nothing', async () => {
    const before = [world.stores.jobs.all(), world.stores.items.all()];
    await preview('latestProcessed');
    expect([world.stores.jobs.all(), world.stores.items.all()]).toEqual(before);
    expect(world.orchestrator.woken).toEqual([]);
  });

  it('says that there is no such failback', async () => {
    expect(problemOf(await ask('latest', 'fb-9'))).toMatchObject({
      status: 404,
      code: 'FB-REQ-002',
    });
  });
});

describe('what a preview recommends', () => {
  const VM = 'rg-dr/web-01-azure';
  const recommended = async () => (await preview('latestProcessed')).recommended;

  it.each(['running', 'changing', 'stopped', 'deallocated'] as const)(
    'is the latest while the Azure VM is there: %s',
    async (power) => {
      const vm = world.vms.vms.get(VM);
      if (vm !== undefined) vm.power = power;
      const { recoveryPoint, reason } = await recommended();
      expect(recoveryPoint).toBe('latest');
      const isOff = power === 'stopped' || power === 'deallocated';
      expect(reason).toContain(isOff ? 'its disks can be read' : 'nothing is lost');
      expect(reason).toContain('Azure VMware Solution');
    },
  );

  it('is the newest sealed point, and what it loses, when Azure does not know the VM any more', async () => {
    world.vms.vms.clear();
    expect(await recommended()).toEqual({
      recoveryPoint: 'latestProcessed',
      reason: expect.stringContaining('nothing can be shut down'),
      expectedDataLossMinutes: 0.5,
    });
    expect((await preview('latestProcessed')).refusal).toBeNull();
    expect((await preview('latest')).refusal?.code).toBe('FB-SRC-003');
  });

  it('is none where the VM is gone and nothing was sealed', async () => {
    world.vms.vms.clear();
    world.stores.items.put(anItem({ activeJobId: 'fb-1', phase: 'initialReplication' }));
    expect(await recommended()).toMatchObject({ recoveryPoint: null });
  });

  it('is the newest sealed point with consent while cycles fail because Azure does not answer', async () => {
    const reason = 'no answer';
    world.vms.powerState = async () => {
      throw new FailbackError('FB-AZ-002', { operation: 'read', code: '503', detail: reason });
    };
    const error = errorRecord('FB-SRC-002', { reason });
    const sourceLoss = { since: NOW, kind: 'unreachable', error } as const;
    world.stores.jobs.put(aJob({ phase: 'replicating', sourceLoss }));
    expect(await recommended()).toMatchObject({
      recoveryPoint: 'latestProcessed',
      reason: expect.stringContaining('acceptUnreachableSource'),
    });
    expect((await preview('latestProcessed')).refusal?.code).toBe('FB-SRC-004');
    expect((await preview('latest')).refusal?.code).toBe('FB-SRC-003');
  });

  it('is the latest, with a doubt, when Azure does not answer', async () => {
    world.vms.powerState = async () => {
      throw new FailbackError('FB-AZ-002', { operation: 'read', code: '503', detail: 'busy' });
    };
    expect(await recommended()).toEqual({
      recoveryPoint: 'latest',
      reason: expect.stringContaining('does not say'),
      expectedDataLossMinutes: 0,
    });
    expect((await preview('latestProcessed')).refusal).toBeNull();
  });

  it('is the newest sealed point while nobody could send the last changes', async () => {
    world.clock.advance(HEARTBEAT_STALE_MS);
    expect((await recommended()).recoveryPoint).toBe('latest');
    world.clock.advance(1);
    expect(await recommended()).toEqual({
      recoveryPoint: 'latestProcessed',
      reason: expect.stringContaining(NOW),
      expectedDataLossMinutes: 1.4,
    });
    const { value, etag } = must(await world.stores.agents.get('ps-1'), 'the process server');
    await world.stores.agents.delete(value.id, etag);
    expect((await recommended()).reason).toContain('never');
  });

  it('is no sealed point where there is none', async () => {
    world.clock.advance(HEARTBEAT_STALE_MS + 1);
    world.stores.items.put(anItem({ activeJobId: 'fb-1', phase: 'replicating' }));
    expect((await recommended()).recoveryPoint).toBe('latest');
  });
});
