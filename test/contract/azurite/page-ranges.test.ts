import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ContainerClient,
  type PageBlobClient,
  BlobSASPermissions,
  BlobServiceClient,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { type Azurite, startAzurite } from '../../../local/azurite/start-azurite.ts';

const KEY = Buffer.from('a key of the lab').toString('base64');
const ACCOUNTS = [
  { name: 'labdisks', keyBase64: KEY },
  { name: 'plain', keyBase64: KEY },
];
const SECTOR = 512;
let azurite: Azurite;
let disks: ContainerClient;
let count = 0;

function containerOf(account: string): ContainerClient {
  const credential = new StorageSharedKeyCredential(account, KEY);
  const options = { retryOptions: { maxTries: 1 } };
  return new BlobServiceClient(azurite.blobUrl(account), credential, options).getContainerClient(
    'disks',
  );
}

async function newBlob(container = disks, sectors = 64): Promise<PageBlobClient> {
  const blob = container.getPageBlobClient(`disk-${(count += 1)}.vhd`);
  await blob.create(sectors * SECTOR);
  return blob;
}

const pages = (letter: string, sectors = 1): Buffer => Buffer.alloc(sectors * SECTOR, letter);

async function snapshot(blob: PageBlobClient): Promise<string> {
  return (await blob.createSnapshot()).snapshot ?? '';
}

async function diff(
  blob: PageBlobClient,
  from: string,
  to: string,
  maxPageSize?: number,
): Promise<string[]> {
  const found: string[] = [];
  const pagesOf = blob
    .withSnapshot(to)
    .listPageRangesDiff(0, 64 * SECTOR, from)
    .byPage(maxPageSize === undefined ? {} : { maxPageSize });
  for await (const page of pagesOf) {
    const each = [
      ...(page.pageRange ?? []).map(({ start, end }) => ({ start, text: `data ${start}-${end}` })),
      ...(page.clearRange ?? []).map(({ start, end }) => ({
        start,
        text: `clear ${start}-${end}`,
      })),
    ];
    found.push(...each.toSorted((a, b) => a.start - b.start).map(({ text }) => text));
  }
  return found;
}

beforeAll(async () => {
  azurite = await startAzurite({
    ports: { blob: 0, queue: 0, table: 0 },
    accounts: ACCOUNTS,
    managedDiskAccounts: ['labdisks'],
  });
  disks = containerOf('labdisks');
  await disks.create();
  await containerOf('plain').create();
});

afterAll(async () => azurite.stop());

describe('page-range diffs of the lab storage', () => {
  it('lists what was written and what was cleared between two snapshots', async () => {
    const blob = await newBlob();
    await blob.uploadPages(pages('a', 4), 0, 4 * SECTOR);
    const before = await snapshot(blob);
    await blob.uploadPages(pages('b'), SECTOR, SECTOR);
    await blob.clearPages(3 * SECTOR, SECTOR);
    await blob.uploadPages(pages('c', 2), 10 * SECTOR, 2 * SECTOR);
    const after = await snapshot(blob);
    expect(await diff(blob, before, after)).toEqual([
      'data 512-1023',
      'clear 1536-2047',
      'data 5120-6143',
    ]);
  });

  it('answers the managed-disk form by SAS URLs in the same way', async () => {
    const blob = await newBlob();
    await blob.uploadPages(pages('a', 2), 0, 2 * SECTOR);
    const before = await snapshot(blob);
    await blob.clearPages(0, SECTOR);
    const after = await snapshot(blob);
    const sas = async (time: string): Promise<string> =>
      blob.withSnapshot(time).generateSasUrl({
        permissions: BlobSASPermissions.parse('r'),
        expiresOn: new Date(Date.now() + 3_600_000),
      });
    const current = blob.withSnapshot(after);
    const listed = await current.getPageRangesDiffForManagedDisks(
      0,
      64 * SECTOR,
      await sas(before),
    );
    // The SDK gives a count that is one short.
    expect(listed.clearRange).toEqual([{ offset: 0, count: SECTOR - 1 }]);
    expect(listed.pageRange).toEqual([]);
  });

  it('pages long listings', async () => {
    const blob = await newBlob();
    const before = await snapshot(blob);
    for (let sector = 0; sector < 10; sector += 2) {
      await blob.uploadPages(pages('x'), sector * SECTOR, SECTOR);
    }
    const after = await snapshot(blob);
    const whole = await diff(blob, before, after);
    expect(whole).toHaveLength(5);
    expect(await diff(blob, before, after, 2)).toEqual(whole);
  });

  it('never gives two snapshots of one blob the same name', async () => {
    const blob = await newBlob();
    const names = await Promise.all(Array.from({ length: 8 }, async () => snapshot(blob)));
    expect(new Set(names).size).toBe(8);
  });

  it('agrees with a model of the disk after any writes and clears', async () => {
    const step = fc.record({
      start: fc.integer({ min: 0, max: 30 }),
      length: fc.integer({ min: 1, max: 8 }),
      isClear: fc.boolean(),
    });
    const history = fc.tuple(fc.array(step, { maxLength: 8 }), fc.array(step, { maxLength: 8 }));
    await fc.assert(
      fc.asyncProperty(history, async ([first, second]) => {
        const blob = await newBlob(disks, 40);
        const model = Array.from({ length: 40 }, () => 0);
        let write = 0;
        const apply = async (steps: typeof first): Promise<void> => {
          for (const { start, length, isClear } of steps) {
            write += 1;
            model.fill(isClear ? 0 : write, start, start + length);
            if (isClear) await blob.clearPages(start * SECTOR, length * SECTOR);
            else await blob.uploadPages(pages('m', length), start * SECTOR, length * SECTOR);
          }
        };
        await apply(first);
        const was = [...model];
        const before = await snapshot(blob);
        await apply(second);
        const after = await snapshot(blob);
        const expected = model.flatMap((now, sector) =>
          now === was[sector] ? [] : [`${now === 0 ? 'clear' : 'data'} ${sector}`],
        );
        const found = (await diff(blob, before, after)).flatMap((text) => {
          const [kind, range = ''] = text.split(' ');
          const [start = 0, end = 0] = range.split('-').map(Number);
          const sectors = Array.from(
            { length: (end + 1 - start) / SECTOR },
            (_, i) => start / SECTOR + i,
          );
          return sectors.map((sector) => `${kind} ${sector}`);
        });
        expect(found).toEqual(expected);
      }),
      { numRuns: 25, seed: 7 },
    );
  });
});

describe('what Azure refuses', () => {
  const code = async (attempt: Promise<unknown>): Promise<string> =>
    attempt.then(
      () => 'nothing',
      (error: { statusCode: number; code: string }) => `${error.statusCode} ${error.code}`,
    );

  it('a base that does not exist', async () => {
    const blob = await newBlob();
    const after = await snapshot(blob);
    const attempt = blob
      .withSnapshot(after)
      .getPageRangesDiff(0, SECTOR, '2020-01-01T00:00:00.0000000Z');
    expect(await code(attempt)).toBe('409 PreviousSnapshotNotFound');
  });

  it('a base that is newer', async () => {
    const blob = await newBlob();
    const [older, newer] = [await snapshot(blob), await snapshot(blob)];
    const attempt = blob.withSnapshot(older).getPageRangesDiff(0, SECTOR, newer);
    expect(await code(attempt)).toBe('400 PreviousSnapshotCannotBeNewer');
  });

  it('a base of a blob that was overwritten since', async () => {
    const blob = await newBlob();
    const before = await snapshot(blob);
    await new Promise((resolve) => setTimeout(resolve, 5));
    await blob.create(64 * SECTOR);
    const after = await snapshot(blob);
    const attempt = blob.withSnapshot(after).getPageRangesDiff(0, SECTOR, before);
    expect(await code(attempt)).toBe('409 BlobOverwritten');
  });

  it('the managed-disk header on an ordinary account', async () => {
    const blob = await newBlob(containerOf('plain'));
    const before = await snapshot(blob);
    const url = blob.withSnapshot(before).url;
    const attempt = blob.getPageRangesDiffForManagedDisks(0, SECTOR, url);
    expect(await code(attempt)).toBe('400 UnsupportedHeaderForNonManagedDisksAccount');
  });

  it('pages past the end and bodies over 4 MiB', async () => {
    const blob = await newBlob();
    const past = blob.uploadPages(pages('x', 2), 63 * SECTOR, 2 * SECTOR);
    expect(await code(past)).toBe('416 InvalidPageRange');
    const big = await newBlob(disks, 20_000);
    const tooMuch = big.uploadPages(pages('x', 8193), 0, 8193 * SECTOR);
    expect(await code(tooMuch)).toBe('413 RequestBodyTooLarge');
  });

  it('a SAS URL that was revoked', async () => {
    const blob = await newBlob();
    const url = await blob.generateSasUrl({
      permissions: BlobSASPermissions.parse('r'),
      expiresOn: new Date(Date.now() + 3_600_000),
    });
    const { AnonymousCredential, PageBlobClient: Client } = await import('@azure/storage-blob');
    const reader = new Client(url, new AnonymousCredential(), { retryOptions: { maxTries: 1 } });
    await reader.getPageRanges();
    azurite.blobFront.revoke(url);
    expect(await code(reader.getPageRanges())).toMatch(/^403/);
  });
});

describe('copies and restarts', () => {
  it('keeps a copy independent of its source', async () => {
    const source = await newBlob();
    await source.uploadPages(pages('a'), 0, SECTOR);
    const copy = disks.getPageBlobClient('copy.vhd');
    const url = await source.generateSasUrl({
      permissions: BlobSASPermissions.parse('r'),
      expiresOn: new Date(Date.now() + 3_600_000),
    });
    await (await copy.beginCopyFromURL(url)).pollUntilDone();
    await copy.uploadPages(pages('z'), 0, SECTOR);
    expect((await source.downloadToBuffer(0, 4)).toString()).toBe('aaaa');
    expect((await copy.downloadToBuffer(0, 4)).toString()).toBe('zzzz');
  });

  it('goes on after a stop with everything it held', async () => {
    const dataFolder = mkdtempSync(join(tmpdir(), 'azurite-'));
    const options = {
      dataFolder,
      ports: { blob: 0, queue: 0, table: 0 },
      accounts: ACCOUNTS,
      managedDiskAccounts: ['labdisks'],
    };
    try {
      const credential = new StorageSharedKeyCredential('labdisks', KEY);
      const first = await startAzurite(options);
      const blobIn = (url: string): PageBlobClient =>
        new BlobServiceClient(url, credential).getContainerClient('kept').getPageBlobClient('d');
      await new BlobServiceClient(first.blobUrl('labdisks'), credential).createContainer('kept');
      const blob = blobIn(first.blobUrl('labdisks'));
      await blob.create(4 * SECTOR);
      await blob.uploadPages(pages('k'), 0, SECTOR);
      const before = await snapshot(blob);
      await first.stop();
      const second = await startAzurite(options);
      const again = blobIn(second.blobUrl('labdisks'));
      await again.uploadPages(pages('l'), SECTOR, SECTOR);
      const after = await snapshot(again);
      expect(await diff(again, before, after)).toEqual(['data 512-1023']);
      await second.stop();
    } finally {
      rmSync(dataFolder, { recursive: true, force: true });
    }
  });
});
