import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Front } from './front.ts';
import {
  BlobConfiguration,
  BlobServer,
  QueueConfiguration,
  QueueServer,
  type StorageServer,
  TableConfiguration,
  TableServer,
} from './internals.ts';
import { installOverrides } from './overrides.ts';

const HOST = '127.0.0.1';
const KEEP_ALIVE_SECONDS = 60;

export interface AzuriteOptions {
  /** Kept over restarts; absent = in memory. */
  readonly dataFolder?: string;
  /** 0 = any free port. */
  readonly ports: { readonly blob: number; readonly queue: number; readonly table: number };
  readonly accounts: readonly { readonly name: string; readonly keyBase64: string }[];
  /** Accounts that answer as those behind managed disks do. */
  readonly managedDiskAccounts: readonly string[];
}

export interface Azurite {
  readonly blobFront: Front;
  blobUrl(account: string): string;
  queueUrl(account: string): string;
  connectionString(account: string): string;
  keyOf(account: string): string;
  /** Saves everything; a lab started again on the same folder goes on. */
  stop(): Promise<void>;
}

/** Blob, queue and table storage in this process, with exact page-range diffs. */
export async function startAzurite(options: AzuriteOptions): Promise<Azurite> {
  const { accounts, dataFolder, ports } = options;
  // Azurite reads its accounts from the environment.
  process.env['AZURITE_ACCOUNTS'] = accounts
    .map(({ name, keyBase64 }) => `${name}:${keyBase64}`)
    .join(';');
  installOverrides(options.managedDiskAccounts);
  if (dataFolder !== undefined) mkdirSync(dataFolder, { recursive: true });
  const inFolder = (name: string): string => join(dataFolder ?? '.', name);
  const servers = [
    new BlobServer(new BlobConfiguration(...blobLike(ports.blob, 'blob', inFolder, dataFolder))),
    new QueueServer(
      new QueueConfiguration(...blobLike(ports.queue, 'queue', inFolder, dataFolder)),
    ),
    new TableServer(new TableConfiguration(...tableLike(ports.table, inFolder, dataFolder))),
  ] as const;
  for (const server of servers) await startOne(server);
  const [blob, queue, table] = servers.map((server) => server.getHttpServerAddress());
  const blobFront = new Front();
  blobFront.attach(servers[0].httpServer);
  const keyOf = (account: string): string =>
    accounts.find(({ name }) => name === account)?.keyBase64 ?? '';
  return {
    blobFront,
    keyOf,
    blobUrl: (account) => `${blob}/${account}`,
    queueUrl: (account) => `${queue}/${account}`,
    connectionString: (account) =>
      [
        'DefaultEndpointsProtocol=http',
        `AccountName=${account}`,
        `AccountKey=${keyOf(account)}`,
        `BlobEndpoint=${blob}/${account}`,
        `QueueEndpoint=${queue}/${account}`,
        `TableEndpoint=${table}/${account}`,
      ].join(';'),
    stop: async () => {
      for (const server of servers) {
        server.httpServer.closeAllConnections();
        await server.close();
      }
    },
  };
}

async function startOne(server: StorageServer): Promise<void> {
  try {
    await server.start();
  } catch (error) {
    const isTaken = error instanceof Error && error.message.includes('EADDRINUSE');
    const port = isTaken ? (/:(\d+)/.exec(error.message)?.[1] ?? '') : '';
    const text = `Port ${port} of the storage emulator is in use. Is another lab running?`;
    throw isTaken ? new Error(text, { cause: error }) : error;
  }
}

type Place = (name: string) => string;

/** Positional parameters of BlobConfiguration and QueueConfiguration. */
function blobLike(port: number, name: string, inFolder: Place, dataFolder?: string): unknown[] {
  const persistence = [
    { locationId: 'Default', locationPath: inFolder(`${name}-extents`), maxConcurrency: 50 },
  ];
  const [metadata, extents] = [inFolder(`${name}.json`), inFolder(`${name}-extents.json`)];
  return [HOST, port, KEEP_ALIVE_SECONDS, metadata, extents, persistence, ...common(dataFolder)];
}

/** TableConfiguration has no extents, and its two log switches the other way round. */
function tableLike(port: number, inFolder: Place, dataFolder?: string): unknown[] {
  const metadata = inFolder('table.json');
  const [debugLog, accessLog, accessLogStream, debugLogFile] = [false, false, undefined, undefined];
  const logs = [debugLog, accessLog, accessLogStream, debugLogFile];
  return [HOST, port, KEEP_ALIVE_SECONDS, metadata, ...logs, ...common(dataFolder).slice(4)];
}

/** Logs off, API version check off (the SDK is newer than the emulator), no TLS. */
function common(dataFolder: string | undefined): unknown[] {
  const [accessLog, accessLogStream, debugLog, debugLogFile] = [false, undefined, false, undefined];
  const [loose, skipApiVersionCheck, cert, key, pwd] = [false, true, '', '', ''];
  const [oauth, disableProductStyleUrl, isMemory] = [undefined, false, dataFolder === undefined];
  return [
    accessLog,
    accessLogStream,
    debugLog,
    debugLogFile,
    loose,
    skipApiVersionCheck,
    cert,
    key,
    pwd,
    oauth,
    disableProductStyleUrl,
    isMemory,
  ];
}
