import { type FileHandle, open } from 'node:fs/promises';
import type { TargetDevice } from '../../shared/contracts/commands.ts';
import { DIGEST_BYTES } from '../../shared/contracts/transfer-protocol.ts';
import { BLOCK_BYTES } from '../../shared/domain/page-ranges.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { digestOf } from '../runtime/block-bytes.ts';
import { ALIGNMENT_BYTES } from './aligned-buffers.ts';
import { DirectFile } from './direct-file.ts';
import { findDevice } from './locate-device.ts';
import { asStorageFailure, isFull } from './storage-error.ts';
import { writeWhole } from './write-whole.ts';

/** Shorter writes are put in order and joined by the page cache. */
const MIN_DIRECT_WRITE_BYTES = 64 * 1024;
const ZERO_CHUNK = Buffer.alloc(4 * 1024 * 1024);

interface DiskName {
  readonly diskId: string;
  readonly device: string;
}

/** A disk of the target VM as the master target writes it: a file, or a disk attached to it. */
export class TargetDisk {
  readonly #handle: FileHandle;
  /** How people know it: the disk and where it is. */
  readonly #name: DiskName;
  readonly #sizeBytes: number;
  /** Of the device, which may be larger than the disk. */
  readonly #endBytes: number;
  readonly #direct: DirectFile | null;
  /** Of a file. The cache of a device ends with the last who has it open. */
  readonly #isReadDirectly: boolean;

  private constructor(
    opened: {
      readonly handle: FileHandle;
      readonly direct: DirectFile | null;
      readonly isReadDirectly: boolean;
    },
    name: DiskName,
    { sizeBytes, endBytes }: { readonly sizeBytes: number; readonly endBytes: number },
  ) {
    this.#handle = opened.handle;
    this.#direct = opened.direct;
    this.#isReadDirectly = opened.isReadDirectly;
    this.#name = name;
    this.#sizeBytes = sizeBytes;
    this.#endBytes = endBytes;
  }

  /**
   * Throws FB-JRN-003 when the device is not there, FB-JRN-005 when it is too small, FB-JRN-011 when two claim to be it,
   * and as all that follows FB-JRN-015 when its storage fails.
   */
  static async open(
    diskId: string,
    device: TargetDevice,
    request: { readonly sizeBytes: number; readonly isReadOnly: boolean },
  ): Promise<TargetDisk> {
    const found = await findDevice(device);
    if (found === null) {
      const name = device.kind === 'file' ? device.path : device.uuid;
      throw new FailbackError('FB-JRN-003', { diskId, device: name });
    }
    const name = { diskId, device: found.path };
    const opening = open(found.path, request.isReadOnly ? 'r' : 'r+');
    const handle = await naming(name, 'open', opening);
    try {
      const actualBytes = found.sizeBytes ?? (await naming(name, 'read', sizeOf(handle)));
      if (actualBytes < request.sizeBytes) {
        const values = { diskId, actualBytes, neededBytes: request.sizeBytes };
        throw new FailbackError('FB-JRN-005', values);
      }
      const isReadDirectly = device.kind === 'file';
      const isOfUse = isReadDirectly || !request.isReadOnly;
      const direct = isOfUse
        ? await naming(name, 'open', DirectFile.open(found.path, request))
        : null;
      const opened = { handle, direct, isReadDirectly };
      const size = { sizeBytes: request.sizeBytes, endBytes: actualBytes };
      return new TargetDisk(opened, name, size);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async read(offset: number, length: number): Promise<Buffer> {
    return this.readInto(Buffer.allocUnsafeSlow(length), offset);
  }

  /** Fills the buffer; what lies behind the end of the device reads as zeros. Windows refuses to read there. */
  async readInto(buffer: Buffer, offset: number): Promise<Buffer> {
    const length = Math.max(0, Math.min(buffer.length, this.#endBytes - offset));
    const wanted = buffer.subarray(0, length);
    const direct = this.#isReadDirectly ? this.#direct : null;
    const reading = direct?.readInto(wanted, offset) ?? this.#readCached(wanted, offset);
    const done = await naming(this.#name, 'read', reading);
    return buffer.fill(0, done);
  }

  /** Throws FB-JRN-014 when the storage under the disk has no room for what it does not hold yet. */
  async write(offset: number, bytes: Uint8Array): Promise<void> {
    await naming(this.#name, 'write', this.#write(offset, bytes));
  }

  /** Makes a stretch zeros, whatever it seems to be. */
  async writeZeros(offset: number, length: number): Promise<void> {
    for (let done = 0; done < length; done += ZERO_CHUNK.length) {
      const zeros = ZERO_CHUNK.subarray(0, Math.min(ZERO_CHUNK.length, length - done));
      await this.write(offset + done, zeros);
    }
  }

  /** Makes a stretch read as zeros; what does so already is not written, so that it stays sparse. */
  async zero(offset: number, length: number): Promise<void> {
    const buffer = Buffer.allocUnsafeSlow(Math.min(ZERO_CHUNK.length, length));
    for (let done = 0; done < length; done += ZERO_CHUNK.length) {
      const zeros = ZERO_CHUNK.subarray(0, Math.min(ZERO_CHUNK.length, length - done));
      const current = await this.readInto(buffer.subarray(0, zeros.length), offset + done);
      if (!current.equals(zeros)) await this.write(offset + done, zeros);
    }
  }

  /** SHA-256 of consecutive blocks, 32 bytes each. */
  async digests(firstBlock: number, count: number): Promise<Uint8Array> {
    const digests = Buffer.alloc(count * DIGEST_BYTES);
    const buffer = Buffer.allocUnsafeSlow(BLOCK_BYTES);
    for (let index = 0; index < count; index += 1) {
      const offset = (firstBlock + index) * BLOCK_BYTES;
      const block = buffer.subarray(0, Math.min(BLOCK_BYTES, this.#sizeBytes - offset));
      digestOf(await this.readInto(block, offset)).copy(digests, index * DIGEST_BYTES);
    }
    return digests;
  }

  /** Throws FB-JRN-014: some storage finds out only now. */
  async sync(): Promise<void> {
    await naming(this.#name, 'sync', this.#handle.datasync());
  }

  async close(): Promise<void> {
    await this.#direct?.close();
    await this.#handle.close();
  }

  async #write(offset: number, bytes: Uint8Array): Promise<void> {
    const isDirect = bytes.length >= MIN_DIRECT_WRITE_BYTES && offset % ALIGNMENT_BYTES === 0;
    if (this.#direct === null || !isDirect) return writeWhole(this.#handle, bytes, offset);
    const whole = bytes.length - (bytes.length % ALIGNMENT_BYTES);
    await this.#direct.write(bytes.subarray(0, whole), offset);
    await writeWhole(this.#handle, bytes.subarray(whole), offset + whole);
  }

  async #readCached(buffer: Buffer, offset: number): Promise<number> {
    let done = 0;
    while (done < buffer.length) {
      const left = buffer.length - done;
      const { bytesRead } = await this.#handle.read(buffer, done, left, offset + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return done;
  }
}

/** Says which disk it was where the storage under it is full or fails. */
async function naming<T>(
  name: DiskName,
  operation: 'open' | 'read' | 'write' | 'sync',
  work: Promise<T>,
): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (isFull(error)) throw new FailbackError('FB-JRN-014', { ...name }, { cause: error });
    const place = `the disk ${name.diskId} (${name.device})`;
    throw asStorageFailure(error, { place, operation });
  }
}

/** Block devices have no size in their stat; the end of the device tells. */
async function sizeOf(handle: FileHandle): Promise<number> {
  const stat = await handle.stat();
  if (!stat.isBlockDevice()) return stat.size;
  const probe = Buffer.alloc(512);
  let [low, high] = [0, 2 ** 46 / 512];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    const { bytesRead } = await handle.read(probe, 0, 512, (middle - 1) * 512);
    if (bytesRead === 512) low = middle;
    else high = middle - 1;
  }
  return low * 512;
}
