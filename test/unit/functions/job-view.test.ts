import { beforeEach, describe, expect, it } from '@jest/globals';
import { viewJob } from '../../../functions/jobs/job-view.ts';
import { jobViewSchema } from '../../../shared/contracts/http-api.ts';
import { errorRecord } from '../../../shared/errors/failback-error.ts';
import { success } from '../../../shared/errors/result.ts';
import { aCommand, anItem, aJob, aProgress, NOW } from '../../support/memory/builders.ts';
import { aWorld, type MemoryWorld } from '../../support/memory/memory-world.ts';

let world: MemoryWorld;
const statistics = {
  cycle: 1,
  kind: 'delta',
  pointId: 'fb-1-p0001',
  takenAt: NOW,
  consistency: 'crashConsistent',
  changedBytes: 10,
  zeroBytes: 0,
  readBytes: 20,
  sentBytes: 10,
  wireBytes: 5,
  durationMs: 100,
  reasons: [],
} as const;

beforeEach(() => {
  world = aWorld();
});

describe('the view of a job', () => {
  it('shows the stage of its phase and of every line of its history', async () => {
    const history = [
      { at: NOW, phase: 'preparing', message: 'Preparing' },
      { at: NOW, phase: 'finalDelta', message: 'Last delta' },
    ] as const;
    const view = await viewJob(world, aJob({ phase: 'finalDelta', history }));
    expect(jobViewSchema.parse(view)).toMatchObject({
      stage: 'Failing back',
      history: [{ stage: 'Preparing' }, { stage: 'Failing back' }],
    });
  });

  it('tells how old the newest recovery point is', async () => {
    world.stores.items.put(anItem({ lastRecoveryPointAt: NOW }));
    world.clock.advance(90_000);
    expect((await viewJob(world, aJob())).rpoSeconds).toBe(90);
  });

  it('can be shown although its machine is gone', async () => {
    const view = await viewJob(world, aJob({ itemId: 'web-99' }));
    expect(jobViewSchema.parse(view).rpoSeconds).toBeNull();
  });

  it('shows the error of a job that failed, as the API promises it', async () => {
    const error = errorRecord('FB-ORC-006', { mismatches: 3, vmName: 'web-01' });
    const view = await viewJob(world, aJob({ state: 'failed', endedAt: NOW, error }));
    expect(jobViewSchema.parse(view).error).toEqual(error);
  });

  it('shows the cycles with the consistency of their points and why it is less than asked', async () => {
    const cycle = { ...statistics, reasons: ['the guest agent does not answer'] };
    const view = await viewJob(world, aJob({ cycles: [cycle] }));
    expect(jobViewSchema.parse(view).cycles).toEqual([cycle]);
  });

  it('is a copy: what a caller does to it does not reach the record', async () => {
    const job = aJob({ error: errorRecord('FB-ORC-005') });
    const view = await viewJob(world, job);
    (view.error as { message: string }).message = 'changed';
    expect(job.error?.message).toBe('The failback was cancelled.');
  });
});

describe('the progress of a job', () => {
  const disk = (diskId: string, progress: unknown, changes = {}) =>
    world.stores.commands.put(
      aCommand({
        id: `fb-1.${diskId}`,
        name: 'replicateDisk',
        input: { diskId },
        progress,
        ...changes,
      }),
    );

  it('is none while nothing is under way', async () => {
    disk('os', null);
    expect((await viewJob(world, aJob())).progress).toBeNull();
  });

  it('sums the disks that travel side by side; the slowest decides when it is done', async () => {
    disk('os', aProgress({ etaSeconds: 90, step: 'reading' }));
    disk('lun-0', aProgress({ etaSeconds: 30, bytesDone: 200, bytesTotal: 500 }));
    const view = jobViewSchema.parse(await viewJob(world, aJob()));
    expect(view.progress).toMatchObject({
      bytesDone: 300,
      bytesTotal: 1500,
      rangesDone: 2,
      rangesTotal: 20,
      sentBytes: 300,
      wireBytes: 100,
      compressionRatio: 3,
      bytesPerSecond: 20,
      etaSeconds: 90,
    });
    expect(view.progress?.parts.map(({ diskId }) => diskId)).toEqual(['lun-0', 'os']);
  });

  it('has no estimate while no disk has one', async () => {
    disk('os', aProgress());
    expect((await viewJob(world, aJob())).progress).not.toHaveProperty('etaSeconds');
  });

  it('has no compression to tell while nothing was sent', async () => {
    disk('os', aProgress({ sentBytes: 0, wireBytes: 0 }));
    const { progress } = jobViewSchema.parse(await viewJob(world, aJob()));
    expect(progress).toMatchObject({ sentBytes: 0, wireBytes: 0 });
    expect(progress).not.toHaveProperty('compressionRatio');
  });

  it('weighs the compression of the disks by what each sent', async () => {
    disk('os', aProgress({ sentBytes: 900, wireBytes: 100 }));
    disk('lun-0', aProgress({ sentBytes: 100, wireBytes: 100 }));
    expect((await viewJob(world, aJob())).progress?.compressionRatio).toBe(5);
  });

  it('leaves out what has ended, what belongs to others, and what makes no sense', async () => {
    disk('os', aProgress(), { result: success({}) });
    disk('lun-0', { bytesDone: 'many' });
    world.stores.commands.put(aCommand({ id: 'fb-2.os', progress: aProgress() }));
    expect((await viewJob(world, aJob())).progress).toBeNull();
  });

  it('shows what holds a disk up, until it goes on', async () => {
    const health = errorRecord('FB-DATA-001', { host: 'mt1', port: 9443, reason: 'refused' });
    disk('os', aProgress({ health }));
    disk('lun-0', aProgress());
    const held = jobViewSchema.parse(await viewJob(world, aJob()));
    expect(held.health).toEqual([health]);
    expect(held).toMatchObject({ state: 'running', error: null });
    disk('os', aProgress());
    expect(jobViewSchema.parse(await viewJob(world, aJob())).health).toEqual([]);
  });

  it('does not show what held up a disk that has ended, or one of another job', async () => {
    const health = errorRecord('FB-DATA-009', { diskId: 'os' });
    disk('os', aProgress({ health }), { result: success({}) });
    world.stores.commands.put(aCommand({ id: 'fb-2.os', progress: aProgress({ health }) }));
    expect((await viewJob(world, aJob())).health).toEqual([]);
  });

  it('shows a command that is about no disk', async () => {
    world.stores.commands.put(aCommand({ progress: aProgress() }));
    const view = await viewJob(world, aJob());
    expect(view.progress?.parts).toMatchObject([{ name: 'discardUnsealed', diskId: null }]);
  });
});
