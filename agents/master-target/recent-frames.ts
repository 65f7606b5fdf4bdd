import { FRAME, type TransferFrame } from '../../shared/contracts/transfer-protocol.ts';

/** Far more than can be on their way at once; a frame that comes again is one of the last. */
const KEPT = 4096;

/** The last frames of a lane, so that one that comes again is told from another one under its number. */
export class RecentFrames {
  readonly #marks: string[] = [];
  #next = 0;

  get next(): number {
    return this.#next;
  }

  /** To be called with the frames in the order of their numbers. */
  add(frame: TransferFrame): void {
    this.#marks[this.#next % KEPT] = markOf(frame);
    this.#next += 1;
  }

  /** False also for one that came too long ago to be known. */
  has(frame: TransferFrame): boolean {
    const isKept = frame.sequence < this.#next && frame.sequence >= this.#next - KEPT;
    return isKept && this.#marks[frame.sequence % KEPT] === markOf(frame);
  }
}

/** Content counts by its digest, compressed or not. */
function markOf(frame: TransferFrame): string {
  switch (frame.type) {
    case FRAME.data:
      return `data ${frame.offset} ${frame.length} ${Buffer.from(frame.digest).toString('base64')}`;
    case FRAME.zero:
      return `zero ${frame.offset} ${frame.length}`;
    case FRAME.same:
      return `same ${frame.block} ${Buffer.from(frame.digest).toString('base64')}`;
    case FRAME.checkpoint:
      return `checkpoint ${frame.offset}`;
    case FRAME.finish:
      return 'finish';
  }
}
