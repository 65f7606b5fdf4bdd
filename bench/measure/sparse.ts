import { statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { Child } from '../lab/child.ts';
import { NODE_FLAGS } from '../lab/node-flags.ts';
import { highest } from '../lab/proc.ts';
import { changedOffset, fillPages, PAGE_BYTES } from '../lab/sparse-pages.ts';
import { type BenchContext, GIB } from './context.ts';
import { Replication } from './replication.ts';

/** The whole disk would be terabytes of holes; a sample is enough on top of our own look at every page. */
const PROOF_SHARE = 0.001;
const STAT_BLOCK_BYTES = 512;

export interface SparseFigures {
  readonly diskBytes: number;
  readonly ranges: number;
  readonly seconds: number;
  readonly sendSeconds: number;
  readonly sealSeconds: number;
  /** Disk space that the target takes in the end. */
  readonly allocatedBytes: number;
  readonly peakMemoryMiB: Readonly<Record<string, number>>;
}

interface SparseDisk {
  readonly sizeBytes: number;
  readonly pages: number;
}

/** Deltas of single pages spread over disks of which nothing is stored: memory must not follow the size. */
export async function measureSparse(
  context: BenchContext,
  disks: readonly SparseDisk[],
): Promise<readonly SparseFigures[]> {
  const program = join(import.meta.dirname, '../lab/page-server.ts');
  const child = Child.start({ command: process.execPath, args: [...NODE_FLAGS, program] });
  try {
    const [, port = ''] = await child.says(/^pages (\d+) ready$/m);
    const figures: SparseFigures[] = [];
    for (const disk of disks) figures.push(await measureOne(context, disk, port));
    return figures;
  } finally {
    await child.stop();
  }
}

async function measureOne(
  { control, note }: BenchContext,
  disk: SparseDisk,
  port: string,
): Promise<SparseFigures> {
  const { sizeBytes, pages } = disk;
  note(`sparse: ${pages} pages on ${sizeBytes / GIB} GiB`);
  const urlOf = (snapshot: string) => async (): Promise<string> =>
    `http://127.0.0.1:${port}/disk.vhd?size=${sizeBytes}&pages=${pages}&snapshot=${snapshot}`;
  const site = await control.startSite();
  try {
    const replication = await Replication.open(site, sizeBytes);
    await replication.bring({ url: urlOf('1') });
    const point = await replication.bring({ url: urlOf('2'), baseUrl: urlOf('1') });
    if (point.sent.mode !== 'delta' || point.sent.changedBytes !== pages * PAGE_BYTES) {
      throw new Error(`A delta of ${pages} pages became: ${JSON.stringify(point.sent)}`);
    }
    const { seconds, sendSeconds, sealSeconds } = point;
    const usage = site.usage();
    await assertPages(replication.targetFile, disk);
    await replication.verify(PROOF_SHARE);
    const allocatedBytes = statSync(replication.targetFile).blocks * STAT_BLOCK_BYTES;
    await replication.remove();
    const peakMemoryMiB = {
      'process-server': highest(usage.processServer),
      'master-target': highest(usage.masterTarget),
    };
    note(
      `  ${seconds.toFixed(1)} s (send ${sendSeconds.toFixed(1)}, seal ${sealSeconds.toFixed(1)}), MiB: ${JSON.stringify(peakMemoryMiB)}`,
    );
    const times = { seconds, sendSeconds, sealSeconds };
    return { diskBytes: sizeBytes, ranges: pages, ...times, allocatedBytes, peakMemoryMiB };
  } finally {
    await site.stop();
  }
}

/** Every changed page; and the disk may take no more space than they do, so that nothing else was written. */
async function assertPages(file: string, disk: SparseDisk): Promise<void> {
  const handle = await open(file, 'r');
  const [found, expected] = [Buffer.alloc(PAGE_BYTES), Buffer.alloc(PAGE_BYTES)];
  try {
    for (let page = 0; page < disk.pages; page += 1) {
      const offset = changedOffset(disk, page);
      await handle.read(found, 0, PAGE_BYTES, offset);
      fillPages(expected, offset);
      if (!found.equals(expected)) throw new Error(`The page at byte ${offset} is wrong.`);
    }
  } finally {
    await handle.close();
  }
}
