import { XMLParser } from 'fast-xml-parser';
import { z } from 'zod';
import type { PageRange } from '../../shared/domain/page-ranges.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';

const parser = new XMLParser({
  ignoreAttributes: true,
  parseTagValue: false,
  isArray: (name) => name === 'PageRange' || name === 'ClearRange',
});

const boundsSchema = z.object({ Start: z.coerce.number().int(), End: z.coerce.number().int() });
const pageListSchema = z.object({
  PageList: z.preprocess(
    // An empty list comes as an empty text.
    (value) => (typeof value === 'string' ? {} : value),
    z.object({
      PageRange: z.array(boundsSchema).default([]),
      ClearRange: z.array(boundsSchema).default([]),
      NextMarker: z.string().default(''),
    }),
  ),
});

/** What the parser makes good by itself: a listing without its end would lack changes, and nobody would miss them. */
const IS_WHOLE = /<\/PageList\s*>\s*$|<PageList\s*\/>\s*$/;

/**
 * One page of Get Page Ranges: ordered, half-open; `marker` is empty after the last page. Throws FB-DATA-005 for one that
 * ends early.
 */
export function parsePageList(xml: string): { ranges: readonly PageRange[]; marker: string } {
  if (!IS_WHOLE.test(xml)) {
    throw new FailbackError('FB-DATA-005', { status: 200, code: 'the listing ends early' });
  }
  const { PageList } = pageListSchema.parse(parser.parse(xml));
  const halfOpen = (kind: PageRange['kind']) => (bounds: z.infer<typeof boundsSchema>) => ({
    offset: bounds.Start,
    // The service names the last byte, not the one after it.
    length: bounds.End + 1 - bounds.Start,
    kind,
  });
  const ranges = [
    ...PageList.PageRange.map(halfOpen('data')),
    ...PageList.ClearRange.map(halfOpen('zero')),
  ].toSorted((a, b) => a.offset - b.offset);
  return { ranges, marker: PageList.NextMarker };
}
