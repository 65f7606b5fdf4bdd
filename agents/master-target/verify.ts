import { randomInt } from 'node:crypto';
import type { CommandOutput } from '../../shared/contracts/commands.ts';
import { BLOCK_BYTES } from '../../shared/domain/page-ranges.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import type { DiskRecord } from './journal-records.ts';
import { blockCount, isSame } from './manifest.ts';
import { openDisk } from './open-disk.ts';
import { OpenFiles } from './open-files.ts';
import type { ReplicationFolder } from './replication-folder.ts';

/** Blocks read at once: 4 MiB. */
const BATCH = 16;
/** More are not worth listing: the disk is wrong. */
const MAX_MISMATCHES = 1000;
const SHARE_STEPS = 1_000_000;

type Output = CommandOutput<'verifyDisks'>;

interface VerifyOptions {
  readonly folder: ReplicationFolder;
  readonly pointId: string;
  /** 1 compares every block. */
  readonly sampleShare: number;
  readonly signal: AbortSignal;
  readonly onBytes: (bytes: number) => void;
}

/**
 * Reads blocks of every disk back and compares them with what the source had. A sample is made of whole
 * batches, chosen anew each time, and always has the first and the last: boot sector and partition tables.
 */
export async function verifyDisks(options: VerifyOptions): Promise<Output> {
  const { folder, pointId } = options;
  const { points, pending } = await folder.journal();
  if (points.at(-1)?.pointId !== pointId || pending !== null) {
    throw new FailbackError('FB-JRN-006', { pointId, diskId: 'all' });
  }
  const found: Output = { comparedShare: 1, blocksCompared: 0, bytesCompared: 0, mismatches: [] };
  const disks = await folder.disks();
  for (const disk of disks) await verifyDisk(options, disk, found);
  const blocks = disks.reduce((sum, { sizeBytes }) => sum + blockCount(sizeBytes), 0);
  const sizes = Object.fromEntries(disks.map(({ diskId, sizeBytes }) => [diskId, sizeBytes]));
  return { ...found, comparedShare: found.blocksCompared / blocks, sizes };
}

async function verifyDisk(
  options: VerifyOptions,
  record: DiskRecord,
  output: Output,
): Promise<void> {
  const { diskId, sizeBytes } = record;
  const blocks = blockCount(sizeBytes);
  const files = new OpenFiles();
  try {
    const { disk, manifest } = await openDisk(files, options.folder, { record, isReadOnly: true });
    for (let first = 0; first < blocks; first += BATCH) {
      options.signal.throwIfAborted();
      const count = Math.min(BATCH, blocks - first);
      const isEdge = first === 0 || first + count === blocks;
      const offset = first * BLOCK_BYTES;
      const length = Math.min(count * BLOCK_BYTES, sizeBytes - offset);
      if (!isEdge && !isChosen(options.sampleShare)) {
        options.onBytes(length);
        continue;
      }
      const bytes = await disk.read(offset, length);
      const entries = await manifest.read(first, count);
      for (const [index, entry] of entries.entries()) {
        const block = bytes.subarray(index * BLOCK_BYTES, (index + 1) * BLOCK_BYTES);
        if (isSame(entry, block) || output.mismatches.length >= MAX_MISMATCHES) continue;
        const at = offset + index * BLOCK_BYTES;
        output.mismatches.push({ diskId, offset: at, length: block.length });
      }
      output.blocksCompared += count;
      output.bytesCompared += bytes.length;
      options.onBytes(bytes.length);
    }
  } finally {
    await files.close();
  }
}

function isChosen(share: number): boolean {
  return share >= 1 || randomInt(SHARE_STEPS) < share * SHARE_STEPS;
}
