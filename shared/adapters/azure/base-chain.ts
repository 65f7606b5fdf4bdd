/** What tells whether two snapshots belong to one chain. */
export interface SnapshotFacts {
  /** Snapshots of one family share their unchanged blocks; only they can be compared. */
  readonly familyId: string | undefined;
  /** Identity of the disk that was read, which a disk recreated under the same name does not have. */
  readonly sourceUniqueId: string | undefined;
  readonly takenAt: Date | undefined;
  /** Of restore points only known in whole GiB. */
  readonly sizeBytes: number;
}

/** Azure cannot compare snapshots from either side of this size. */
const RESIZE_BOUNDARY_BYTES = 4 * 1024 ** 4;

/** Why the base must not be compared with, for people; `null` when nothing speaks against it. */
export function refusalOfBase(current: SnapshotFacts, base: SnapshotFacts): string | null {
  if (current.sourceUniqueId === undefined || current.sourceUniqueId !== base.sourceUniqueId) {
    return 'the disk was recreated since the base snapshot';
  }
  if (current.familyId === undefined || current.familyId !== base.familyId) {
    return 'the base snapshot is of another snapshot family';
  }
  if (current.sizeBytes !== base.sizeBytes) return resizeText(current.sizeBytes, base.sizeBytes);
  if (current.takenAt === undefined || base.takenAt === undefined) {
    return 'Azure does not say when the snapshots were taken';
  }
  if (base.takenAt > current.takenAt) return 'the base snapshot is newer than this one';
  return null;
}

export function resizeText(currentBytes: number, baseBytes: number): string {
  const isAcross = currentBytes > RESIZE_BOUNDARY_BYTES !== baseBytes > RESIZE_BOUNDARY_BYTES;
  const resized = `the disk was resized from ${baseBytes} to ${currentBytes} bytes in Azure`;
  return isAcross ? `${resized}, over the boundary of 4 TiB` : resized;
}
