import { availableParallelism } from 'node:os';
import { constants, createZstdCompress } from 'node:zlib';
import { BLOCK_BYTES } from '../../shared/domain/page-ranges.ts';

/**
 * Threads of Node's pool are four, and reading files and names needs one of them, too. More than there are processors
 * bring nothing and cost megabytes.
 */
const MAX_COMPRESSORS = Math.min(3, availableParallelism());
/** Few pieces for a block, and no large one held by what a compressible block leaves of it. */
const CHUNK_BYTES = BLOCK_BYTES / 2;

/**
 * One zstd context, used again for block after block: a new one costs more than a megabyte and a third of
 * the CPU time. Each block is a frame of its own, which tells its length: the receiver needs no window then.
 */
class Compressor {
  readonly #stream = createZstdCompress({
    chunkSize: CHUNK_BYTES,
    flush: constants.ZSTD_e_end,
    params: { [constants.ZSTD_c_compressionLevel]: 1 },
  });
  #pieces: Buffer[] = [];

  constructor() {
    this.#stream.on('data', (piece: Buffer) => this.#pieces.push(piece));
    // Whoever compresses learns it, too.
    this.#stream.on('error', () => undefined);
  }

  async compress(bytes: Buffer): Promise<Buffer> {
    await new Promise<void>((resolve, reject) => {
      this.#stream.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
    const pieces = this.#pieces;
    this.#pieces = [];
    const [first] = pieces;
    return pieces.length === 1 && first !== undefined ? first : Buffer.concat(pieces);
  }
}

const idle: Compressor[] = [];
const waiting: ((compressor: Compressor) => void)[] = [];
let compressors = 0;

/** The bytes as one zstd frame. They must not change until it is there. */
export async function compressBlock(bytes: Buffer): Promise<Buffer> {
  const compressor = await take();
  try {
    const packed = await compressor.compress(bytes);
    putBack(compressor);
    return packed;
  } catch (error) {
    // Whatever its state is now, no other block shall suffer from it.
    putBack(new Compressor());
    throw error;
  }
}

async function take(): Promise<Compressor> {
  const free = idle.pop();
  if (free !== undefined) return free;
  if (compressors < MAX_COMPRESSORS) {
    compressors += 1;
    return new Compressor();
  }
  return new Promise((resolve) => waiting.push(resolve));
}

function putBack(compressor: Compressor): void {
  const next = waiting.shift();
  if (next === undefined) idle.push(compressor);
  else next(compressor);
}
