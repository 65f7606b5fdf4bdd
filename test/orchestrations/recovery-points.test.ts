import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Job } from '../../shared/domain/job.ts';
import { must } from '../support/must.ts';
import { CONSISTENT_EVERY, MINUTE_MS } from '../support/world/fixtures.ts';
import { World } from '../support/world/world.ts';
import { cycleAt } from '../support/world/readings.ts';

let world: World;

beforeEach(async () => {
  world = await World.create();
});

afterEach(() => {
  world.dispose();
});

/** A machine that replicates and has that many points at home by now. */
async function replicatingWith(points: number, options: Partial<Job['options']> = {}) {
  await world.start({ cycleIntervalSeconds: 60, ...options });
  await world.until(() => world.job().cycles.length === points);
  await world.settle();
}

function homeContent(): number | undefined {
  return world.site.findByName('web')?.writes.content;
}

async function failedOverTo(recoveryPoint: string): Promise<Job> {
  await world.ask('failover', recoveryPoint);
  let atBoot: number | undefined;
  await world.until(() => {
    if (world.site.boots.length === 0) atBoot = homeContent();
    return world.site.boots.length > 0;
  });
  const chosen = world.job().report.proof?.pointId ?? '';
  expect(atBoot).toBe(world.snapshots.point(chosen).content);
  await world.untilWaiting('commitPending');
  return world.job();
}

describe('a failover to an older recovery point', () => {
  it('sends the last changes all the same, rewinds the disks, proves and boots that point', async () => {
    await replicatingWith(4);
    const wanted = cycleAt(world.job(), 1);
    const { report, cycles } = await failedOverTo(wanted.pointId);
    expect(cycles.map(({ kind }) => kind)).toEqual(['initial', 'delta', 'delta', 'delta', 'final']);
    expect(world.snapshots.point(cycleAt({ cycles }, -1).pointId).content).toBe(
      world.vm.writes.content,
    );
    const order = world.agents.done.map(({ name }) => name);
    const last = order.slice(order.lastIndexOf('sealRecoveryPoint'));
    expect(last.slice(0, 5)).toEqual([
      'sealRecoveryPoint',
      // What is wrong now can be sent again; at the older point it could not.
      'verifyDisks',
      'rewindToPoint',
      'verifyDisks',
      'closeTarget',
    ]);
    expect(report).toMatchObject({
      recoveryPointId: wanted.pointId,
      proof: { pointId: wanted.pointId, mismatches: 0 },
    });
    const lostMs =
      Date.parse(must(report.shutDownAt, 'the time of the shutdown')) - Date.parse(wanted.takenAt);
    expect(report.dataLossSeconds).toBe(lostMs / 1000);
    expect(report.dataLossSeconds).toBeGreaterThan(0);
  });

  it('commits, and the replica in Azure ends up with what the machine at home holds', async () => {
    await replicatingWith(3);
    const wanted = cycleAt(world.job(), 0);
    await failedOverTo(wanted.pointId);
    await world.ask('commit');
    expect((await world.untilEnd()).state).toBe('succeeded');
    expect(world.machines).toEqual({ azure: 'absent', home: 'on' });
    const home = must(homeContent(), 'the machine at home');
    const replica = must(world.replicas.content('web/os.vhd'), 'the replica of the system disk');
    expect(replica).toBeLessThan(home);
    expect(home - replica).toBeLessThan(MINUTE_MS);
    expect(world.vm.deletions).toBe(1);
  });

  it('can be taken up at the gate after everything was terminated, with its figures', async () => {
    await replicatingWith(3);
    const { report } = await failedOverTo(cycleAt(world.job(), 0).pointId);
    world.terminateEverything();
    await world.start();
    await world.untilWaiting('commitPending');
    expect(world.job().report).toEqual(report);
    await world.ask('commit');
    expect((await world.untilEnd()).state).toBe('succeeded');
  });

  it('goes back to Azure when it is cancelled, with all that was written there', async () => {
    await replicatingWith(3);
    await failedOverTo(cycleAt(world.job(), 0).pointId);
    const written = world.vm.writes.content;
    await world.ask('cancel');
    expect(await world.untilEnd()).toMatchObject({ state: 'cancelled', phase: 'failedOver' });
    expect(world.machines).toEqual({ azure: 'running', home: 'off' });
    expect(world.vm.writes.content).toBeGreaterThanOrEqual(written);
  });

  it('loses nothing when the newest point is asked for', async () => {
    await replicatingWith(3);
    const { report, cycles } = await failedOverTo('latest');
    expect(report).toMatchObject({
      recoveryPointId: cycleAt({ cycles }, -1).pointId,
      proof: { pointId: cycleAt({ cycles }, -1).pointId },
      dataLossSeconds: 0,
    });
    expect(world.agents.timesDone('rewindToPoint')).toBe(0);
  });

  it('boots the newest sealed point without a last delta, and says what that lost', async () => {
    await replicatingWith(3);
    const newest = cycleAt(world.job(), -1);
    const { report, cycles } = await failedOverTo('latestProcessed');
    expect(cycles.map(({ kind }) => kind)).toEqual(['initial', 'delta', 'delta']);
    expect(report).toMatchObject({ recoveryPointId: newest.pointId, isFinalDeltaSent: false });
    const lostMs =
      Date.parse(must(report.shutDownAt, 'the time of the shutdown')) - Date.parse(newest.takenAt);
    expect(report.dataLossSeconds).toBe(lostMs / 1000);
    expect(report.dataLossSeconds).toBeGreaterThan(0);
    expect(world.vm.powerActions).toEqual(['powerOff']);
    expect(world.agents.timesDone('rewindToPoint')).toBe(0);
  });

  it('begins the replica at the sealed point, too, where no last delta was sent', async () => {
    await replicatingWith(3);
    const { report } = await failedOverTo('latestProcessed');
    await world.ask('commit');
    expect((await world.untilEnd()).state).toBe('succeeded');
    const { content } = world.snapshots.point(
      must(report.recoveryPointId, 'the recovery point in the report'),
    );
    expect(world.replicas.seeds).toEqual([content, content]);
    expect(world.vm.writes.content).toBeGreaterThan(content);
  });

  it('begins the replica at the sealed point also when the commit is taken up by another job', async () => {
    await replicatingWith(3);
    const { report } = await failedOverTo('latestProcessed');
    world.terminateEverything();
    await world.start();
    await world.untilWaiting('commitPending');
    await world.ask('commit');
    expect((await world.untilEnd()).state).toBe('succeeded');
    const { content } = world.snapshots.point(
      must(report.recoveryPointId, 'the recovery point in the report'),
    );
    expect(world.replicas.seeds).toEqual([content, content]);
  });

  it('goes back to Azure with everything, when a failover without a last delta is cancelled', async () => {
    await replicatingWith(3);
    await failedOverTo('latestProcessed');
    const written = world.vm.writes.content;
    await world.ask('cancel');
    expect(await world.untilEnd()).toMatchObject({ state: 'cancelled', phase: 'failedOver' });
    expect(world.machines).toEqual({ azure: 'running', home: 'off' });
    expect(world.vm.writes.content).toBeGreaterThanOrEqual(written);
  });

  it('boots the newest application-consistent point, whatever was taken after it', async () => {
    await replicatingWith(2, { applicationConsistentMinutes: CONSISTENT_EVERY });
    await world.until(() => world.job().cycles.length === 4);
    await world.settle();
    const consistent = must(
      world.job().cycles.findLast(({ consistency }) => consistency === 'applicationConsistent'),
      'an application-consistent cycle',
    );
    expect(world.job().cycles.at(-1)).not.toBe(consistent);
    const { report } = await failedOverTo('latestApplicationConsistent');
    expect(report.recoveryPointId).toBe(consistent.pointId);
    expect(report.dataLossSeconds).toBeGreaterThan(0);
  });

  it.each(['no-such-point', 'latestApplicationConsistent'])(
    'is refused with FB-REQ-010 when there is none: %s',
    async (recoveryPoint) => {
      await replicatingWith(2);
      await expect(world.ask('failover', recoveryPoint)).rejects.toMatchObject({
        code: 'FB-REQ-010',
      });
      expect(world.job()).toMatchObject({ intents: {}, phase: 'replicating' });
    },
  );

  it.each([2, 3, 12])(
    'that is the oldest of %i, all there is room for, outlives its own last delta',
    async (room) => {
      world.site.retainedPoints = room;
      await replicatingWith(room + 1);
      const points = must(world.item.recoveryPoints, 'recovery points');
      expect(points).toHaveLength(room);
      const { pointId } = must(points[0], 'the oldest point');
      const { report, cycles } = await failedOverTo(pointId);
      expect(report).toMatchObject({ recoveryPointId: pointId, proof: { pointId, mismatches: 0 } });
      expect(cycles.at(-1)?.kind).toBe('final');
      await world.ask('commit');
      expect((await world.untilEnd()).state).toBe('succeeded');
      expect(world.item.pinnedPointId).toBeUndefined();
      expect(world.item.sealing).toBeUndefined();
    },
  );

  it('is put back before anything is shut down when a cycle under way has dropped it', async () => {
    world.site.retainedPoints = 2;
    await replicatingWith(3);
    await world.until(() => world.item.sealing !== undefined);
    const oldest = must(world.item.recoveryPoints?.[0], 'the oldest point').pointId;
    await world.ask('failover', oldest);
    await world.until(() => world.job().heldBack !== undefined);
    await world.settle();
    expect(world.job().heldBack?.error.code).toBe('FB-RCV-019');
    expect(world.machines).toEqual({ azure: 'running', home: 'off' });
    expect(world.vm.powerActions).toEqual([]);
    expect(world.item.pinnedPointId).toBeUndefined();
    await world.until(() => world.job().cycles.length === 6);
    expect(world.item.recoveryPoints).toHaveLength(2);
  });

  it('that the master target lost all the same ends in FB-JRN-009 and goes back to Azure', async () => {
    await replicatingWith(2);
    const oldest = cycleAt(world.job(), 0).pointId;
    await world.ask('failover', oldest);
    await world.until(() => world.item.phase === 'finalDelta');
    must(world.site.replications.get('web'), 'the replication at home').older = [];
    const job = await world.untilEnd();
    expect(job).toMatchObject({
      state: 'failed',
      phase: 'failedOver',
      error: { code: 'FB-JRN-009', values: { pointId: oldest } },
    });
    expect(world.machines).toEqual({ azure: 'running', home: 'off' });
    expect(world.site.boots).toEqual([]);
    expect(world.vm.powerActions).toEqual(['powerOff', 'start']);
    expect(world.item).toMatchObject({ phase: 'failedOver', recoveryPoints: [], base: {} });
    expect(world.item.pinnedPointId).toBeUndefined();
  });

  it('shows those points only that the master target still has', async () => {
    world.site.retainedPoints = 2;
    await replicatingWith(4);
    const points = world.item.recoveryPoints?.map(({ pointId }) => pointId);
    expect(points).toEqual(
      world
        .job()
        .cycles.slice(-2)
        .map(({ pointId }) => pointId),
    );
    const gone = cycleAt(world.job(), 0).pointId;
    await expect(world.ask('failover', gone)).rejects.toMatchObject({ code: 'FB-REQ-010' });
  });
});

describe('application consistency', () => {
  const asked = () =>
    world.snapshots.points.map((point) => point.asked === 'applicationConsistent');

  it('is asked for at the first delta and then whenever the interval has passed, not in between', async () => {
    await replicatingWith(12, { applicationConsistentMinutes: 5 });
    const times = world.snapshots.points
      .filter((point) => point.asked === 'applicationConsistent')
      .map(({ takenAt }) => takenAt.getTime());
    expect(asked().slice(0, 3)).toEqual([false, true, false]);
    expect(times.length).toBeGreaterThan(1);
    for (const [index, time] of times.slice(1).entries()) {
      const pauseMs = time - must(times[index], 'the cycle before');
      expect(pauseMs).toBeGreaterThanOrEqual(5 * MINUTE_MS);
      // One cycle is a minute and the transfer; it cannot be asked for in the middle of one.
      expect(pauseMs).toBeLessThan(6.5 * MINUTE_MS);
    }
  });

  it('is never asked for unless somebody wants it', async () => {
    await replicatingWith(5);
    expect(asked()).toEqual([false, false, false, false, false]);
  });

  it('that is not got is shown with the reason, and asked for again only at the next interval', async () => {
    world.snapshots.inconsistentBecause = 'the guest agent did not answer';
    await replicatingWith(12, { applicationConsistentMinutes: 5 });
    const { cycles } = world.job();
    expect(cycles.every(({ consistency }) => consistency === 'crashConsistent')).toBe(true);
    const blamed = cycles.filter(({ reasons }) =>
      reasons.includes('the guest agent did not answer'),
    );
    const asking = cycles.filter((_cycle, index) => asked()[index]);
    expect(blamed).toEqual(asking);
    expect(asking.length).toBeGreaterThan(1);
    expect(asking.length).toBeLessThan(5);
    expect(world.item.recoveryPoints?.map(({ consistency }) => consistency)).not.toContain(
      'applicationConsistent',
    );
    await expect(world.ask('failover', 'latestApplicationConsistent')).rejects.toMatchObject({
      code: 'FB-REQ-010',
    });
  });

  it('that was got is recorded with the point, in the item and at the master target', async () => {
    await replicatingWith(3, { applicationConsistentMinutes: 60 });
    const kinds = ['crashConsistent', 'applicationConsistent', 'crashConsistent'];
    expect(world.job().cycles.map(({ consistency }) => consistency)).toEqual(kinds);
    expect(world.item.recoveryPoints?.map(({ consistency }) => consistency)).toEqual(kinds);
    expect(
      world.recoveryPoints
        .all()
        .map(({ consistency }) => consistency)
        .toReversed(),
    ).toEqual(kinds);
    const { older, sealed } = must(world.site.replications.get('web'), 'the replication at home');
    expect(
      [...older, must(sealed, 'a sealed point')].map(({ consistency }) => consistency),
    ).toEqual(kinds);
  });
});
