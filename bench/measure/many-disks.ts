import { SourceDisk } from '../lab/source-disk.ts';
import { highest } from '../lab/proc.ts';
import { type BenchContext, INCOMPRESSIBLE, MIB } from './context.ts';
import { Replication } from './replication.ts';

export interface ManyDisksFigures {
  readonly disks: number;
  readonly diskBytes: number;
  /** Until the last of them is sealed. */
  readonly seconds: number;
  readonly bytesPerSecond: number;
  readonly peakMemoryMiB: Readonly<Record<string, number>>;
}

/** Initial replication of many disks side by side: memory may not follow their number. */
export async function measureManyDisks(
  { control, storage, note }: BenchContext,
  { counts, diskBytes }: { readonly counts: readonly number[]; readonly diskBytes: number },
): Promise<readonly ManyDisksFigures[]> {
  const source = await SourceDisk.create(storage, 'many', diskBytes);
  await source.writeFirst(INCOMPRESSIBLE);
  const url = await source.snapshot();
  const figures: ManyDisksFigures[] = [];
  for (const disks of counts) {
    note(`disks: ${disks} of ${diskBytes / MIB} MiB at the same time`);
    const site = await control.startSite();
    try {
      const replications = await Promise.all(
        Array.from({ length: disks }, async () => Replication.open(site, diskBytes)),
      );
      const startedAt = performance.now();
      await Promise.all(replications.map(async (replication) => replication.bring({ url })));
      const seconds = (performance.now() - startedAt) / 1000;
      const usage = site.usage();
      for (const replication of replications) {
        await source.assertEqual(replication.targetFile);
        await replication.remove();
      }
      const peakMemoryMiB = {
        'process-server': highest(usage.processServer),
        'master-target': highest(usage.masterTarget),
      };
      const bytesPerSecond = (disks * diskBytes) / seconds;
      figures.push({ disks, diskBytes, seconds, bytesPerSecond, peakMemoryMiB });
    } finally {
      await site.stop();
    }
  }
  await source.delete();
  return figures;
}
