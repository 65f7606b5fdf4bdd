import { SourceDisk } from '../lab/source-disk.ts';
import { highest } from '../lab/proc.ts';
import { type BenchContext, GIB, MIB } from './context.ts';
import { Replication } from './replication.ts';

export const CHANGED_SHARES = [0.001, 0.01, 0.1] as const;
/** A cycle of a small share is short: the median of some says more. */
const CYCLES = 3;

/** What the disks hold before: enough that a scan of the whole disk would show. */
const FIRST = { random: 8, compressible: 8 } as const;
const CHANGE = { random: 60, compressible: 40 } as const;

export interface DeltaFigures {
  readonly diskBytes: number;
  readonly changedShare: number;
  readonly changedBytes: number;
  /** From sending the first command to the result of the seal. */
  readonly seconds: number;
  readonly workSeconds: number;
  readonly sendSeconds: number;
  readonly sealSeconds: number;
  readonly workSecondsPerChangedMiB: number;
}

export interface DeltaResult {
  readonly delta: readonly DeltaFigures[];
  readonly peakMemoryMiB: Readonly<Record<string, number>>;
}

/** Delta cycles by disk size and changed share. */
export async function measureDelta(
  context: BenchContext,
  disksBytes: readonly number[],
): Promise<DeltaResult> {
  const delta: DeltaFigures[] = [];
  let [processServer, masterTarget] = [0, 0];
  for (const sizeBytes of disksBytes) {
    const site = await context.control.startSite();
    try {
      context.note(`delta: making a disk of ${sizeBytes / GIB} GiB`);
      const disk = await SourceDisk.create(context.storage, `delta-${sizeBytes}`, sizeBytes);
      await disk.writeFirst(FIRST);
      const replication = await Replication.open(site, sizeBytes);
      let base = await disk.snapshot();
      await replication.bring({ url: base });
      for (const share of CHANGED_SHARES) {
        const cycles: DeltaFigures[] = [];
        for (let cycle = 0; cycle < CYCLES; cycle += 1) {
          const done = await runCycle(context, { disk, replication, base, share });
          base = done.next;
          cycles.push(done.figures);
          // One of the long cycles is enough: its time is far above the pauses between looks.
          if (done.figures.changedBytes > 512 * MIB) break;
        }
        delta.push(middle(cycles));
      }
      await disk.assertEqual(replication.targetFile);
      await replication.remove();
      await disk.delete();
      const usage = site.usage();
      processServer = Math.max(processServer, highest(usage.processServer));
      masterTarget = Math.max(masterTarget, highest(usage.masterTarget));
    } finally {
      await site.stop();
    }
  }
  const peakMemoryMiB = { 'process-server': processServer, 'master-target': masterTarget };
  return { delta, peakMemoryMiB };
}

async function runCycle(
  { note }: BenchContext,
  work: {
    readonly disk: SourceDisk;
    readonly replication: Replication;
    readonly base: () => Promise<string>;
    readonly share: number;
  },
): Promise<{ readonly figures: DeltaFigures; readonly next: () => Promise<string> }> {
  const { disk, replication, base, share } = work;
  const changedBytes = await disk.change(share, CHANGE);
  const next = await disk.snapshot();
  const { sent, ...times } = await replication.bring({ url: next, baseUrl: base });
  if (sent.mode !== 'delta' || sent.changedBytes !== changedBytes) {
    throw new Error(`A delta of ${changedBytes} bytes became: ${JSON.stringify(sent)}`);
  }
  note(
    `  ${share * 100} % of ${disk.sizeBytes / GIB} GiB: ${times.seconds.toFixed(2)} s, at work ${times.workSeconds.toFixed(2)} s`,
  );
  const workSecondsPerChangedMiB = times.workSeconds / (changedBytes / MIB);
  const { sizeBytes: diskBytes } = disk;
  const figures = {
    diskBytes,
    changedShare: share,
    changedBytes,
    ...times,
    workSecondsPerChangedMiB,
  };
  return { figures, next };
}

function middle(cycles: readonly DeltaFigures[]): DeltaFigures {
  const sorted = cycles.toSorted((a, b) => a.workSeconds - b.workSeconds);
  const found = sorted[Math.floor(sorted.length / 2)];
  if (found === undefined) throw new Error('No cycle was run.');
  return found;
}
