import {
  DIGEST_BYTES,
  FRAME,
  type TransferFrame,
} from '../../shared/contracts/transfer-protocol.ts';

/** Far more than can be on their way at once; a frame that comes again is one of the last. */
const KEPT = 4096;
/** Type, place and length, then the digest, where a frame has them. */
const MARK_BYTES = 1 + 8 + 8 + DIGEST_BYTES;

/** The last frames of a lane, so that one that comes again is told from another one under its number. */
export class RecentFrames {
  // Bytes in one place: as objects they would leave the young heap, frame after frame, only to die in the old one.
  readonly #marks = Buffer.allocUnsafeSlow(KEPT * MARK_BYTES);
  readonly #asked = Buffer.allocUnsafeSlow(MARK_BYTES);
  #next = 0;

  get next(): number {
    return this.#next;
  }

  /** To be called with the frames in the order of their numbers. */
  add(frame: TransferFrame): void {
    mark(frame, this.#marks, placeOf(this.#next));
    this.#next += 1;
  }

  /** False also for one that came too long ago to be known. */
  has(frame: TransferFrame): boolean {
    const isKept = frame.sequence < this.#next && frame.sequence >= this.#next - KEPT;
    if (!isKept) return false;
    mark(frame, this.#asked, 0);
    const place = placeOf(frame.sequence);
    return this.#asked.equals(this.#marks.subarray(place, place + MARK_BYTES));
  }
}

function placeOf(sequence: number): number {
  return (sequence % KEPT) * MARK_BYTES;
}

/** Content counts by its digest, compressed or not. */
function mark(frame: TransferFrame, marks: Buffer, place: number): void {
  const offset = 'offset' in frame ? frame.offset : frame.type === FRAME.same ? frame.block : 0;
  marks.fill(0, place, place + MARK_BYTES);
  marks.writeUInt8(frame.type, place);
  marks.writeDoubleBE(offset, place + 1);
  if ('length' in frame) marks.writeDoubleBE(frame.length, place + 9);
  if ('digest' in frame) marks.set(frame.digest, place + 17);
}
