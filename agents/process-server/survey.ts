import type { Lane } from '../../shared/contracts/transfer-protocol.ts';
import { BLOCK_BYTES, type PageRange } from '../../shared/domain/page-ranges.ts';

/** Buckets are enough to cut a disk into lanes of equal work; their number bounds the memory. */
const BUCKETS = 1024;
/** A range of zeros costs about as much as so many bytes of data. */
const ZERO_COST_BYTES = 4096;
/** So does each range of data, on top of its bytes: a request, a frame, a block to change. */
const RANGE_COST_BYTES = 64 * 1024;

/** What a listing holds, by place: counted once before the transfer, so that people see an end to it. */
export class Survey {
  readonly #bucketBytes: number;
  readonly #sizeBytes: number;
  readonly #cost = new Float64Array(BUCKETS);
  readonly #bytes = new Float64Array(BUCKETS);
  readonly #ranges = new Float64Array(BUCKETS);

  private constructor(sizeBytes: number) {
    this.#sizeBytes = sizeBytes;
    this.#bucketBytes = Math.max(1, Math.ceil(sizeBytes / BUCKETS / BLOCK_BYTES)) * BLOCK_BYTES;
  }

  static async of(ranges: AsyncIterable<PageRange>, sizeBytes: number): Promise<Survey> {
    const survey = new Survey(sizeBytes);
    for await (const range of ranges) survey.#add(range);
    return survey;
  }

  get bytes(): number {
    return sum(this.#bytes);
  }

  get ranges(): number {
    return sum(this.#ranges);
  }

  /** Roughly what lies between both offsets. */
  between(start: number, end: number): { readonly bytes: number; readonly ranges: number } {
    const [from, to] = [Math.floor(start / this.#bucketBytes), Math.floor(end / this.#bucketBytes)];
    return {
      bytes: sum(this.#bytes.subarray(from, to)),
      ranges: sum(this.#ranges.subarray(from, to)),
    };
  }

  /** Cuts the disk where the work is equal; fewer lanes when there is little to do. */
  lanes(most: number, leastBytes: number): readonly Lane[] {
    const total = sum(this.#cost);
    const count = Math.max(1, Math.min(most, Math.floor(total / leastBytes)));
    const borders = [0];
    let [cost, bucket] = [0, 0];
    for (let lane = 1; lane < count; lane += 1) {
      while (bucket < BUCKETS && cost < (total * lane) / count) {
        cost += this.#cost[bucket] ?? 0;
        bucket += 1;
      }
      const border = bucket * this.#bucketBytes;
      if (border > (borders.at(-1) ?? 0) && border < this.#sizeBytes) borders.push(border);
    }
    return borders.map((start, index) => ({ start, end: borders[index + 1] ?? this.#sizeBytes }));
  }

  #add({ offset, length, kind }: PageRange): void {
    const first = Math.floor(offset / this.#bucketBytes);
    this.#ranges[first] = (this.#ranges[first] ?? 0) + 1;
    if (kind === 'data') this.#cost[first] = (this.#cost[first] ?? 0) + RANGE_COST_BYTES;
    for (let start = offset; start < offset + length;) {
      const bucket = Math.floor(start / this.#bucketBytes);
      const end = Math.min(offset + length, (bucket + 1) * this.#bucketBytes);
      this.#bytes[bucket] = (this.#bytes[bucket] ?? 0) + end - start;
      const cost = kind === 'zero' ? ZERO_COST_BYTES : end - start;
      this.#cost[bucket] = (this.#cost[bucket] ?? 0) + cost;
      start = end;
    }
  }
}

function sum(numbers: Float64Array): number {
  let total = 0;
  for (const each of numbers) total += each;
  return total;
}
