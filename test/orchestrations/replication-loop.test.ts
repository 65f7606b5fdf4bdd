import { afterEach, describe, expect, it } from '@jest/globals';
import { partInstanceId } from '../../shared/contracts/orchestrations.ts';
import { World } from '../support/world/world.ts';
import { cycleAt } from '../support/world/readings.ts';

const CYCLE_SECONDS = 60;
/** One cycle: the disks, the seal, the pause. */
const CYCLE_MS = CYCLE_SECONDS * 1000 + 2_000;

/** While the disks travel, while the point is sealed, in the pause, and around the next start. */
const OFFSETS_MS = [
  0,
  500,
  1_000,
  1_500,
  2_000,
  2_500,
  30_000,
  CYCLE_MS - 1,
  CYCLE_MS,
  CYCLE_MS + 1,
];

let world: World | undefined;

afterEach(() => {
  world?.dispose();
  world = undefined;
});

async function replicatingWorld(): Promise<World> {
  world = await World.create();
  world.processServers.registersAfterMs = 0;
  await world.start({ cycleIntervalSeconds: CYCLE_SECONDS });
  await world.untilWaiting('replicating');
  return world;
}

describe('the replication loop', () => {
  it('runs many cycles, each on the base of the one before, with a history as short as one', async () => {
    const it = await replicatingWorld();
    const loop = partInstanceId(it.job().id, 'replication');
    await it.advance(CYCLE_MS);
    const early = it.host.history(loop).length;
    await it.advance(40 * CYCLE_MS);
    const { cycles } = it.job();
    const numbers = cycles.map(({ cycle }) => cycle);
    expect(numbers).toEqual(numbers.map((_cycle, index) => index));
    expect(numbers.length).toBeGreaterThan(40);
    for (const { cycle, reasons } of cycles.slice(1)) {
      const base = `${it.job().id}-p${String(cycle - 1).padStart(4, '0')}`;
      expect(reasons).toEqual([
        `delta: base ${base}-os is trusted`,
        `delta: base ${base}-lun-0 is trusted`,
      ]);
    }
    expect(Math.abs(it.host.history(loop).length - early)).toBeLessThan(early);
    expect(it.host.history(loop).length).toBeLessThan(120);
  });

  it('keeps two snapshots a disk at most, and afterwards those of its base', async () => {
    const it = await replicatingWorld();
    let most = 0;
    for (let cycle = 0; cycle < 5; cycle += 1) {
      await it.until(() => {
        most = Math.max(most, it.snapshots.names.length);
        return it.job().cycles.length > cycle + 1;
      });
    }
    await it.settle();
    expect(most).toBeLessThanOrEqual(2 * it.item.disks.length);
    expect(it.snapshots.names.toSorted()).toEqual(Object.values(it.item.base).toSorted());
  });

  it('keeps a bounded number of cycles in the job', async () => {
    const it = await replicatingWorld();
    await it.advance(90 * CYCLE_MS);
    expect(it.job().cycles).toHaveLength(60);
    expect(cycleAt(it.job(), -1).cycle).toBeGreaterThan(85);
  });

  it('hears a failover that is asked for at any moment of a cycle, and uses the newest base', async () => {
    for (const offsetMs of OFFSETS_MS) {
      const it = await replicatingWorld();
      await it.advance(CYCLE_MS + offsetMs);
      await it.ask('failover');
      await it.until(() => it.item.phase === 'shuttingDownSource', 10_000);
      await it.untilWaiting('commitPending');
      const { cycles } = it.job();
      expect({ offsetMs, kind: cycleAt({ cycles }, -1).kind }).toEqual({
        offsetMs,
        kind: 'final',
      });
      expect(cycleAt({ cycles }, -1).reasons.join()).toContain(
        `${cycleAt({ cycles }, -2).pointId}-os is trusted`,
      );
      it.dispose();
      world = undefined;
    }
  });

  it('hears a failover whose event falls between any two steps of a cycle', async () => {
    const whole = await replicatingWorld();
    await whole.advance(CYCLE_MS);
    const before = whole.faults.total;
    await whole.advance(CYCLE_MS);
    const callsOfCycle = whole.faults.total - before;
    whole.dispose();
    expect(callsOfCycle).toBeGreaterThan(20);
    // Calls of one activity follow each other directly; every third moment falls into every activity.
    for (let call = 1; call <= callsOfCycle; call += 3) {
      const it = await replicatingWorld();
      it.askAfterCalls('failover', call);
      await it.until(() => it.job().intents.failover !== undefined, CYCLE_MS);
      // What runs is finished first; the pause after it is not waited for.
      await it.until(() => it.item.phase === 'shuttingDownSource', 5_000);
      it.dispose();
      world = undefined;
    }
  });
});
