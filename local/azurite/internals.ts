import { createRequire } from 'node:module';
import type { Server } from 'node:http';

/**
 * The one place that knows Azurite's inside. Azurite publishes no types for it; what is described here
 * was read in version 3.37, which package.json pins.
 */
const requireAzurite = createRequire(import.meta.url);

export interface StoredRange {
  readonly start: number;
  /** Inclusive. */
  readonly end: number;
  /** Identity of the bytes: a chunk that was written once and never changes. */
  readonly persistency: { readonly id: string; readonly offset: number };
}

export interface StoredBlob {
  pageRangesInOrder?: StoredRange[];
  readonly properties: { readonly contentLength: number; readonly creationTime: Date | string };
}

export interface AzuriteContext {
  readonly contextId?: string;
  startTime?: Date;
  readonly request: {
    getQuery(name: string): string | undefined;
    getHeader(name: string): string | undefined;
  };
}

export interface MetadataStore {
  readonly db: { getCollection(name: string): Collection };
  readonly BLOBS_COLLECTION: string;
  getPageRanges(
    context: unknown,
    account: string,
    container: string,
    blob: string,
    snapshot?: string,
  ): Promise<StoredBlob>;
}

interface Collection {
  findOne(query: object): StoredBlob | null;
  update(document: StoredBlob): void;
}

export interface PageListResponse {
  readonly pageRange?: readonly { readonly start: number; readonly end: number }[];
  readonly clearRange?: readonly { readonly start: number; readonly end: number }[];
  readonly nextMarker?: string;
}

export interface PageBlobHandlerPrototype {
  getPageRanges: (
    this: { readonly metadataStore: MetadataStore },
    options: { readonly snapshot?: string },
    context: AzuriteContext,
  ) => Promise<PageListResponse>;
  uploadPages: (
    this: { readonly metadataStore: MetadataStore },
    ...values: UploadPagesArguments
  ) => Promise<unknown>;
}

type UploadPagesArguments = [
  body: unknown,
  contentLength: number,
  options: unknown,
  context: AzuriteContext,
];

interface CopyDestination {
  readonly account: string;
  readonly container: string;
  readonly blob: string;
}

export interface MetadataStorePrototype {
  startCopyFromURL: (
    this: MetadataStore,
    ...values: [AzuriteContext, source: unknown, CopyDestination, ...rest: unknown[]]
  ) => Promise<unknown>;
  createSnapshot: (
    this: MetadataStore,
    context: AzuriteContext,
    ...rest: unknown[]
  ) => Promise<unknown>;
}

export interface StorageServer {
  readonly httpServer: Server;
  start(): Promise<void>;
  close(): Promise<void>;
  getHttpServerAddress(): string;
}

type New<T> = new (...values: unknown[]) => T;

function load<T>(path: string): T {
  const module = requireAzurite(`azurite/dist/src/${path}`) as { default: T };
  return module.default;
}

export const BlobConfiguration = load<New<object>>('blob/BlobConfiguration');
export const BlobServer = load<New<StorageServer>>('blob/BlobServer');
export const QueueConfiguration = load<New<object>>('queue/QueueConfiguration');
export const QueueServer = load<New<StorageServer>>('queue/QueueServer');
export const TableConfiguration = load<New<object>>('table/TableConfiguration');
export const TableServer = load<New<StorageServer>>('table/TableServer');

export const pageBlobHandler = load<{ prototype: PageBlobHandlerPrototype }>(
  'blob/handlers/PageBlobHandler',
).prototype;
export const metadataStore = load<{ prototype: MetadataStorePrototype }>(
  'blob/persistence/LokiBlobMetadataStore',
).prototype;

type BlobStorageContext = New<{
  readonly account: string;
  readonly container: string;
  readonly blob: string;
}>;
const Context = load<BlobStorageContext>('blob/context/BlobStorageContext');

/** Which blob a request is about. */
export function addressOf(context: AzuriteContext): CopyDestination {
  const { account, container, blob } = new Context(context);
  return { account, container, blob };
}

const StorageErrorClass = load<New<Error>>('blob/errors/StorageError');

/** An error that Azurite's middleware turns into Azure's XML. */
export function storageError(
  status: number,
  code: string,
  message: string,
  context: AzuriteContext,
): Error {
  return new StorageErrorClass(status, code, message, context.contextId ?? '');
}
