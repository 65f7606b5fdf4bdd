import type { CommandInput } from '../../shared/contracts/commands.ts';
import { BLOCK_BYTES } from '../../shared/domain/page-ranges.ts';
import { isZero } from '../runtime/block-bytes.ts';
import type { DiskRecord } from './journal-records.ts';
import { entryOf, isSame, Manifest } from './manifest.ts';
import { openDisk } from './open-disk.ts';
import { OpenFiles } from './open-files.ts';
import type { ReplicationFolder } from './replication-folder.ts';
import type { TargetDisk } from './target-disk.ts';

type OpenedDisk = CommandInput<'openTarget'>['disks'][number];

/**
 * The disks as they are to be recorded. One that grew since it was opened last keeps what is known of it: what was
 * added reads as zeros, also at the older points, which stay. The manifest comes first, the record of the size after
 * it: cut off in between, it is done again and changes nothing. Call it when nothing is pending.
 */
export async function takeInGrowth(
  folder: ReplicationFolder,
  disks: readonly DiskRecord[],
  opened: readonly OpenedDisk[],
): Promise<readonly DiskRecord[]> {
  const pointId = (await folder.journal()).points.at(-1)?.pointId;
  const grown: DiskRecord[] = [];
  for (const disk of disks) {
    const { sizeBytes: fromBytes } = disk;
    const toBytes = opened.find(({ diskId }) => diskId === disk.diskId)?.sizeBytes ?? fromBytes;
    const next = { ...disk, sizeBytes: toBytes };
    const hasGrown = toBytes > fromBytes && pointId !== undefined;
    if (hasGrown) await growManifest(folder, next, fromBytes);
    grown.push(
      hasGrown ? { ...next, growth: [...(disk.growth ?? []), { fromBytes, pointId }] } : next,
    );
  }
  return grown;
}

async function growManifest(
  folder: ReplicationFolder,
  disk: DiskRecord,
  fromBytes: number,
): Promise<void> {
  const { diskId, sizeBytes } = disk;
  await Manifest.grow(folder.manifestFile(diskId), { fromBytes, toBytes: sizeBytes });
  const files = new OpenFiles();
  try {
    const opened = await openDisk(files, folder, { record: disk, isReadOnly: true });
    await fitLastBlock(opened, { fromBytes, sizeBytes });
    await opened.manifest.sync();
  } finally {
    await files.close();
  }
}

/**
 * A disk that ended inside a block has that block's digest over fewer bytes than there are now. It is made to fit where
 * the bytes are those that it vouches for, and zeros behind them; otherwise it vouches for nothing, as it should.
 */
export async function fitLastBlock(
  { disk, manifest }: { readonly disk: TargetDisk; readonly manifest: Manifest },
  { fromBytes, sizeBytes }: { readonly fromBytes: number; readonly sizeBytes: number },
): Promise<void> {
  const inside = fromBytes % BLOCK_BYTES;
  if (inside === 0) return;
  const offset = fromBytes - inside;
  const bytes = await disk.read(offset, Math.min(BLOCK_BYTES, sizeBytes - offset));
  const [entry] = await manifest.read(offset / BLOCK_BYTES, 1);
  if (entry === undefined || isSame(entry, bytes)) return;
  const isOfSmaller = isSame(entry, bytes.subarray(0, inside)) && isZero(bytes.subarray(inside));
  if (isOfSmaller) await manifest.set(offset / BLOCK_BYTES, entryOf(bytes));
}
