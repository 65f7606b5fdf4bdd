/** Offsets, lengths and memory of access past the page cache: fits every disk and file system that we know of. */
export const ALIGNMENT_BYTES = 4096;
/** Enough for sixteen lanes that end while others begin. */
const MAX_FREE_BYTES = 16 * 1024 * 1024;

/**
 * Memory that begins at a page, used again and again. Each connection needs a megabyte of it, and what it left to the
 * collector would stay for minutes: V8 looks for old memory seldom, and hardly knows of memory of this kind.
 */
class AlignedBuffers {
  /** What nobody uses, by its length. */
  readonly #free = new Map<number, Buffer[]>();
  #freeBytes = 0;

  /** With anything in it. */
  take(lengthBytes: number): Buffer {
    const free = this.#free.get(lengthBytes)?.pop();
    if (free === undefined) return alignedBuffer(lengthBytes);
    this.#freeBytes -= lengthBytes;
    return free;
  }

  /** Takes back the whole of what `take` gave, once, when neither program nor kernel look at it any more. */
  giveBack(buffer: Buffer): void {
    if (this.#freeBytes + buffer.length > MAX_FREE_BYTES) return;
    const free = this.#free.get(buffer.length) ?? [];
    this.#free.set(buffer.length, free);
    free.push(buffer);
    this.#freeBytes += buffer.length;
  }
}

/** One for the process. */
export const alignedBuffers = new AlignedBuffers();

/** Node makes buffers that could grow begin at a page, and no others. */
function alignedBuffer(lengthBytes: number): Buffer {
  return Buffer.from(new ArrayBuffer(lengthBytes, { maxByteLength: lengthBytes }));
}

export function isAligned({ buffer, byteOffset }: Uint8Array): boolean {
  const isAtPage = buffer instanceof ArrayBuffer && buffer.resizable;
  return isAtPage && byteOffset % ALIGNMENT_BYTES === 0;
}
