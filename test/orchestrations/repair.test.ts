import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { CommandInput, CommandName } from '../../shared/contracts/commands.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { MAX_REPAIRED_BLOCKS } from '../../shared/policy/limits.ts';
import { must } from '../support/must.ts';
import { BLOCK_BYTES } from '../support/world/data-commands.ts';
import { LASTING_FAULT, MINUTE_MS } from '../support/world/fixtures.ts';
import type { DiskRange } from '../support/world/site.ts';
import { World } from '../support/world/world.ts';
import { cycleAt } from '../support/world/readings.ts';

let world: World;

beforeEach(async () => {
  world = await World.create();
});

afterEach(() => {
  world.dispose();
});

function blocks(count: number, diskId = 'os'): readonly DiskRange[] {
  return Array.from({ length: count }, (_block, index) => ({
    diskId,
    offset: index * BLOCK_BYTES,
    length: BLOCK_BYTES,
  }));
}

function sent<N extends CommandName>(name: N): readonly CommandInput<N>[] {
  const commands = world.commands.all().filter((command) => command.name === name);
  // Sent in the order of their time; the table sorts them by name.
  const inOrder = commands.toSorted((a, b) => a.sentAt.localeCompare(b.sentAt));
  return inOrder.map(({ input }) => input as CommandInput<N>);
}

async function expectNeverBooted(mismatches: number): Promise<void> {
  const job = await world.untilEnd();
  expect(job).toMatchObject({
    state: 'failed',
    phase: 'failedOver',
    error: { code: 'FB-ORC-006', values: { mismatches } },
  });
  expect(job.report.proof).toBeUndefined();
  expect(world.site.boots).toEqual([]);
  expect(world.machines).toEqual({ azure: 'running', home: 'off' });
  expect(world.vm.deletions).toBe(0);
}

describe('blocks that differ from the source', () => {
  it('are sent again, those alone, and the machine boots with the repair in its proof', async () => {
    world.site.storageFault = {
      blocks: [...blocks(2), ...blocks(1, 'lun-0')],
      isLasting: false,
    };
    await world.startAutomatic();
    const job = await world.untilEnd();
    const final = cycleAt(job, -1).pointId;
    expect(job).toMatchObject({
      state: 'succeeded',
      report: {
        recoveryPointId: final,
        dataLossSeconds: 0,
        proof: { pointId: `${final}-repaired`, mismatches: 0, repairedBlocks: 3, comparedShare: 1 },
      },
    });
    const repairs = sent('replicateDisk').filter(({ repair }) => repair !== undefined);
    const sizes = new Map(repairs.map(({ diskId, repair }) => [diskId, repair?.length]));
    expect(repairs).toHaveLength(2);
    expect(Object.fromEntries(sizes)).toEqual({ os: 2, 'lun-0': 1 });
    expect(world.agents.timesDone('verifyDisks')).toBe(2);
    expect(world.site.boots).toEqual(['web']);
  });

  it('on one disk only are repaired there; the other disk is not sent again', async () => {
    world.site.storageFault = { blocks: blocks(1, 'lun-0'), isLasting: false };
    await world.startAutomatic();
    expect((await world.untilEnd()).report.proof).toMatchObject({ repairedBlocks: 1 });
    const repairs = sent('replicateDisk').filter(({ repair }) => repair !== undefined);
    expect(repairs.map(({ diskId }) => diskId)).toEqual(['lun-0']);
    expect(sent('sealRecoveryPoint').at(-1)?.diskIds).toEqual(['lun-0']);
  });

  it('leave an application-consistent point what it is: the repair sends bytes of the same snapshots', async () => {
    world.site.storageFault = { blocks: blocks(2), isLasting: false };
    await world.start({ cycleIntervalSeconds: 3_600, applicationConsistentMinutes: 60 });
    await world.until(() => world.job().cycles.length === 2);
    await world.settle();
    expect(cycleAt(world.job(), 1).consistency).toBe('applicationConsistent');
    await world.ask('failover', 'latestProcessed');
    await world.untilWaiting('commitPending');
    expect(world.job().report.proof).toMatchObject({ repairedBlocks: 2 });
    expect(sent('sealRecoveryPoint').at(-1)).toMatchObject({
      pointId: `${cycleAt(world.job(), 1).pointId}-repaired`,
      consistency: 'applicationConsistent',
    });
  });

  it('are repaired in a rehearsal as well', async () => {
    world.site.storageFault = { blocks: blocks(1), isLasting: false };
    await world.startRehearsal();
    expect(await world.untilEnd()).toMatchObject({
      state: 'succeeded',
      report: { proof: { repairedBlocks: 1, mismatches: 0 } },
    });
  });

  it('still after the repair are never booted, and not repaired a second time', async () => {
    world.site.storageFault = LASTING_FAULT;
    await world.startAutomatic();
    await expectNeverBooted(1);
    const repairs = sent('replicateDisk').filter(({ repair }) => repair !== undefined);
    expect(repairs).toHaveLength(1);
    expect(world.agents.timesDone('verifyDisks')).toBe(2);
  });

  it('are repaired up to the limit', async () => {
    world.site.storageFault = { blocks: blocks(MAX_REPAIRED_BLOCKS), isLasting: false };
    await world.startAutomatic();
    const { state, report } = await world.untilEnd();
    expect(state).toBe('succeeded');
    expect(report.proof?.repairedBlocks).toBe(MAX_REPAIRED_BLOCKS);
  });

  it('in greater number are no accident: nothing is repaired and nothing boots', async () => {
    world.site.storageFault = { blocks: blocks(MAX_REPAIRED_BLOCKS + 1), isLasting: false };
    await world.startAutomatic();
    await expectNeverBooted(MAX_REPAIRED_BLOCKS + 1);
    expect(sent('replicateDisk').every(({ repair }) => repair === undefined)).toBe(true);
    expect(world.agents.timesDone('verifyDisks')).toBe(1);
  });

  /** Goes back to the first delta, with blocks that the storage got wrong before. */
  async function failOverToOlder(): Promise<string> {
    await world.start({ cycleIntervalSeconds: 60 });
    await world.until(() => world.job().cycles.length === 3);
    await world.settle();
    const { pointId } = cycleAt(world.job(), 1);
    await world.ask('failover', pointId);
    return pointId;
  }

  it('are repaired before the disks are taken back to an older point, which has no snapshot any more', async () => {
    world.site.storageFault = { blocks: blocks(2), isLasting: false };
    const older = await failOverToOlder();
    await world.untilWaiting('commitPending');
    const final = cycleAt(world.job(), -1).pointId;
    expect(world.job().report).toMatchObject({
      recoveryPointId: older,
      proof: { pointId: older, mismatches: 0, repairedBlocks: 2, comparedShare: 1 },
    });
    expect(sent('verifyDisks').map(({ pointId }) => pointId)).toEqual([
      final,
      `${final}-repaired`,
      older,
    ]);
    // Neither what is sent since nor its seal may push the chosen point out.
    const late = [...sent('replicateDisk'), ...sent('sealRecoveryPoint')].filter(({ pointId }) =>
      pointId.startsWith(final),
    );
    expect(new Set(late.map(({ pointId }) => pointId)).size).toBe(2);
    expect(late.every(({ keepPointId }) => keepPointId === older)).toBe(true);
    expect(world.site.boots).toEqual(['web']);
  });

  it('still after that are neither taken back nor booted', async () => {
    world.site.storageFault = LASTING_FAULT;
    await failOverToOlder();
    await expectNeverBooted(1);
    expect(world.agents.timesDone('rewindToPoint')).toBe(0);
  });

  it('appear only while the disks are taken back are never booted', async () => {
    const older = await failOverToOlder();
    await world.until(() => sent('rewindToPoint').length > 0);
    world.site.replication('web').damaged = blocks(1);
    await expectNeverBooted(1);
    expect(sent('verifyDisks').at(-1)?.pointId).toBe(older);
    expect(sent('replicateDisk').every(({ repair }) => repair === undefined)).toBe(true);
  });

  it.each<CommandName>(['replicateDisk', 'sealRecoveryPoint'])(
    'are not booted when the repair itself fails: %s',
    async (name) => {
      world.site.storageFault = { blocks: blocks(1), isLasting: false };
      await world.startAutomatic();
      await world.untilPhase('booting');
      const error = new FailbackError('FB-SITE-900', { command: name, reason: 'injected' });
      world.agents.behaviours.plan(name, { error });
      const job = await world.untilEnd();
      expect(job).toMatchObject({ state: 'failed', error: { code: 'FB-SITE-900' } });
      expect(world.site.boots).toEqual([]);
      expect(world.machines).toEqual({ azure: 'running', home: 'off' });
    },
  );
});

describe('a repair', () => {
  it('is broken off by a cancel, and the machine goes back to Azure', async () => {
    world.site.storageFault = { blocks: blocks(1), isLasting: false };
    await world.start({ autoFailover: true });
    await world.untilPhase('booting');
    world.agents.behaviours.plan('replicateDisk', { answer: 'never' });
    await world.until(() => sent('replicateDisk').some(({ repair }) => repair !== undefined));
    await world.advance(MINUTE_MS);
    await world.ask('cancel');
    expect(await world.untilEnd()).toMatchObject({ state: 'cancelled', phase: 'failedOver' });
    expect(world.site.boots).toEqual([]);
    expect(world.machines).toEqual({ azure: 'running', home: 'off' });
  });
});

describe('a disk at home that somebody else wrote to', () => {
  it('is compared with Azure under the same point, which then stands; nothing else is sent again', async () => {
    await world.start({ cycleIntervalSeconds: 60 });
    await world.until(() => world.job().cycles.length === 2);
    world.site.isWrittenByOthers = true;
    await world.until(() => world.job().cycles.length === 4);
    const [, , compared, after] = world.job().cycles;
    expect(compared?.reasons).toEqual(['checksum: asked for']);
    expect(after?.reasons[0]).toMatch(/^delta: .* is trusted/);
    const again = sent('replicateDisk').filter(({ mode }) => mode === 'checksum');
    expect(again.map(({ pointId }) => pointId)).toEqual([
      must(compared, 'a cycle that compared').pointId,
      must(compared, 'a cycle that compared').pointId,
    ]);
    expect(new Set(world.snapshots.taken).size).toBe(world.snapshots.taken.length);
    await world.ask('failover');
    await world.untilWaiting('commitPending');
    expect(world.job().report.proof).toMatchObject({ mismatches: 0, repairedBlocks: 0 });
  });

  it('also at the last delta, in the downtime', async () => {
    await world.start();
    await world.ask('failover');
    await world.untilPhase('finalDelta');
    world.site.isWrittenByOthers = true;
    await world.untilWaiting('commitPending');
    expect(world.job().cycles.at(-1)).toMatchObject({
      kind: 'final',
      reasons: ['checksum: asked for'],
    });
  });

  it('again after the comparison ends the failback, and the machine runs on in Azure', async () => {
    const foreign = new FailbackError('FB-JRN-008', { diskId: 'os', offset: 0 });
    await world.start({ cycleIntervalSeconds: 60 });
    await world.until(() => world.job().cycles.length === 2);
    const before = world.agents.timesDone('sealRecoveryPoint');
    world.agents.behaviours.plan('sealRecoveryPoint', { error: foreign });
    const job = await world.untilEnd();
    expect(job).toMatchObject({ state: 'failed', error: { code: 'FB-JRN-008' } });
    expect(world.agents.timesDone('sealRecoveryPoint') - before).toBe(2);
    expect(world.machines).toEqual({ azure: 'running', home: 'off' });
  });
});

describe('what the master target received and finds damaged', () => {
  const damaged = new FailbackError('FB-JRN-002', {
    diskId: 'os',
    pointId: 'p',
    reason: 'a record does not fit its digest',
  });

  it('is sent again at once, as what it was, and the failback goes on', async () => {
    await world.start({ cycleIntervalSeconds: 60 });
    await world.until(() => world.job().cycles.length === 2);
    world.agents.behaviours.plan('sealRecoveryPoint', { error: damaged }, 1);
    await world.until(() => world.job().cycles.length === 4);
    const again = sent('replicateDisk').filter(({ pointId }) => pointId.endsWith('p0002'));
    expect(again).toHaveLength(2 * world.item.disks.length);
    expect(again.every(({ mode }) => mode === undefined)).toBe(true);
    expect(world.job().cycles.map(({ reasons }) => reasons[0]?.split(':')[0])).toEqual([
      'full',
      'delta',
      'delta',
      'delta',
    ]);
    expect(new Set(world.snapshots.taken).size).toBe(world.snapshots.taken.length);
  });

  it('also at the last delta, in the downtime', async () => {
    await world.start();
    await world.ask('failover');
    await world.untilPhase('finalDelta');
    world.agents.behaviours.plan('sealRecoveryPoint', { error: damaged }, 1);
    await world.untilWaiting('commitPending');
    expect(world.job().report.proof).toMatchObject({ mismatches: 0, repairedBlocks: 0 });
  });

  it('again ends the failback: its volume cannot be trusted', async () => {
    await world.start({ cycleIntervalSeconds: 60 });
    await world.until(() => world.job().cycles.length === 2);
    world.agents.behaviours.plan('sealRecoveryPoint', { error: damaged });
    const job = await world.untilEnd();
    expect(job).toMatchObject({ state: 'failed', error: { code: 'FB-JRN-002' } });
    expect(world.machines).toEqual({ azure: 'running', home: 'off' });
  });
});

describe('what the operator asked for', () => {
  it('of the proof is passed on: the share of the blocks that is read back', async () => {
    await world.startAutomatic({ proofShare: 0.25 });
    const { report } = await world.untilEnd();
    expect(sent('verifyDisks').map(({ sampleShare }) => sampleShare)).toEqual([0.25]);
    expect(report.proof).toMatchObject({ comparedShare: 0.25, blocksCompared: 1024 });
  });

  it.each(['full', 'checksum'] as const)(
    'of the first copy (%s) is for that one only',
    async (replicationMode) => {
      await world.startAutomatic({ replicationMode });
      const { cycles } = await world.untilEnd();
      expect(cycles.map(({ reasons }) => reasons[0]?.split(' ')[0])).toEqual([
        `${replicationMode}:`,
        'delta:',
        'delta:',
      ]);
      const asked = sent('replicateDisk').map(({ mode }) => mode);
      const disks = world.item.disks.length;
      expect(asked.slice(0, disks).every((mode) => mode === replicationMode)).toBe(true);
      expect(asked.slice(disks).every((mode) => mode === undefined)).toBe(true);
    },
  );
});
