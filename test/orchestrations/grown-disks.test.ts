import { afterEach, describe, expect, it } from '@jest/globals';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { HELD_UP_TURNS, ROOM_TURNS } from '../../shared/policy/limits.ts';
import { HOUR_MS, MINUTE_MS } from '../support/world/fixtures.ts';
import { killPlaces } from '../support/world/kill-places.ts';
import { cycleAt } from '../support/world/readings.ts';
import { World } from '../support/world/world.ts';

const GIB = 1024 ** 3;
const TIB = 1024 ** 4;
const DAY_MS = 24 * HOUR_MS;
const GREW = `checksum: resynchronization: the disk grew from ${GIB} to ${5 * TIB} bytes in Azure`;
/** Only there to end a test that hangs. */
const HANGS_AFTER_MS = 900_000;

let world: World;

afterEach(() => {
  world.dispose();
});

async function replicating(): Promise<void> {
  world = await World.create();
  world.processServers.registersAfterMs = 0;
  world.site.freeBytes = 50 * TIB;
  await world.start({ cycleIntervalSeconds: 60 });
  await world.until(() => world.job().cycles.length === 2);
  await world.settle();
}

/** Somebody makes the data disk in Azure larger, or puts a smaller one in its place. */
function resizeDataDisk(sizeBytes: number, of: World = world): void {
  of.vm.disks = of.vm.disks.map((disk) => (disk.id === 'lun-0' ? { ...disk, sizeBytes } : disk));
}

const sizes = (): readonly number[] => world.item.disks.map(({ sizeBytes }) => sizeBytes);
const sizesAtHome = (): readonly unknown[] => [
  ...(world.site.findByName('web')?.diskSizes.entries() ?? []),
];
/** The configuration server says so shortly before the deadline of half an hour: so many times, or for ever. */
function withoutRoom(turns?: number): void {
  const values = { vmName: 'web', place: 'datastore1', neededBytes: 5 * TIB, freeBytes: GIB };
  const error = new FailbackError('FB-SITE-013', values);
  world.agents.behaviours.plan('growDisks', { error, afterMs: 29 * MINUTE_MS }, turns);
}

const timesAsked = (): number => world.agents.timesDone('growDisks');

const HOME_AFTER = [
  ['os', GIB],
  ['lun-0', 5 * TIB],
];

async function cycles(count: number): Promise<void> {
  await world.until(() => world.job().cycles.length === count);
  await world.settle();
}

describe('a disk that grows in Azure between two cycles', () => {
  it('grows at home and is compared as a whole, with the reason; the others go on with deltas', async () => {
    await replicating();
    resizeDataDisk(5 * TIB);
    await cycles(4);
    const [grown, next] = [cycleAt(world.job(), 2), cycleAt(world.job(), 3)];
    expect(grown.reasons).toEqual([expect.stringMatching(/^delta: base .*-os is trusted$/), GREW]);
    expect(next.reasons).toEqual([
      expect.stringMatching(/^delta: /),
      expect.stringMatching(/^delta: base .*-lun-0 is trusted$/),
    ]);
    expect(sizes()).toEqual([GIB, 5 * TIB]);
    expect(sizesAtHome()).toEqual(HOME_AFTER);
    expect(world.agents.timesDone('growDisks')).toBe(1);
    expect(world.job().history.map(({ message }) => message)).toContain(
      `Disks grew in Azure and were made as large on-premises: lun-0 from ${GIB} to ${5 * TIB} bytes`,
    );
  });

  it('comes home for good with it, and the machine is protected again', async () => {
    await replicating();
    resizeDataDisk(5 * TIB);
    await cycles(3);
    await world.ask('failover');
    await world.untilWaiting('commitPending');
    await world.ask('commit');
    expect(await world.untilEnd()).toMatchObject({ state: 'succeeded', phase: 'protected' });
    expect(world.machines).toEqual({ azure: 'absent', home: 'on' });
  });

  it('is mended before the boot in its present size', async () => {
    await replicating();
    resizeDataDisk(5 * TIB);
    await cycles(3);
    const damaged = { diskId: 'lun-0', offset: 4 * TIB, length: 262_144 };
    world.site.storageFault = { blocks: [damaged], isLasting: false };
    await world.ask('failover');
    await world.untilWaiting('commitPending');
    expect(world.job().report.proof).toMatchObject({ mismatches: 0, repairedBlocks: 1 });
    await world.ask('cancel');
    await world.untilEnd();
  });

  it('does not grow twice when Azure is lost before anything of it was sealed', async () => {
    await replicating();
    resizeDataDisk(5 * TIB);
    const lost = new FailbackError('FB-AZ-004', { snapshotName: 'web-p2-lun-0' });
    world.agents.behaviours.plan('replicateDisk', { error: lost }, 2);
    await cycles(3);
    expect(world.agents.timesDone('growDisks')).toBe(1);
    expect(cycleAt(world.job(), 2).reasons).toContain(GREW);
  });

  it('lets the machine be protected anew after a cancel, and come home again', async () => {
    await replicating();
    resizeDataDisk(5 * TIB);
    await cycles(3);
    await world.ask('cancel');
    expect(await world.untilEnd()).toMatchObject({ state: 'cancelled', phase: 'failedOver' });
    await world.startAutomatic();
    expect((await world.untilEnd()).state).toBe('succeeded');
  });
});

describe('a disk that grew before the last delta', () => {
  it('grows while the machine is down, and loses nothing', async () => {
    await replicating();
    await world.ask('failover');
    await world.untilPhase('shuttingDownSource');
    resizeDataDisk(5 * TIB);
    await world.untilWaiting('commitPending');
    const last = cycleAt(world.job(), -1);
    expect(last).toMatchObject({ kind: 'final', reasons: [expect.anything(), GREW] });
    expect(world.job().report).toMatchObject({ isFinalDeltaSent: true, dataLossSeconds: 0 });
    await world.ask('commit');
    expect((await world.untilEnd()).state).toBe('succeeded');
  });

  it('and has no room at home waits for it, and a cancel brings the machine back to Azure', async () => {
    await replicating();
    withoutRoom();
    await world.ask('failover');
    await world.untilPhase('shuttingDownSource');
    resizeDataDisk(5 * TIB);
    await world.until(() => timesAsked() === 3, DAY_MS);
    expect(world.machines).toEqual({ azure: 'stopped', home: 'off' });
    await world.ask('cancel');
    expect(await world.untilEnd()).toMatchObject({ state: 'cancelled', phase: 'failedOver' });
    expect(world.machines).toEqual({ azure: 'running', home: 'off' });
    expect(sizesAtHome()).toEqual([
      ['os', GIB],
      ['lun-0', GIB],
    ]);
    expect(sizes()).toEqual([GIB, GIB]);
  });
});

describe('a disk that has no room at home to grow', () => {
  it('waits for it longer than for a hypervisor, and the failback goes on by itself', async () => {
    await replicating();
    withoutRoom(2 * HELD_UP_TURNS);
    resizeDataDisk(5 * TIB);
    await world.until(() => timesAsked() === HELD_UP_TURNS, DAY_MS);
    expect(world.machines).toEqual({ azure: 'running', home: 'off' });
    await world.until(() => world.job().cycles.length === 4, 2 * DAY_MS);
    expect(cycleAt(world.job(), 2).reasons).toContain(GREW);
    expect(sizes()).toEqual([GIB, 5 * TIB]);
    expect(sizesAtHome()).toEqual(HOME_AFTER);
  });

  it(
    'is given up after a week, with the machine in Azure',
    async () => {
      await replicating();
      withoutRoom();
      resizeDataDisk(5 * TIB);
      const job = await world.untilEnd(8 * DAY_MS);
      expect(job).toMatchObject({ state: 'failed', error: { code: 'FB-SITE-013' } });
      expect(timesAsked()).toBe(ROOM_TURNS + 1);
      expect(world.machines).toEqual({ azure: 'running', home: 'off' });
      expect(sizes()).toEqual([GIB, GIB]);
    },
    HANGS_AFTER_MS,
  );
});

describe('a disk that cannot be followed', () => {
  it.each([
    ['FB-PRE-024', 'grew beyond what has a way back', 9 * TIB],
    ['FB-DATA-002', 'is smaller, and so another one', GIB / 2],
  ])('ends the failback with %s when it %s, and the machine stays in Azure', async (...row) => {
    const [code, , sizeBytes] = row;
    await replicating();
    resizeDataDisk(sizeBytes);
    const job = await world.untilEnd();
    expect(job).toMatchObject({ state: 'failed', error: { code } });
    expect(world.machines).toEqual({ azure: 'running', home: 'off' });
    expect(sizes()).toEqual([GIB, GIB]);
  });

  it('is left as it was recorded by a rehearsal, which cleans up', async () => {
    world = await World.create();
    world.processServers.registersAfterMs = 0;
    await world.startRehearsal();
    await world.until(() => world.agents.timesDone('prepareTarget') === 1);
    resizeDataDisk(5 * TIB);
    expect(await world.untilEnd()).toMatchObject({
      state: 'failed',
      error: { code: 'FB-DATA-002' },
    });
    expect(world.agents.timesDone('growDisks')).toBe(0);
    expect(sizes()).toEqual([GIB, GIB]);
  });
});

describe('a host that dies while disks grow', () => {
  async function growing(crashAfter: number): Promise<World> {
    await replicating();
    resizeDataDisk(5 * TIB);
    world.host.crashAfter(crashAfter);
    return world;
  }

  it(
    'grows them once and goes on, whichever commit it dies after',
    async () => {
      const whole = await growing(Number.POSITIVE_INFINITY);
      const before = whole.host.commits;
      await cycles(3);
      const commits = whole.host.commits - before;
      whole.dispose();
      for (const after of killPlaces('growth', commits, 5)) {
        const it = await growing(after);
        await it.until(() => it.host.isCrashed, HOUR_MS);
        await it.host.restart();
        await cycles(4);
        const reasons = it.job().cycles.flatMap((cycle) => cycle.reasons);
        expect({ after, grew: reasons.filter((reason) => reason === GREW) }).toEqual({
          after,
          grew: [GREW],
        });
        expect(it.agents.timesDone('growDisks')).toBe(1);
        expect(sizesAtHome()).toEqual(HOME_AFTER);
        it.dispose();
      }
      world = await World.create();
    },
    HANGS_AFTER_MS,
  );
});
