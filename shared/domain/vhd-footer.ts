/**
 * Footer of a fixed VHD: the last 512 bytes of what Azure exports, after the raw disk. Big-endian.
 * We read it ourselves: QEMU before 10 computes the size of Azure's `wa` images from the CHS fields and
 * cuts the end of the disk off.
 */
export const VHD_FOOTER_BYTES = 512;

const COOKIE = 'conectix';
const FIXED = 2;
const OFFSET = {
  cookie: 0,
  features: 8,
  version: 12,
  dataOffset: 16,
  creator: 28,
  host: 36,
} as const;
const SIZE = {
  original: 40,
  current: 48,
  geometry: 56,
  type: 60,
  checksum: 64,
  uniqueId: 68,
} as const;

export interface VhdFooter {
  /** Size of the raw disk in bytes, without the footer. */
  readonly sizeBytes: number;
  readonly creator: string;
}

export type VhdFooterFault =
  'wrongLength' | 'noCookie' | 'wrongChecksum' | 'notFixed' | 'sizeTooLarge';

/** Reads and checks the 512 bytes; names what is wrong with them. */
export function parseVhdFooter(bytes: Uint8Array): VhdFooter | VhdFooterFault {
  if (bytes.byteLength !== VHD_FOOTER_BYTES) return 'wrongLength';
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (ascii(bytes, OFFSET.cookie, 8) !== COOKIE) return 'noCookie';
  if (view.getUint32(SIZE.checksum) !== checksumOf(bytes)) return 'wrongChecksum';
  if (view.getUint32(SIZE.type) !== FIXED) return 'notFixed';
  const sizeBytes = view.getBigUint64(SIZE.current);
  if (sizeBytes > BigInt(Number.MAX_SAFE_INTEGER)) return 'sizeTooLarge';
  const creator = ascii(bytes, OFFSET.creator, 4).replaceAll('\0', '');
  return { sizeBytes: Number(sizeBytes), creator };
}

/** Builds the footer of a fixed VHD as Azure writes it. `uniqueId` has 16 bytes. */
export function buildVhdFooter(sizeBytes: number, uniqueId: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(VHD_FOOTER_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode(COOKIE), OFFSET.cookie);
  view.setUint32(OFFSET.features, 2);
  view.setUint32(OFFSET.version, 0x0001_0000);
  view.setBigUint64(OFFSET.dataOffset, 0xffff_ffff_ffff_ffffn);
  bytes.set(new TextEncoder().encode('wa'), OFFSET.creator);
  bytes.set(new TextEncoder().encode('Wi2k'), OFFSET.host);
  view.setBigUint64(SIZE.original, BigInt(sizeBytes));
  view.setBigUint64(SIZE.current, BigInt(sizeBytes));
  writeGeometry(view, sizeBytes);
  view.setUint32(SIZE.type, FIXED);
  bytes.set(uniqueId.subarray(0, 16), SIZE.uniqueId);
  view.setUint32(SIZE.checksum, checksumOf(bytes));
  return bytes;
}

/** Ones' complement of the sum of all bytes, the checksum's own left out. */
function checksumOf(bytes: Uint8Array): number {
  let sum = 0;
  for (const [index, byte] of bytes.entries()) {
    const isOwn = index >= SIZE.checksum && index < SIZE.checksum + 4;
    if (!isOwn) sum += byte;
  }
  return ~sum >>> 0;
}

/** Cylinders, heads and sectors as in the appendix of the VHD specification. */
function writeGeometry(view: DataView, sizeBytes: number): void {
  const totalSectors = Math.min(Math.floor(sizeBytes / 512), 65_535 * 16 * 255);
  let [heads, sectors] = [16, 255];
  let cylinderTimesHeads = Math.floor(totalSectors / sectors);
  if (totalSectors < 65_535 * 16 * 63) {
    sectors = 17;
    cylinderTimesHeads = Math.floor(totalSectors / sectors);
    heads = Math.max(4, Math.floor((cylinderTimesHeads + 1023) / 1024));
    if (cylinderTimesHeads >= heads * 1024 || heads > 16) {
      [heads, sectors] = [16, 31];
      cylinderTimesHeads = Math.floor(totalSectors / sectors);
    }
    if (cylinderTimesHeads >= heads * 1024) {
      sectors = 63;
      cylinderTimesHeads = Math.floor(totalSectors / sectors);
    }
  }
  view.setUint16(SIZE.geometry, Math.min(Math.floor(cylinderTimesHeads / heads), 65_535));
  view.setUint8(SIZE.geometry + 2, heads);
  view.setUint8(SIZE.geometry + 3, sectors);
}

function ascii(bytes: Uint8Array, start: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(start, start + length));
}
