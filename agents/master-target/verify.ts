import type { CommandOutput } from '../../shared/contracts/commands.ts';
import { BLOCK_BYTES } from '../../shared/domain/page-ranges.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { blockCount, isSame, Manifest } from './manifest.ts';
import type { DiskRecord, ReplicationFolder } from './replication-folder.ts';
import { TargetDisk } from './target-disk.ts';

/** Blocks read at once: 4 MiB. */
const BATCH = 16;
/** More are not worth listing: the disk is wrong. */
const MAX_MISMATCHES = 1000;

type Output = CommandOutput<'verifyDisks'>;

interface VerifyOptions {
  readonly folder: ReplicationFolder;
  readonly pointId: string;
  readonly signal: AbortSignal;
  readonly onBytes: (bytes: number) => void;
}

/** Reads every block of every disk back and compares it with what the source had. */
export async function verifyDisks(options: VerifyOptions): Promise<Output> {
  const { folder, pointId } = options;
  const sealed = await folder.sealed();
  if (sealed?.pointId !== pointId) {
    throw new FailbackError('FB-JRN-006', { pointId, diskId: 'all' });
  }
  const output: Output = { blocksCompared: 0, bytesCompared: 0, mismatches: [] };
  for (const disk of await folder.disks()) await verifyDisk(options, disk, output);
  return output;
}

async function verifyDisk(
  options: VerifyOptions,
  record: DiskRecord,
  output: Output,
): Promise<void> {
  const { diskId, device, sizeBytes } = record;
  const disk = await TargetDisk.open(diskId, device, { sizeBytes, isReadOnly: true });
  const manifest = await Manifest.open(options.folder.manifestFile(diskId), sizeBytes);
  try {
    const blocks = blockCount(sizeBytes);
    for (let first = 0; first < blocks; first += BATCH) {
      options.signal.throwIfAborted();
      const count = Math.min(BATCH, blocks - first);
      const offset = first * BLOCK_BYTES;
      const bytes = await disk.read(offset, Math.min(count * BLOCK_BYTES, sizeBytes - offset));
      const entries = await manifest.read(first, count);
      for (const [index, entry] of entries.entries()) {
        const block = bytes.subarray(index * BLOCK_BYTES, (index + 1) * BLOCK_BYTES);
        const isMismatch = !isSame(entry, block);
        if (isMismatch && output.mismatches.length < MAX_MISMATCHES) {
          const at = offset + index * BLOCK_BYTES;
          output.mismatches.push({ diskId, offset: at, length: block.length });
        }
      }
      output.blocksCompared += count;
      output.bytesCompared += bytes.length;
      options.onBytes(bytes.length);
    }
  } finally {
    await disk.close();
    await manifest.close();
  }
}
