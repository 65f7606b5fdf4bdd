import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { INTENT_EVENT, partInstanceId } from '../../shared/contracts/orchestrations.ts';
import { GATE_LOOKS_PER_EXECUTION } from '../../shared/policy/limits.ts';
import { must } from '../support/must.ts';
import { HOUR_MS, MINUTE_MS } from '../support/world/fixtures.ts';
import { World } from '../support/world/world.ts';

let world: World;

beforeEach(async () => {
  world = await World.create();
});

afterEach(() => {
  world.dispose();
});

describe('the gate before the failover', () => {
  it('keeps replicating for a day and touches no power until somebody opens it', async () => {
    await world.start({ cycleIntervalSeconds: 3600 });
    await world.untilWaiting('replicating');
    await world.advance(24 * HOUR_MS);
    expect(world.item.phase).toBe('replicating');
    expect(world.job().cycles.length).toBeGreaterThanOrEqual(24);
    expect(world.vm.powerActions).toEqual([]);
    expect((await world.view()).allowedActions).toEqual(['failover', 'cancel']);
    await world.ask('failover');
    await world.untilWaiting('commitPending');
  });

  it('opens at once when it is asked to, not after the pause between two cycles', async () => {
    await world.start({ cycleIntervalSeconds: 3600 });
    await world.untilWaiting('replicating');
    await world.advance(MINUTE_MS);
    await world.ask('failover');
    expect(world.item.phase).toBe('shuttingDownSource');
  });

  it('does not lose a request that came while the disks were still being prepared', async () => {
    await world.start();
    expect(world.item.phase).toBe('preparing');
    await world.ask('failover');
    await world.untilWaiting('commitPending');
    expect(world.job().cycles.map(({ kind }) => kind)).toEqual(['initial', 'final']);
  });

  it('opens by itself only after a delta that was short enough', async () => {
    world.agents.behaviours.plan('replicateDisk', { afterMs: 10 * MINUTE_MS }, 4);
    await world.start({ autoFailover: true });
    await world.untilWaiting('commitPending');
    const kinds = world.job().cycles.map(({ kind }) => kind);
    expect(kinds).toEqual(['initial', 'delta', 'delta', 'final']);
  });
});

describe('the gate before the commit', () => {
  beforeEach(async () => {
    await world.start();
    await world.ask('failover');
    await world.untilWaiting('commitPending');
  });

  it('waits for hours with the Azure VM stopped but whole, and with a short history', async () => {
    await world.advance(3 * HOUR_MS);
    expect(world.item.phase).toBe('commitPending');
    expect(world.machines).toEqual({ azure: 'stopped', home: 'on' });
    expect(world.vm.deletions).toBe(0);
    const gate = world.host.history(partInstanceId(world.job().id, 'commit-gate'));
    expect(gate.length).toBeLessThan(GATE_LOOKS_PER_EXECUTION * 12);
    await world.ask('commit');
    expect((await world.untilEnd()).state).toBe('succeeded');
  });

  it('opens by the record alone when the event got lost', async () => {
    const { id, intents } = world.job();
    const { value, etag } = must(await world.jobs.get(id), 'the record of the job');
    const commit = world.timers.now().toISOString();
    await world.jobs.replace({ ...value, intents: { ...intents, commit } }, etag);
    await world.advance(MINUTE_MS);
    expect(world.item.phase).not.toBe('commitPending');
    expect((await world.untilEnd()).state).toBe('succeeded');
  });

  it('stays closed when it is only woken', async () => {
    const gate = partInstanceId(world.job().id, 'commit-gate');
    for (let knock = 0; knock < 5; knock += 1) {
      world.host.raiseEvent(gate, INTENT_EVENT);
      world.host.raiseEvent(gate, 'commit');
      await world.settle();
    }
    await world.advance(10 * MINUTE_MS);
    expect(world.item.phase).toBe('commitPending');
    expect(world.vm.deletions).toBe(0);
  });

  it('commits once although it is asked and woken several times', async () => {
    await Promise.all([world.ask('commit'), world.ask('commit')]);
    const gate = partInstanceId(world.job().id, 'commit-gate');
    world.host.management.raiseEvent(gate, INTENT_EVENT, 'null');
    expect((await world.untilEnd()).state).toBe('succeeded');
    expect(world.vm.deletions).toBe(1);
  });

  it('answers a failover that was already asked for and done, and does it no second time', async () => {
    const before = world.job();
    await world.ask('failover', 'latest');
    expect(world.job()).toEqual(before);
    await world.advance(HOUR_MS);
    expect(world.job()).toEqual(before);
    expect(world.vm.powerActions).toEqual(['powerOff']);
    expect(world.site.boots).toEqual(['web']);
    expect((await world.view()).allowedActions).toEqual(['commit', 'cancel']);
  });
});

describe('a second failover request', () => {
  beforeEach(async () => {
    await world.start({ cycleIntervalSeconds: 60 });
    await world.until(() => world.job().cycles.length === 3);
    await world.settle();
  });

  it('for another point is refused, and the first one counts', async () => {
    const [chosen, other] = world.job().cycles.map(({ pointId }) => pointId);
    world.agents.behaviours.plan('replicateDisk', { afterMs: MINUTE_MS });
    await world.ask('failover', chosen);
    const late = { code: 'FB-REQ-031', values: { wanted: chosen } };
    await expect(world.ask('failover', other)).rejects.toMatchObject(late);
    await expect(world.ask('failover', 'latest')).rejects.toMatchObject(late);
    await world.ask('failover', chosen);
    await world.untilWaiting('commitPending');
    expect(world.job()).toMatchObject({
      failoverTo: chosen,
      report: { recoveryPointId: chosen },
    });
    expect(world.events.all()).toContainEqual(
      expect.objectContaining({ kind: 'jobAsked', caller: 'operator' }),
    );
  });

  it('for an older point after one for the newest is refused as well', async () => {
    const [older] = world.job().cycles.map(({ pointId }) => pointId);
    await world.ask('failover', 'latest');
    await expect(world.ask('failover', older)).rejects.toMatchObject({ code: 'FB-REQ-031' });
  });
});

describe('a request at the wrong time', () => {
  it('is refused: no failover once the machine has failed over by itself', async () => {
    await world.start({ autoFailover: true });
    await world.untilWaiting('commitPending');
    await expect(world.ask('failover')).rejects.toMatchObject({ code: 'FB-REQ-004' });
    expect(world.job().intents).toEqual({});
  });

  it('is refused: no commit before the machine runs at home', async () => {
    await world.start();
    await expect(world.ask('commit')).rejects.toMatchObject({ code: 'FB-REQ-004' });
    await world.untilWaiting('replicating');
    await expect(world.ask('commit')).rejects.toMatchObject({ code: 'FB-REQ-004' });
    expect(world.job().intents).toEqual({});
  });

  it('is refused: no second failback while one runs', async () => {
    await world.start();
    await expect(world.start()).rejects.toMatchObject({ code: 'FB-REQ-003' });
    await expect(world.startRehearsal()).rejects.toMatchObject({ code: 'FB-REQ-003' });
    expect(world.jobs.all()).toHaveLength(1);
  });

  it('is refused: nothing can be asked of a failback that has ended', async () => {
    await world.startAutomatic();
    await world.untilEnd();
    for (const intent of ['failover', 'commit', 'cancel'] as const) {
      await expect(world.ask(intent)).rejects.toMatchObject({ code: 'FB-REQ-007' });
    }
    await expect(world.start()).rejects.toMatchObject({ code: 'FB-REQ-005' });
  });
});
