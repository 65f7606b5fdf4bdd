import {
  addressOf,
  type AzuriteContext,
  type MetadataStore,
  metadataStore,
  pageBlobHandler,
  type PageListResponse,
  storageError,
  type StoredBlob,
} from './internals.ts';
import { diffRanges, type ListedRange, listRanges } from './page-range-diff.ts';

const MAX_RESULTS = 10_000;
const MAX_PUT_PAGE_BYTES = 4 * 1024 * 1024;

let isInstalled = false;
let managedDiskAccounts: ReadonlySet<string> = new Set();
let lastSnapshotMs = 0;

/**
 * Makes Azurite tell the truth where failback depends on it: page-range diffs, paging, limits of Put
 * Page, copies that are independent of their source, snapshots that never share an instant.
 */
export function installOverrides(accounts: readonly string[]): void {
  managedDiskAccounts = new Set([...managedDiskAccounts, ...accounts]);
  if (isInstalled) return;
  isInstalled = true;
  overridePageLists();
  overrideUploads();
  overrideCopies();
  overrideSnapshots();
}

function overridePageLists(): void {
  const original = pageBlobHandler.getPageRanges;
  pageBlobHandler.getPageRanges = async function getPageRanges(options, context) {
    // The original checks authorization, lease, conditions and the range header.
    const response = await original.call(this, options, context);
    const { account, container, blob } = addressOf(context);
    const read = async (snapshot?: string): Promise<StoredBlob> =>
      this.metadataStore.getPageRanges(context, account, container, blob, snapshot);
    const current = await read(options.snapshot);
    const window = windowOf(context, current.properties.contentLength);
    const previous = previousSnapshot(context, { account, container, blob });
    if (previous === null) {
      return page(response, listRanges(current.pageRangesInOrder ?? [], window), context);
    }
    const base = await readBase(read, previous, context);
    assertUsableBase(
      { blob: current, snapshot: options.snapshot ?? '' },
      { blob: base, snapshot: previous },
      context,
    );
    const diff = diffRanges(base.pageRangesInOrder ?? [], current.pageRangesInOrder ?? [], window);
    return page(response, diff, context);
  };
}

async function readBase(
  read: (snapshot: string) => Promise<StoredBlob>,
  snapshot: string,
  context: AzuriteContext,
): Promise<StoredBlob> {
  try {
    return await read(snapshot);
  } catch {
    const text = 'The previous snapshot is not found.';
    throw storageError(409, 'PreviousSnapshotNotFound', text, context);
  }
}

interface Base {
  readonly blob: StoredBlob;
  readonly snapshot: string;
}

function assertUsableBase(current: Base, base: Base, context: AzuriteContext): void {
  if (current.snapshot !== '' && base.snapshot > current.snapshot) {
    const text = "The prevsnapshot query parameter value can't be newer than the snapshot.";
    throw storageError(400, 'PreviousSnapshotCannotBeNewer', text, context);
  }
  const createdMs = ({ blob }: Base): number => new Date(blob.properties.creationTime).getTime();
  if (createdMs(current) !== createdMs(base)) {
    const text = 'The blob has been recreated since the previous snapshot was taken.';
    throw storageError(409, 'BlobOverwritten', text, context);
  }
}

/** Both forms of naming the base: a query parameter, and a header that only managed disks know. */
function previousSnapshot(
  context: AzuriteContext,
  { account, container, blob }: { account: string; container: string; blob: string },
): string | null {
  const query = context.request.getQuery('prevsnapshot');
  if (query !== undefined && query !== '') return query;
  const header = context.request.getHeader('x-ms-previous-snapshot-url');
  if (header === undefined || header === '') return null;
  if (!managedDiskAccounts.has(account)) {
    const text = 'The header x-ms-previous-snapshot-url is for managed disks only.';
    throw storageError(400, 'UnsupportedHeaderForNonManagedDisksAccount', text, context);
  }
  const url = new URL(header);
  const isSameBlob = decodeURIComponent(url.pathname).endsWith(`/${account}/${container}/${blob}`);
  const snapshot = url.searchParams.get('snapshot');
  if (!isSameBlob || snapshot === null) {
    const text = 'The previous snapshot is not found.';
    throw storageError(409, 'PreviousSnapshotNotFound', text, context);
  }
  return snapshot;
}

function windowOf(context: AzuriteContext, contentLength: number): { start: number; end: number } {
  const header =
    context.request.getHeader('x-ms-range') ?? context.request.getHeader('range') ?? '';
  const [, first = '0', last = ''] = /^bytes=(\d+)-(\d*)$/.exec(header) ?? [];
  const end = last === '' ? contentLength : Math.min(contentLength, Number(last) + 1);
  return { start: Number(first), end };
}

/** One page of the listing; the marker is the offset at which the next page begins. */
function page(
  response: PageListResponse,
  ranges: readonly ListedRange[],
  context: AzuriteContext,
): PageListResponse {
  const asked = Number(context.request.getQuery('maxresults') ?? MAX_RESULTS);
  if (!Number.isInteger(asked) || asked <= 0) {
    const text = 'maxresults must be a positive number.';
    throw storageError(400, 'OutOfRangeQueryParameterValue', text, context);
  }
  const from = Number(context.request.getQuery('marker') ?? 0);
  const rest = ranges.filter(({ start }) => start >= from);
  const shown = rest.slice(0, Math.min(asked, MAX_RESULTS));
  const next = rest[shown.length];
  const inclusive = (isClear: boolean): { start: number; end: number }[] =>
    shown
      .filter((range) => range.isClear === isClear)
      .map(({ start, end }) => ({ start, end: end - 1 }));
  return {
    ...response,
    pageRange: inclusive(false),
    clearRange: inclusive(true),
    ...(next === undefined ? {} : { nextMarker: String(next.start) }),
  };
}

function overrideUploads(): void {
  const original = pageBlobHandler.uploadPages;
  pageBlobHandler.uploadPages = async function uploadPages(...values) {
    const [, contentLength, , context] = values;
    if (contentLength > MAX_PUT_PAGE_BYTES) {
      const text = 'The request body is too large and exceeds the maximum permissible limit.';
      throw storageError(413, 'RequestBodyTooLarge', text, context);
    }
    const { account, container, blob } = addressOf(context);
    const { properties } = await this.metadataStore.getPageRanges(
      context,
      account,
      container,
      blob,
    );
    const header =
      context.request.getHeader('x-ms-range') ?? context.request.getHeader('range') ?? '';
    const last = Number(/^bytes=\d+-(\d+)$/.exec(header)?.[1] ?? 0);
    if (last >= properties.contentLength) {
      throw storageError(416, 'InvalidPageRange', 'The page range specified is invalid.', context);
    }
    return original.call(this, ...values);
  };
}

/** Azurite lets a copy share the source's list of pages, so that writing to one changes the other. */
function overrideCopies(): void {
  const original = metadataStore.startCopyFromURL;
  metadataStore.startCopyFromURL = async function startCopyFromURL(...values) {
    const [, , target] = values;
    const result = await original.call(this, ...values);
    unshare(this, target);
    return result;
  };
}

function unshare(
  store: MetadataStore,
  { account, container, blob }: { account: string; container: string; blob: string },
): void {
  const collection = store.db.getCollection(store.BLOBS_COLLECTION);
  const query = { accountName: account, containerName: container, name: blob, snapshot: '' };
  const document = collection.findOne(query);
  if (document?.pageRangesInOrder === undefined) return;
  document.pageRangesInOrder = [...document.pageRangesInOrder];
  collection.update(document);
}

/** Snapshot ids have millisecond resolution here: two in one millisecond would be one. */
function overrideSnapshots(): void {
  const original = metadataStore.createSnapshot;
  metadataStore.createSnapshot = async function createSnapshot(context, ...rest) {
    const ms = Math.max(Date.now(), lastSnapshotMs + 1);
    lastSnapshotMs = ms;
    context.startTime = new Date(ms);
    return original.call(this, context, ...rest);
  };
}
