import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { pruneRecords } from '../../../functions/timers/prune-records.ts';
import { type Azurite, startAzurite } from '../../../local/azurite/start-azurite.ts';
import { JsonTable } from '../../../shared/adapters/azure/json-table.ts';
import { createStores } from '../../../shared/adapters/azure/stores.ts';
import {
  newestFirst,
  newestFirstShort,
  recoveryPointId,
} from '../../../shared/domain/newest-first.ts';
import { success } from '../../../shared/errors/result.ts';
import type { AgeingStores, EventRecord } from '../../../shared/ports/stores.ts';
import { storageOf, unique } from '../../support/control-plane/azure-storage.ts';
import { aCommand, aJob } from '../../support/memory/builders.ts';
import { must } from '../../support/must.ts';

interface Note {
  readonly id: string;
  readonly text: string;
}

let azurite: Azurite;
beforeAll(async () => {
  azurite = await startAzurite({
    ports: { blob: 0, queue: 0, table: 0 },
    accounts: [{ name: 'failback', keyBase64: Buffer.from('a key').toString('base64') }],
    managedDiskAccounts: [],
  });
});
afterAll(async () => azurite.stop());

describe('records that get old', () => {
  const DAY_MS = 24 * 3_600_000;
  const now = new Date('2026-03-01T12:00:00.000Z');
  const daysAgo = (days: number): Date => new Date(now.getTime() - days * DAY_MS);
  const keepDays = { events: 400, preflights: 30, idempotency: 2, commands: 90, points: 30 };
  const prune = async (stores: AgeingStores): Promise<string> => {
    let said = '';
    const context = { log: (text: string) => void (said = text) };
    await pruneRecords({ stores, clock: { now: () => now }, keepDays }, context);
    return said;
  };
  const fresh = () => {
    const prefix = unique('t');
    return createStores((name) => storageOf(azurite).table(`${prefix}${name}`));
  };

  it('are found behind an id, in order, no more than asked for, with what deletes them', async () => {
    const table = new JsonTable<Note>(storageOf(azurite).table(unique('notes')), (rowKey) => ({
      partitionKey: 'note',
      rowKey,
    }));
    for (const id of ['c', 'a', 'd', 'b']) await table.create({ id, text: id });
    const found = await table.listBehind('a', 2);
    expect(found.map(({ value }) => value.id)).toEqual(['b', 'c']);
    const seen = must(found[0], 'a record that was found');
    await table.replace({ id: 'b', text: 'changed' }, seen.etag);
    await expect(table.delete('b', seen.etag)).rejects.toMatchObject({ code: 'FB-REQ-008' });
    expect(await table.listBehind('d', 2)).toEqual([]);
    expect(await table.listBehind('', 10)).toHaveLength(4);
  });

  it('go, by more than a batch; jobs, younger records and what is in use stay', async () => {
    const stores = fresh();
    const about = { caller: 'system', itemId: null, jobId: null, message: 'x', code: null };
    const event = (days: number, key: string): EventRecord => {
      const at = daysAgo(days).toISOString();
      return { ...about, id: `${newestFirst(at)}-${key}`, at, kind: 'jobStep' };
    };
    for (let index = 0; index < 120; index += 1) {
      await stores.events.create(event(401, `e${index}`));
    }
    const young = event(399, 'young');
    await stores.events.create(young);
    const request = { bodyHash: 'x', answer: null };
    for (const [id, days] of [
      ['old', 1.1],
      ['young', 0.9],
    ] as const) {
      await stores.idempotency.create({ ...request, id, expiresAt: daysAgo(days).toISOString() });
    }
    for (const days of [29, 31]) {
      const createdAt = daysAgo(days).toISOString();
      const asked = { itemId: 'web-01', operation: 'failover', placement: {} } as const;
      const id = `pf-${newestFirstShort(daysAgo(days))}-ab12cd`;
      const run = { ...asked, createdAt, endedAt: createdAt, report: null, error: null };
      await stores.preflights.create({ id, ...run });
    }
    expect(await prune(stores)).toBe('Pruned 120 events, 1 preflights, 1 idempotency');
    expect((await stores.events.list()).map(({ id }) => id)).toEqual([young.id]);
    expect((await stores.idempotency.list()).map(({ id }) => id)).toEqual(['young']);
    expect(await stores.preflights.list()).toHaveLength(1);
    expect(await prune(stores)).toBe('');
  });

  it('go with the job they belong to, partition by partition', async () => {
    const stores = fresh();
    const put = async (jobId: string, days: number, count: number): Promise<void> => {
      const sentAt = daysAgo(days).toISOString();
      const times = { sentAt, deadlineAt: sentAt, result: success(null) };
      for (let index = 0; index < count; index += 1) {
        await stores.commands.create(aCommand({ ...times, id: `${jobId}.step-${index}` }));
      }
    };
    const idOf = (days: number): string => `fb-${newestFirstShort(daysAgo(days))}-ab12cd`;
    const jobs = [
      { days: 89, state: 'succeeded', endedAt: daysAgo(89).toISOString() },
      { days: 120, state: 'waitingForOperator', endedAt: null },
      { days: 130, state: 'failed', endedAt: daysAgo(100).toISOString() },
      { days: 140, state: 'succeeded', endedAt: daysAgo(1).toISOString() },
    ] as const;
    for (const { days, ...end } of jobs) {
      await put(idOf(days), days, days === 130 ? 105 : 2);
      await stores.jobs.create(aJob({ id: idOf(days), ...end }));
    }
    const reverse = (item: string, days: number): string =>
      `reverse-${item}-${daysAgo(days).getTime()}`;
    for (const item of ['a', 'a-2', 'b']) {
      for (const days of [91, 89]) await put(reverse(item, days), days, 2);
    }
    expect(await prune(stores)).toBe('Pruned 111 commands');
    const left = new Set((await stores.commands.list()).map(({ id }) => id.split('.', 1)[0]));
    expect(left).toEqual(
      new Set([
        ...[89, 120, 140].map((days) => idOf(days)),
        ...['a', 'a-2', 'b'].map((item) => reverse(item, 89)),
      ]),
    );
    expect(await stores.jobs.list()).toHaveLength(4);
    expect(await prune(stores)).toBe('');
  });
  it('of machines are found and listed machine by machine, and go by their age', async () => {
    const stores = fresh();
    const put = async (itemId: string, days: number, id?: string): Promise<string> => {
      const point = { pointId: `p-${days}`, takenAt: daysAgo(days).toISOString() };
      const record = { ...point, itemId, place: 'azure', consistency: 'crashConsistent' } as const;
      const key = id ?? recoveryPointId(itemId, point);
      await stores.recoveryPoints.create({ ...record, id: key });
      return key;
    };
    const kept: string[] = [];
    for (const item of ['web-01', 'db', 'web']) {
      await put(item, 31);
      await put(item, 32);
      for (const days of [29, 1]) kept.push(await put(item, days));
    }
    for (let days = 40; days < 150; days += 1) await put('gone', days);
    const earlier = (days: number): string => `${newestFirst(daysAgo(days))}-p-${days}`;
    kept.push(await put('old', 3, earlier(3)));
    await put('old', 33, earlier(33));
    const { recoveryPoints } = stores;
    const page = await recoveryPoints.listPage({ limit: 3, after: 'web.' });
    expect(page.values.map(({ itemId, pointId }) => `${itemId} ${pointId}`)).toEqual([
      'web p-1',
      'web p-29',
      'web p-31',
    ]);
    const rest = await recoveryPoints.listPage({ limit: 3, after: must(page.next, 'more') });
    expect(rest.values.map(({ pointId }) => pointId)).toEqual(['p-32']);
    expect(rest.next).toBeNull();
    const behind = await recoveryPoints.listPage({
      limit: 9,
      after: `web.${newestFirst(daysAgo(29))}~`,
    });
    expect(behind.values.map(({ pointId }) => pointId)).toEqual(['p-31', 'p-32']);
    expect(await prune(stores)).toBe('Pruned 117 recovery points');
    expect((await recoveryPoints.list()).map(({ id }) => id).toSorted()).toEqual(kept.toSorted());
    expect(await prune(stores)).toBe('');
  });
});
