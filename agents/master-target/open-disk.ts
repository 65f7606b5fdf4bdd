import type { DiskRecord } from './journal-records.ts';
import { Manifest } from './manifest.ts';
import type { OpenFiles } from './open-files.ts';
import type { ReplicationFolder } from './replication-folder.ts';
import { TargetDisk } from './target-disk.ts';

interface OpenedDisk {
  readonly disk: TargetDisk;
  readonly manifest: Manifest;
}

/** A disk and its manifest, to be closed with the other files. Throws as `TargetDisk.open`. */
export async function openDisk(
  files: OpenFiles,
  folder: ReplicationFolder,
  { record, isReadOnly }: { readonly record: DiskRecord; readonly isReadOnly: boolean },
): Promise<OpenedDisk> {
  const { diskId, device, sizeBytes } = record;
  const disk = await files.add(TargetDisk.open(diskId, device, { sizeBytes, isReadOnly }));
  const manifest = await files.add(Manifest.open(folder.manifestFile(diskId), sizeBytes));
  return { disk, manifest };
}
