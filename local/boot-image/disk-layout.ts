import { MARKER_BYTES } from './init-script.ts';

export const SECTOR_BYTES = 512;
export const MIB = 1024 * 1024;
export const PARTITION_OFFSET_BYTES = 1024 * 1024;
/** The rest of a larger disk stays free for data. */
const MAX_PARTITION_BYTES = 64 * MIB;
/** 2 KiB: with clusters of this size, partitions of 9 to 64 MiB are FAT16 and never FAT12 or FAT32. */
export const SECTORS_PER_CLUSTER = 4;
const MIN_PARTITION_BYTES = 9 * MIB;

const MBR_CODE_BYTES = 440;
const PARTITION_TABLE_AT = 446;
const SIGNATURE_AT = 510;
const ACTIVE = 0x80;
const FAT16_LBA = 0x0e;
/** What stands in the old cylinder fields when only the sector numbers count. */
const CHS_UNUSED = [0xfe, 0xff, 0xff];

/** Bytes of the FAT partition on a disk of this size; throws for sizes that cannot hold one. */
export function partitionBytes(sizeBytes: number): number {
  const available = sizeBytes - PARTITION_OFFSET_BYTES;
  const isWhole = Number.isSafeInteger(sizeBytes) && sizeBytes % MIB === 0;
  if (!isWhole || available < MIN_PARTITION_BYTES) {
    const needed = `whole MiB, at least ${(PARTITION_OFFSET_BYTES + MIN_PARTITION_BYTES) / MIB}`;
    throw new RangeError(`A boot disk of ${sizeBytes} bytes cannot be laid out: use ${needed}.`);
  }
  return Math.min(available, MAX_PARTITION_BYTES);
}

/** The first two sectors: MBR with one active FAT16 partition, then the marker as text. */
export function diskHead(mbrCode: Buffer, sizeBytes: number, marker: string): Buffer {
  const head = Buffer.alloc(2 * SECTOR_BYTES);
  mbrCode.copy(head, 0, 0, MBR_CODE_BYTES);
  const entry = head.subarray(PARTITION_TABLE_AT);
  entry.set([ACTIVE, ...CHS_UNUSED, FAT16_LBA, ...CHS_UNUSED]);
  entry.writeUInt32LE(PARTITION_OFFSET_BYTES / SECTOR_BYTES, 8);
  entry.writeUInt32LE(partitionBytes(sizeBytes) / SECTOR_BYTES, 12);
  head.writeUInt16LE(0xaa55, SIGNATURE_AT);
  head.write(marker, SECTOR_BYTES, 'latin1');
  return head;
}

/** Throws for a marker that would not come back unchanged on the guest's console. */
export function checkMarker(marker: string): void {
  if (/^[\x21-\x7e]+$/.test(marker) && marker.length <= MARKER_BYTES) return;
  const rule = `1 to ${MARKER_BYTES} visible ASCII characters without blanks`;
  throw new RangeError(`The marker "${marker}" cannot be read back from the console: use ${rule}.`);
}
