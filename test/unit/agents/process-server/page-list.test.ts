import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { parsePageList } from '../../../../agents/process-server/page-list.ts';
import { SnapshotSource } from '../../../../agents/process-server/snapshot-source.ts';
import { SourceAccess } from '../../../../agents/process-server/source-access.ts';
import { createThrottle } from '../../../../agents/process-server/throttle/throttle.ts';

const DECLARATION = '\uFEFF<?xml version="1.0" encoding="utf-8"?>';
const PAGE =
  `${DECLARATION}<PageList>` +
  '<PageRange><Start>0</Start><End>511</End></PageRange>' +
  '<ClearRange><Start>1024</Start><End>2047</End></ClearRange>' +
  '<PageRange><Start>4096</Start><End>8191</End></PageRange>' +
  '<NextMarker>a&amp;b==</NextMarker></PageList>';

const DAMAGED = { code: 'FB-DATA-005', isRetryable: true };

function faultOf(text: string): unknown {
  try {
    return parsePageList(text);
  } catch (error) {
    return error;
  }
}

describe('a page of a listing', () => {
  it('is ordered, with the bytes that each range has', () => {
    expect(parsePageList(`${PAGE}\n`)).toEqual({
      ranges: [
        { offset: 0, length: 512, kind: 'data' },
        { offset: 1024, length: 1024, kind: 'zero' },
        { offset: 4096, length: 4096, kind: 'data' },
      ],
      marker: 'a&b==',
    });
  });

  it.each(['<PageList />', '<PageList/>', '<PageList></PageList>', '<PageList>\n</PageList >\n'])(
    'may be empty: %s',
    (text) => {
      expect(parsePageList(DECLARATION + text)).toEqual({ ranges: [], marker: '' });
    },
  );

  it('is not taken for complete when it ends early, wherever that is', () => {
    for (let length = 0; length < PAGE.length; length += 1) {
      expect(faultOf(PAGE.slice(0, length))).toMatchObject(DAMAGED);
    }
  });

  it.each([
    ['another root', '<Error><Code>OutOfRangeInput</Code></Error>'],
    ['a range without a start', '<PageList><PageRange><End>511</End></PageRange></PageList>'],
    ['a range without an end', '<PageList><PageRange><Start>0</Start></PageRange></PageList>'],
    [
      'a bound that is no number',
      '<PageList><PageRange><Start>0x0</Start><End>511</End></PageRange></PageList>',
    ],
    [
      'a bound taken from the range before',
      '<PageList><ClearRange><Start>0</Start><End>511</End></ClearRange><PageRange><End>1023</End></PageRange></PageList>',
    ],
    ['a tag that closes another one', '<PageList><PageRange></PageList></PageRange>'],
  ])('is refused with %s', (_fault, text) => {
    expect(faultOf(DECLARATION + text)).toMatchObject(DAMAGED);
  });

  it('ends the attempt when the connection closes in the middle of it', async () => {
    // Without a length: the end of the connection is the end of the answer.
    const server = createServer((_request, response) => {
      response.useChunkedEncodingByDefault = false;
      response.writeHead(200, { connection: 'close' });
      response.end(PAGE.slice(0, PAGE.lastIndexOf('<PageRange>')));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const sourceUrl = `http://127.0.0.1:${port}/disk?sig=x`;
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
    const access = new SourceAccess(async () => ({
      sourceKind: 'managedDisk',
      sourceUrl,
      baseUrl: sourceUrl,
      expiresAt,
    }));
    access.isChecked = true;
    const throttle = createThrottle({
      memoryBytes: 16 * 1024 ** 2,
      maxRequests: 4,
      bandwidth: { windows: [] },
    });
    const { signal } = new AbortController();
    const source = new SnapshotSource({ access, signal, throttle, key: 'os' });
    await source.open(1024 ** 2);
    try {
      const ranges = source.ranges({ from: 0, to: 1024 ** 2, isDelta: true });
      await expect(ranges.next()).rejects.toMatchObject(DAMAGED);
    } finally {
      server.close();
    }
  });
});
