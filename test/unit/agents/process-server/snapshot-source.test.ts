import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SnapshotSource } from '../../../../agents/process-server/snapshot-source.ts';
import { SourceAccess } from '../../../../agents/process-server/source-access.ts';
import { createThrottle } from '../../../../agents/process-server/throttle/throttle.ts';
import type { DataAccess } from '../../../../shared/contracts/agent-protocol.ts';
import type { PageRange } from '../../../../shared/domain/page-ranges.ts';
import { BaseUnusable } from '../../../../shared/ports/block-source.ts';

const EMPTY_LIST = '<?xml version="1.0"?><PageList></PageList>';
const BYTES = 4096;

let service: Server;
let requests: { readonly url: string; readonly base: unknown }[];
/** The signature that the service takes; `null` = any. */
let goodSignature: string | null;

function answer(request: IncomingMessage, response: ServerResponse): void {
  const { url = '', headers } = request;
  requests.push({ url, base: headers['x-ms-previous-snapshot-url'] });
  if (goodSignature !== null && !url.includes(`sig=${goodSignature}`)) {
    response.writeHead(403, { 'x-ms-error-code': 'AuthenticationFailed' }).end();
    return;
  }
  response.end(url.includes('comp=pagelist') ? EMPTY_LIST : Buffer.alloc(BYTES, 7));
}

beforeEach(async () => {
  requests = [];
  goodSignature = null;
  service = createServer(answer);
  await new Promise<void>((resolve) => {
    service.listen(0, '127.0.0.1', resolve);
  });
});
afterEach(async () => {
  service.closeAllConnections();
  await new Promise((resolve) => service.close(resolve));
});

function anAccess(signature: string, base: Partial<DataAccess> = {}): DataAccess {
  const address = service.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
  return { sourceUrl: `http://127.0.0.1:${port}/disk?sig=${signature}`, expiresAt, ...base };
}

function aSource(access: () => Promise<DataAccess>): SnapshotSource {
  const throttle = createThrottle({
    memoryBytes: 64 * 1024 ** 2,
    maxRequests: 8,
    bandwidth: { windows: [] },
  });
  return new SnapshotSource({
    access: new SourceAccess(access),
    signal: new AbortController().signal,
    throttle,
    key: 'os',
  });
}

async function changes(source: SnapshotSource): Promise<readonly PageRange[]> {
  const found: PageRange[] = [];
  for await (const range of source.ranges({ from: 0, to: BYTES, isDelta: true })) found.push(range);
  return found;
}

const BASE = { baseUrl: 'http://127.0.0.1/base?snapshot=2026-11-01T00:00:00Z' };

describe('changes since a base', () => {
  it.each(['managedDisk', 'pageBlob'] as const)(
    'are asked for of the base that access came with (%s)',
    async (sourceKind) => {
      await changes(aSource(async () => anAccess('a', { sourceKind, ...BASE })));
      expect(requests).toHaveLength(1);
      const isInQuery = requests[0]?.url.includes('prevsnapshot=2026-11-01');
      expect(isInQuery).toBe(sourceKind === 'pageBlob');
      expect(requests[0]?.base).toBe(sourceKind === 'pageBlob' ? undefined : BASE.baseUrl);
    },
  );

  it.each(['managedDisk', 'pageBlob'] as const)(
    'are never asked for without one: what was cleared would stay on the target (%s)',
    async (sourceKind) => {
      const source = aSource(async () =>
        anAccess('a', { sourceKind, baseRefusal: 'the disk was replaced' }),
      );
      const attempt = changes(source);
      await expect(attempt).rejects.toBeInstanceOf(BaseUnusable);
      await expect(attempt).rejects.toThrow('the disk was replaced');
      expect(requests).toEqual([]);
    },
  );

  it('are given up when renewed access comes without the base', async () => {
    goodSignature = 'b';
    const grants = [anAccess('a', BASE), anAccess('b')];
    const source = aSource(async () => grants.shift() ?? anAccess('b'));
    await expect(changes(source)).rejects.toBeInstanceOf(BaseUnusable);
    expect(requests).toHaveLength(1);
  });
});

describe('access that ran out', () => {
  it('is renewed once for all that were refused with it', async () => {
    goodSignature = 'b';
    let asked = 0;
    const source = aSource(async () => {
      asked += 1;
      return anAccess(asked === 1 ? 'a' : 'b');
    });
    const reads = Array.from({ length: 8 }, async (_, index) => source.read(index * BYTES, BYTES));
    const read = await Promise.all(reads);
    expect(read.every((bytes) => bytes.equals(Buffer.alloc(BYTES, 7)))).toBe(true);
    expect(asked).toBe(2);
  });

  it('is asked for again after a question that failed', async () => {
    let asked = 0;
    const source = aSource(async () => {
      asked += 1;
      if (asked === 1) throw new Error('nobody answers');
      return anAccess('a');
    });
    await expect(source.read(0, BYTES)).rejects.toThrow('nobody answers');
    expect(await source.read(0, BYTES)).toHaveLength(BYTES);
  });
});
