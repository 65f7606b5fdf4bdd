import type { IncomingHttpHeaders } from 'node:http';
import type { DataAccess } from '../../shared/contracts/agent-protocol.ts';
import { clip, faultOf, type PageRange } from '../../shared/domain/page-ranges.ts';
import { parseVhdFooter, VHD_FOOTER_BYTES } from '../../shared/domain/vhd-footer.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { BaseUnusable, type BlockSource } from '../../shared/ports/block-source.ts';
import { parsePageList } from './page-list.ts';
import type { Throttle } from './throttle/throttle.ts';
import type { SourceAccess } from './source-access.ts';
import { getFromStorage, sourceError, StorageFailure } from './storage-http.ts';

/** Listings are asked for in windows: the service may time out on very fragmented disks. */
const WINDOW_BYTES = 16 * 1024 ** 3;
/** Each lane holds one page of a listing in memory, and there may be dozens of lanes. */
const MAX_RESULTS = 4_000;

/** Answers after which the base is of no use and everything has to be looked at again. */
const RESYNC_CODES: Readonly<Record<string, string>> = {
  BlobOverwritten: 'the disk was recreated since the base snapshot',
  PreviousSnapshotNotFound: 'the base snapshot is gone',
  PreviousSnapshotCannotBeNewer: 'the base snapshot is newer than this one',
  PreviousSnapshotOperationNotSupported: 'the base snapshot cannot be compared',
  UnsupportedHeaderForNonManagedDisksAccount: 'the source is not a managed disk',
};

interface SourceOptions {
  readonly access: SourceAccess;
  readonly signal: AbortSignal;
  readonly throttle: Throttle;
  /** The disk, as the throttle knows it. */
  readonly key: string;
}

interface RequestDetails {
  readonly query?: Record<string, string>;
  readonly isDelta?: boolean;
  readonly into?: Buffer;
}

/** A snapshot of a managed disk or of a page blob, read through its SAS URL. */
export class SnapshotSource implements BlockSource {
  readonly #options: SourceOptions;
  #sizeBytes = 0;

  constructor(options: SourceOptions) {
    this.#options = options;
  }

  async base(): Promise<{ readonly isThere: boolean; readonly refusal: string | undefined }> {
    const { baseUrl, baseRefusal } = await this.#options.access.current();
    return { isThere: baseUrl !== undefined, refusal: baseRefusal };
  }

  async open(sizeBytes: number): Promise<void> {
    this.#sizeBytes = sizeBytes;
    const { access } = this.#options;
    if (access.isChecked) return;
    const { headers, body } = await this.#get({
      'x-ms-range': `bytes=${sizeBytes}-${sizeBytes + VHD_FOOTER_BYTES - 1}`,
    });
    const contentRange = headers['content-range'] ?? '';
    const blobBytes = Number(contentRange.split('/').at(-1));
    if (blobBytes !== sizeBytes + VHD_FOOTER_BYTES) {
      const actualBytes = blobBytes - VHD_FOOTER_BYTES;
      throw new FailbackError('FB-DATA-002', { actualBytes, neededBytes: sizeBytes });
    }
    const footer = parseVhdFooter(body);
    if (typeof footer === 'string') throw new FailbackError('FB-DATA-003', { fault: footer });
    if (footer.sizeBytes !== sizeBytes) {
      const values = { actualBytes: footer.sizeBytes, neededBytes: sizeBytes };
      throw new FailbackError('FB-DATA-002', values);
    }
    access.isChecked = true;
  }

  async *ranges({
    from,
    to,
    isDelta,
  }: {
    readonly from: number;
    readonly to: number;
    readonly isDelta: boolean;
  }): AsyncGenerator<PageRange> {
    let end = from;
    for (let start = from; start < to; start += WINDOW_BYTES) {
      const window = { start, end: Math.min(to, start + WINDOW_BYTES) };
      for await (const listed of this.#list(window, isDelta)) {
        const range = clip(listed, window.start, Math.min(window.end, this.#sizeBytes));
        if (range === null) continue;
        const fault = faultOf(end, range);
        if (fault !== null) throw new FailbackError('FB-DATA-004', { fault });
        end = range.offset + range.length;
        yield range;
      }
    }
  }

  async read(offset: number, length: number): Promise<Buffer> {
    // One that fails is left to the garbage collector: something may still write into it.
    const into = this.#options.throttle.buffers.take(length);
    const headers = { 'x-ms-range': `bytes=${offset}-${offset + length - 1}` };
    const { body } = await this.#get(headers, { into });
    if (body.length !== length) {
      throw new FailbackError('FB-DATA-005', { status: 206, code: `short read at ${offset}` });
    }
    return body;
  }

  async *#list(
    window: { readonly start: number; readonly end: number },
    isDelta: boolean,
  ): AsyncGenerator<PageRange> {
    let marker = '';
    do {
      const query = { comp: 'pagelist', maxresults: String(MAX_RESULTS), marker };
      const headers = { 'x-ms-range': `bytes=${window.start}-${window.end - 1}` };
      const { body } = await this.#get(headers, { query, isDelta });
      const page = parsePageList(body.toString('utf8'));
      yield* page.ranges;
      ({ marker } = page);
    } while (marker !== '');
  }

  async #get(
    headers: Readonly<Record<string, string>>,
    { query = {}, isDelta = false, into }: RequestDetails = {},
  ): Promise<{ readonly headers: IncomingHttpHeaders; readonly body: Buffer }> {
    const { access, signal, throttle, key } = this.#options;
    let used = await access.current();
    try {
      return await getFromStorage({
        signal,
        throttle: { gate: throttle, key },
        into,
        url: () => {
          used = access.latest ?? used;
          const base = isDelta ? baseQuery(used) : {};
          return withQuery(used.sourceUrl ?? '', { ...query, ...base });
        },
        headers: () => ({ ...headers, ...(isDelta ? baseHeader(used) : {}) }),
        renew: async () => access.replace(used),
      });
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof BaseUnusable) throw error;
      const reason = error instanceof StorageFailure ? RESYNC_CODES[error.code] : undefined;
      if (isDelta && reason !== undefined) throw new BaseUnusable(reason, { cause: error });
      throw sourceError(error);
    }
  }
}

/** Managed disks name the base by its URL, in a header. */
function baseHeader(access: DataAccess): Record<string, string> {
  return access.sourceKind === 'pageBlob'
    ? {}
    : { 'x-ms-previous-snapshot-url': requireBase(access) };
}

/** Page blobs name it by the time of the snapshot, in the query. */
function baseQuery(access: DataAccess): Record<string, string> {
  if (access.sourceKind !== 'pageBlob') return {};
  const takenAt = new URL(requireBase(access)).searchParams.get('snapshot');
  if (takenAt === null) throw new BaseUnusable('the base is no snapshot');
  return { prevsnapshot: takenAt };
}

/**
 * Access that was renewed may come without the base. Asked without one, the service would list all data and no
 * cleared ranges: what was cleared since the base would stay on the target.
 */
function requireBase({ baseUrl, baseRefusal }: DataAccess): string {
  if (baseUrl === undefined) throw new BaseUnusable(baseRefusal ?? 'the base snapshot is gone');
  return baseUrl;
}

function withQuery(url: string, query: Readonly<Record<string, string>>): string {
  const extra = Object.entries(query).filter(([, value]) => value !== '');
  const text = extra.map(([key, value]) => `&${key}=${encodeURIComponent(value)}`).join('');
  return `${url}${text}`;
}
