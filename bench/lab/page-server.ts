import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buildVhdFooter, VHD_FOOTER_BYTES } from '../../shared/domain/vhd-footer.ts';
import { changedOffset, fillPages, PAGE_BYTES } from './sparse-pages.ts';

/**
 * A disk of any size of which nothing is stored, answering as the storage behind managed disks does: the
 * first snapshot holds no data, the second a number of single pages spread evenly over the disk.
 * `?size=<bytes>&pages=<count>` in the URL say which disk is meant.
 */
const MAX_RESULTS = 10_000;

interface Disk {
  readonly sizeBytes: number;
  readonly pages: number;
}

function serve(request: IncomingMessage, response: ServerResponse): void {
  const { searchParams } = new URL(request.url ?? '/', 'http://127.0.0.1');
  const disk = {
    sizeBytes: Number(searchParams.get('size')),
    pages: Number(searchParams.get('pages')),
  };
  const header = String(request.headers['x-ms-range'] ?? '');
  const [, first = '0', last = '0'] = /^bytes=(\d+)-(\d+)$/.exec(header) ?? [];
  const window = { start: Number(first), end: Number(last) + 1 };
  if (searchParams.get('comp') !== 'pagelist') {
    sendBytes(response, disk, window);
    return;
  }
  const isDelta = request.headers['x-ms-previous-snapshot-url'] !== undefined;
  const marker = Number(searchParams.get('marker') ?? 0);
  response.writeHead(200, { 'content-type': 'application/xml' });
  response.end(isDelta ? listing(disk, window, marker) : pageList('', ''));
}

function sendBytes(
  response: ServerResponse,
  { sizeBytes }: Disk,
  { start, end }: { readonly start: number; readonly end: number },
): void {
  const bytes = Buffer.alloc(end - start);
  if (start === sizeBytes) bytes.set(buildVhdFooter(sizeBytes, new Uint8Array(16)));
  else fillPages(bytes, start);
  response.writeHead(206, {
    'content-range': `bytes ${start}-${end - 1}/${sizeBytes + VHD_FOOTER_BYTES}`,
    'content-length': bytes.length,
  });
  response.end(bytes);
}

function listing(
  disk: Disk,
  { start, end }: { readonly start: number; readonly end: number },
  marker: number,
): string {
  let page = Math.max(marker, firstPageFrom(disk, start));
  let ranges = '';
  for (let shown = 0; shown < MAX_RESULTS; shown += 1, page += 1) {
    const offset = changedOffset(disk, page);
    if (page >= disk.pages || offset >= end) return pageList(ranges, '');
    ranges += `<PageRange><Start>${offset}</Start><End>${offset + PAGE_BYTES - 1}</End></PageRange>`;
  }
  const isMore = page < disk.pages && changedOffset(disk, page) < end;
  return pageList(ranges, isMore ? String(page) : '');
}

function firstPageFrom(disk: Disk, start: number): number {
  let [low, high] = [0, disk.pages];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (changedOffset(disk, middle) < start) low = middle + 1;
    else high = middle;
  }
  return low;
}

function pageList(ranges: string, marker: string): string {
  return `<?xml version="1.0" encoding="utf-8"?><PageList>${ranges}<NextMarker>${marker}</NextMarker></PageList>`;
}

const server = createServer(serve);
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`pages ${(server.address() as AddressInfo).port} ready\n`);
});
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
process.on('SIGTERM', () => process.exit(0));
