import { afterEach, describe, expect, it } from '@jest/globals';
import { must } from '../support/must.ts';
import { HOUR_MS, MINUTE_MS } from '../support/world/fixtures.ts';
import { killPlaces } from '../support/world/kill-places.ts';
import { World } from '../support/world/world.ts';

let world: World | undefined;

afterEach(() => {
  world?.dispose();
  world = undefined;
});

const CODE = 'FB-RCV-019';

/** Replicates with three points at home, and is in the middle of a cycle that takes two hours. */
async function inLongCycle(): Promise<World> {
  const it = await World.create();
  world = it;
  await it.start({ cycleIntervalSeconds: 60 });
  await it.until(() => it.job().cycles.length === 3);
  await it.settle();
  it.agents.behaviours.plan('replicateDisk', { afterMs: 2 * HOUR_MS }, 2);
  await it.advance(5 * MINUTE_MS);
  return it;
}

/** Asked for a point that is minutes old, which is hours old when the cycle is through. */
async function heldBack(): Promise<World> {
  const it = await inLongCycle();
  await it.ask('failover', must(it.job().cycles[1], 'the second cycle').pointId, {
    maxDataLossMinutes: 60,
  });
  await it.until(() => it.job().heldBack !== undefined);
  await it.settle();
  return it;
}

const eventsOf = (it: World) => it.events.all().filter(({ code }) => code === CODE);

describe('a failover that would lose more than was agreed once its turn has come', () => {
  it('is put back: nothing is shut down, the job waits at its gate and says why', async () => {
    const it = await heldBack();
    expect(it.vm.powerActions).toEqual([]);
    expect(it.phases).not.toContain('shuttingDownSource');
    expect(it.item).toMatchObject({ phase: 'replicating' });
    expect(it.item).not.toHaveProperty('wasSourceRunning');
    const job = it.job();
    expect(job).toMatchObject({ state: 'waitingForOperator', phase: 'replicating', intents: {} });
    expect(job).not.toHaveProperty('failoverTo');
    expect(job).not.toHaveProperty('maxDataLossMinutes');
    expect(job.history.at(-1)?.message).toContain(`${CODE} The failover of web was put back`);
    const view = await it.view();
    expect(view.health).toMatchObject([{ code: 'FB-RCV-019', severity: 'warning' }]);
    expect(view.health[0]?.message).toContain('at most 60 are accepted');
    expect(view.allowedActions).toEqual(['failover', 'cancel']);
    expect(eventsOf(it)).toMatchObject([
      { kind: 'failoverHeldBack', jobId: job.id, itemId: 'web' },
    ]);
  });

  it('goes on replicating, and fails over at once when it is asked for anew', async () => {
    const it = await heldBack();
    const { length } = it.job().cycles;
    await it.until(() => it.job().cycles.length === length + 2);
    await it.settle();
    await it.ask('failover');
    expect(it.item.phase).toBe('shuttingDownSource');
    expect((await it.view()).health).toEqual([]);
    await it.untilWaiting('commitPending');
    const { report, cycles } = it.job();
    expect(report).toMatchObject({ dataLossSeconds: 0, recoveryPointId: cycles.at(-1)?.pointId });
    await it.ask('commit');
    expect((await it.untilEnd()).state).toBe('succeeded');
    expect(new Set(cycles.map(({ pointId }) => pointId)).size).toBe(cycles.length);
  });

  it('is put back as often as it has to be', async () => {
    const it = await heldBack();
    it.agents.behaviours.plan('replicateDisk', { afterMs: 2 * HOUR_MS }, 2);
    await it.advance(5 * MINUTE_MS);
    await it.ask('failover', must(it.job().cycles.at(-1), 'the last cycle').pointId, {
      maxDataLossMinutes: 60,
    });
    await it.until(() => it.job().heldBack?.gate === 'replication-3');
    await it.settle();
    expect(it.vm.powerActions).toEqual([]);
    expect(eventsOf(it)).toHaveLength(2);
    await it.ask('failover', 'latestProcessed', { maxDataLossMinutes: 150 });
    await it.untilWaiting('commitPending');
  });

  it('can be cancelled at the gate that it waits at again', async () => {
    const it = await heldBack();
    await it.ask('cancel');
    expect(await it.untilEnd()).toMatchObject({ state: 'cancelled', phase: 'failedOver' });
    expect(it.machines).toEqual({ azure: 'running', home: 'off' });
  });

  it('leaves a VM off that people have switched off since then, when it goes back', async () => {
    const it = await heldBack();
    await it.vm.beginPowerChange('shop', 'web-azure', 'powerOff');
    await it.advance(10 * MINUTE_MS);
    await it.ask('failover');
    await it.untilWaiting('commitPending');
    await it.ask('cancel');
    await it.untilEnd();
    expect(it.machines).toEqual({ azure: 'stopped', home: 'off' });
  });

  it.each([
    ['the newest point, of which the cycle made a newer one', 'latestProcessed', 150],
    ['the latest, which loses nothing', 'latest', 0],
    ['an older one, of which more may be lost', 'fb-1', 300],
  ])('is not put back: %s', async (_what, point, limit) => {
    const it = await inLongCycle();
    const wanted = point === 'fb-1' ? must(it.job().cycles[1], 'the second cycle').pointId : point;
    await it.ask('failover', wanted, { maxDataLossMinutes: limit });
    await it.untilWaiting('commitPending');
    expect(eventsOf(it)).toEqual([]);
  });

  it('goes by the last limit that was named, as long as nothing is shut down', async () => {
    const it = await inLongCycle();
    const { pointId } = must(it.job().cycles[1], 'the second cycle');
    await it.ask('failover', pointId, { maxDataLossMinutes: 600 });
    await it.ask('failover', pointId, { maxDataLossMinutes: 60 });
    await it.until(() => it.job().heldBack !== undefined);
    expect(it.vm.powerActions).toEqual([]);
  });

  it('is put back also when the chosen point is not retained any more', async () => {
    const it = await inLongCycle();
    const { pointId } = must(it.job().cycles[1], 'the second cycle');
    await it.ask('failover', pointId);
    must(it.site.replications.get('web'), 'the replication at home').older = [];
    await it.until(() => it.job().heldBack !== undefined);
    expect(it.job().heldBack?.error.message).toContain('FB-REQ-010');
    expect(it.vm.powerActions).toEqual([]);
  });

  it('is not put back because the cycle that was under way had no room for the chosen point', async () => {
    const it = await inLongCycle();
    const { pointId } = must(it.job().cycles[0], 'the first cycle');
    await it.ask('failover', pointId);
    it.site.retainedPoints = 1;
    await it.untilWaiting('commitPending');
    expect(it.job().report).toMatchObject({ recoveryPointId: pointId, proof: { pointId } });
  });

  it('is put back once, whichever commit the host dies after', async () => {
    const whole = await heldBack();
    const asked = whole.host.commits;
    whole.dispose();
    const first = await inLongCycle();
    const before = first.host.commits;
    first.dispose();
    for (const after of killPlaces('a failover that is put back', asked - before, 13)) {
      const it = await inLongCycle();
      it.host.crashAfter(after);
      await it.ask('failover', must(it.job().cycles[1], 'the second cycle').pointId, {
        maxDataLossMinutes: 60,
      });
      await it.until(() => it.host.isCrashed);
      await it.host.restart();
      await it.until(() => it.job().heldBack !== undefined);
      await it.settle();
      expect({ after, events: eventsOf(it).length }).toEqual({ after, events: 1 });
      expect(it.vm.powerActions).toEqual([]);
      const lines = it.job().history.filter(({ message }) => message.startsWith(CODE));
      expect(lines).toHaveLength(1);
      it.dispose();
    }
    world = undefined;
  });
});
