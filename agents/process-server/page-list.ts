import { SaxesParser, type SaxesTag } from 'saxes';
import type { PageRange } from '../../shared/domain/page-ranges.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';

const KINDS: ReadonlyMap<string, PageRange['kind']> = new Map([
  ['PageRange', 'data'],
  ['ClearRange', 'zero'],
]);

interface PageOfList {
  readonly ranges: readonly PageRange[];
  readonly marker: string;
}

/**
 * One page of Get Page Ranges: ordered, half-open; `marker` is empty after the last page. Throws FB-DATA-005 for one that
 * ends early or is none: a listing without its end would lack changes, and nobody would miss them.
 */
export function parsePageList(xml: string): PageOfList {
  const reader = new PageListReader();
  // Events instead of a tree: a tree of thousands of ranges outlives the young heap, page after page.
  const parser = new SaxesParser({ position: false });
  parser.on('error', (error) => damaged(error.message));
  parser.on('opentag', (tag) => reader.open(tag));
  parser.on('text', (text) => reader.take(text));
  parser.on('closetag', (tag) => reader.close(tag));
  parser.write(xml).close();
  return { ranges: reader.ranges.toSorted((a, b) => a.offset - b.offset), marker: reader.marker };
}

class PageListReader {
  readonly ranges: PageRange[] = [];
  marker = '';
  #isInside = false;
  #text = '';
  #start = Number.NaN;
  #end = Number.NaN;

  open({ name }: SaxesTag): void {
    if (!this.#isInside && name !== 'PageList') damaged(`it begins with ${name}`);
    this.#isInside = true;
    this.#text = '';
    if (KINDS.has(name)) [this.#start, this.#end] = [Number.NaN, Number.NaN];
  }

  take(text: string): void {
    this.#text += text;
  }

  close({ name }: SaxesTag): void {
    const kind = KINDS.get(name);
    if (kind !== undefined) this.#addRange(kind);
    else if (name === 'Start') this.#start = numberIn(this.#text);
    else if (name === 'End') this.#end = numberIn(this.#text);
    else if (name === 'NextMarker') this.marker = this.#text;
  }

  #addRange(kind: PageRange['kind']): void {
    const offset = this.#start;
    // The service names the last byte, not the one after it.
    const length = this.#end + 1 - offset;
    if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length))
      damaged('a range lacks a bound');
    this.ranges.push({ offset, length, kind });
  }
}

function numberIn(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : Number.NaN;
}

function damaged(fault: string): never {
  throw new FailbackError('FB-DATA-005', {
    status: 200,
    code: `a listing that is damaged: ${fault}`,
  });
}
