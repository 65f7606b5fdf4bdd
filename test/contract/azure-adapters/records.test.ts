import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Azurite, startAzurite } from '../../../local/azurite/start-azurite.ts';
import { JsonTable } from '../../../shared/adapters/azure/json-table.ts';
import { createStores } from '../../../shared/adapters/azure/stores.ts';
import { TableClient } from '@azure/data-tables';
import { success } from '../../../shared/errors/result.ts';
import type { AgentRecord, CommandRecord, Stores } from '../../../shared/ports/stores.ts';
import { updateRecord } from '../../../shared/services/update-record.ts';
import { storageOf, unique } from '../../support/control-plane/azure-storage.ts';
import { createMemoryStores } from '../../support/control-plane/memory-stores.ts';
import { aJob } from '../../support/memory/builders.ts';
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

const client = (name: string): TableClient => storageOf(azurite).table(name);
const aTable = (name = unique('notes')): JsonTable<Note> =>
  new JsonTable<Note>(client(name), (rowKey) => ({ partitionKey: 'note', rowKey }));

describe('records in a table', () => {
  it('are there after they were made, and not before', async () => {
    const table = aTable();
    expect(await table.get('1')).toBeNull();
    await table.create({ id: '1', text: 'first' });
    expect(await table.get('1')).toMatchObject({ value: { id: '1', text: 'first' } });
    expect(await table.list()).toEqual([{ id: '1', text: 'first' }]);
  });

  it('are made once', async () => {
    const table = aTable();
    await table.create({ id: '1', text: 'first' });
    const again = table.create({ id: '1', text: 'second' });
    await expect(again).rejects.toMatchObject({ code: 'FB-REQ-008' });
    expect((await table.get('1'))?.value.text).toBe('first');
  });

  it('are replaced only by who has seen the latest', async () => {
    const table = aTable();
    await table.create({ id: '1', text: 'first' });
    const seen = must(await table.get('1'), 'the record 1');
    await table.replace({ id: '1', text: 'second' }, seen.etag);
    const late = table.replace({ id: '1', text: 'lost' }, seen.etag);
    await expect(late).rejects.toMatchObject({ code: 'FB-REQ-008' });
    expect((await table.get('1'))?.value.text).toBe('second');
  });

  it('lose no change when five change one of them at once', async () => {
    const table = aTable();
    await table.create({ id: '1', text: '' });
    const changes = ['a', 'b', 'c', 'd', 'e'].map(async (letter) =>
      updateRecord(table, '1', (note) => ({ ...note, text: note.text + letter })),
    );
    await Promise.all(changes);
    expect((await table.get('1'))?.value.text.split('').sort().join('')).toBe('abcde');
  });

  it('cannot be replaced when they are not there', async () => {
    const table = aTable();
    await table.create({ id: 'other', text: '' });
    const { etag } = must(await table.get('other'), 'the record other');
    await expect(table.replace({ id: '1', text: 'x' }, etag)).rejects.toMatchObject({
      code: 'FB-REQ-008',
    });
    expect(await updateRecord(table, '1', (note) => ({ ...note, text: 'x' }))).toBeNull();
  });

  it('are deleted only by who has seen the latest, and once', async () => {
    const table = aTable();
    await table.create({ id: '1', text: 'first' });
    const seen = must(await table.get('1'), 'the record 1');
    await table.replace({ id: '1', text: 'second' }, seen.etag);
    const conflict = { code: 'FB-REQ-008' };
    await expect(table.delete('1', seen.etag)).rejects.toMatchObject(conflict);
    const latest = must(await table.get('1'), 'the record 1');
    await table.delete('1', latest.etag);
    expect(await table.get('1')).toBeNull();
    await expect(table.delete('1', latest.etag)).rejects.toMatchObject(conflict);
  });

  it.each([
    ['of one property', 29_000],
    ['right at the size of a property', 30_000 - '{"id":"1","text":""}'.length],
    ['one character more', 30_001 - '{"id":"1","text":""}'.length],
    ['of many properties', 400_000],
  ])('come back whole when they are %s', async (_name, length) => {
    const table = aTable();
    const text = Array.from({ length }, (_, at) => String.fromCodePoint(97 + (at % 26))).join('');
    await table.create({ id: '1', text });
    expect((await table.get('1'))?.value.text).toBe(text);
  });

  it('leave nothing behind when they get smaller', async () => {
    const table = aTable();
    await table.create({ id: '1', text: 'x'.repeat(100_000) });
    const { etag } = must(await table.get('1'), 'the record 1');
    await table.replace({ id: '1', text: 'small' }, etag);
    expect((await table.get('1'))?.value).toEqual({ id: '1', text: 'small' });
  });

  it('hold any text', async () => {
    const table = aTable();
    const text = `quotes ' " \\ line\nfeed \u0000 ü ${'😀'.repeat(20)} </script>`;
    await table.create({ id: '1', text });
    expect((await table.get('1'))?.value.text).toBe(text);
  });

  it.each([0, 1])('keep a character of two halves whole wherever it is cut: %i', async (before) => {
    const table = aTable();
    const text = `${'x'.repeat(before)}${'😀'.repeat(20_000)}`;
    await table.create({ id: '1', text });
    expect((await table.get('1'))?.value.text === text).toBe(true);
  });

  it.each(['a/b', 'a\\b', 'a#b', 'a?b', 'a\tb', 'a\u0085b', '', 'x'.repeat(513)])(
    'do not exist under a key that Azure does not allow, and cannot be made: %j',
    async (id) => {
      const table = aTable();
      await table.create({ id: 'x', text: '' });
      expect(await table.get(id)).toBeNull();
      const refused = { code: 'FB-REQ-001', message: expect.stringContaining('id: ') };
      await expect(table.create({ id, text: '' })).rejects.toMatchObject(refused);
    },
  );

  it.each(["it's", 'with space', 'ümläut', 'a%2Fb', 'a+b&c=d', 'UPPER', '-', 'x'.repeat(200)])(
    'have any key that Azure allows: %s',
    async (id) => {
      const table = aTable();
      await table.create({ id, text: 'x' });
      expect((await table.get(id))?.value).toEqual({ id, text: 'x' });
      const { etag } = must(await table.get(id), 'the record');
      await table.replace({ id, text: 'y' }, etag);
      expect(await table.list()).toEqual([{ id, text: 'y' }]);
    },
  );

  it('that differ in case are two', async () => {
    const table = aTable();
    await table.create({ id: 'a', text: 'small' });
    await table.create({ id: 'A', text: 'large' });
    expect((await table.get('a'))?.value.text).toBe('small');
  });

  it('are seen by another client, which makes the table again', async () => {
    const name = unique('notes');
    await aTable(name).create({ id: '1', text: 'first' });
    expect((await aTable(name).get('1'))?.value.text).toBe('first');
  });

  it('are listed all, however many there are', async () => {
    const table = aTable();
    const ids = Array.from({ length: 1100 }, (_, index) => String(index).padStart(5, '0'));
    for (let first = 0; first < ids.length; first += 100) {
      const some = ids.slice(first, first + 100);
      await Promise.all(some.map(async (id) => table.create({ id, text: '' })));
    }
    expect((await table.list()).map(({ id }) => id)).toEqual(ids);
  });

  it('cannot be had while the storage does not answer, which may pass', async () => {
    const connection = azurite
      .connectionString('failback')
      .replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:9');
    const options = { allowInsecureConnection: true, retryOptions: { maxRetries: 0 } };
    const away = new JsonTable<Note>(
      TableClient.fromConnectionString(connection, 'notes', options),
      (rowKey) => ({ partitionKey: 'note', rowKey }),
    );
    const failure = await away.get('1').catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'FB-AZ-002', isRetryable: true });
    expect(String(failure)).not.toContain('AccountKey');
  });
});

const aCommand = (id: string, change: Partial<CommandRecord> = {}): CommandRecord => ({
  id,
  agentId: 'ps-1',
  name: 'stopVm',
  input: { replicationId: 'web-01', graceful: true },
  instanceId: '',
  sentAt: new Date(0).toISOString(),
  deadlineAt: new Date(0).toISOString(),
  result: null,
  progress: null,
  progressAt: null,
  ...change,
});

/** The fake that other suites rely on answers as the tables do. */
describe.each([
  ['in tables', (): Stores => createStores((name) => client(`${name}${tablesOf}`))],
  ['in memory', (): Stores => createMemoryStores()],
])('the stores of the control plane %s', (_name, start) => {
  it('find the open commands of one job', async () => {
    tablesOf = unique('x');
    const { commands } = start();
    await commands.create(aCommand('job-1.b'));
    await commands.create(aCommand('job-1.a'));
    await commands.create(aCommand('job-1.done', { result: success(null) }));
    await commands.create(aCommand('job-10.a'));
    await commands.create(aCommand("job-1'.a"));
    expect((await commands.listOpen('job-1')).map(({ id }) => id)).toEqual(['job-1.a', 'job-1.b']);
    const { value, etag } = must(await commands.get('job-1.a'), 'the record job-1.a');
    await commands.replace({ ...value, result: success(null) }, etag);
    expect((await commands.listOpen('job-1')).map(({ id }) => id)).toEqual(['job-1.b']);
    expect(await commands.listOpen('job-2')).toEqual([]);
  });

  it('keep what is after the first dot of a command as its name', async () => {
    tablesOf = unique('x');
    const { commands } = start();
    await commands.create(aCommand('job-1.cycle-1.os'));
    expect((await commands.get('job-1.cycle-1.os'))?.value.id).toBe('job-1.cycle-1.os');
    expect(await commands.listOpen('job-1')).toHaveLength(1);
  });

  it('list by id, and refuse what is late or twice', async () => {
    tablesOf = unique('x');
    const { recoveryPoints } = start();
    const point = (id: string) =>
      ({
        id,
        itemId: 'web-01',
        pointId: id,
        takenAt: new Date(0).toISOString(),
        place: 'azure',
        consistency: 'crashConsistent',
      }) as const;
    for (const id of ['b', 'c', 'a']) await recoveryPoints.create(point(id));
    expect((await recoveryPoints.list()).map(({ id }) => id)).toEqual(['a', 'b', 'c']);
    const conflict = { code: 'FB-REQ-008' };
    await expect(recoveryPoints.create(point('a'))).rejects.toMatchObject(conflict);
    const { etag } = must(await recoveryPoints.get('a'), 'the record a');
    await recoveryPoints.replace({ ...point('a'), place: 'onPremises' }, etag);
    await expect(recoveryPoints.replace(point('a'), etag)).rejects.toMatchObject(conflict);
  });
});

describe('jobs in a table', () => {
  it('of both kinds come newest first together, and pages go on behind either', async () => {
    const { jobs } = createStores((name) => client(`${name}${unique('o')}`));
    for (const id of ['fb-8-a', 'rh-7-b', 'fb-6-c', 'rh-5-d']) await jobs.create(aJob({ id }));
    const newestFirst = ['rh-5-d', 'fb-6-c', 'rh-7-b', 'fb-8-a'];
    expect((await jobs.list()).map(({ id }) => id)).toEqual(newestFirst);
    const { values, next } = await jobs.listPage({ limit: 2 });
    expect([values.map(({ id }) => id), next]).toEqual([newestFirst.slice(0, 2), 'fb-6-c']);
    const rest = await jobs.listPage({ limit: 2, after: 'fb-6-c' });
    expect(rest.values.map(({ id }) => id)).toEqual(newestFirst.slice(2));
    expect((await jobs.get('rh-7-b'))?.value.id).toBe('rh-7-b');
  });
});

/** Behind the names of the tables of one test, so that each starts with empty ones. */
let tablesOf = '';

describe.each([
  ['in a table', () => createStores((name) => client(`${name}${unique('p')}`))],
  ['in memory', createMemoryStores],
] as const)('pages of records %s', (_where, storesOf) => {
  const fill = async (ids: readonly string[]): Promise<Stores['agents']> => {
    const { agents } = storesOf();
    for (const id of ids) await agents.create({ id, name: `name of ${id}` } as AgentRecord);
    return agents;
  };

  it('come in order, each record once, and end', async () => {
    const agents = await fill(['e', 'b', 'd', 'a', 'c']);
    const pages: (readonly string[])[] = [];
    let after: string | undefined;
    do {
      const page = await agents.listPage({ limit: 2, after });
      pages.push(page.values.map(({ id }) => id));
      after = page.next ?? undefined;
    } while (after !== undefined);
    expect(pages).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
  });

  it('know that nothing follows when the last one is just full', async () => {
    const agents = await fill(['a', 'b']);
    expect(await agents.listPage({ limit: 2 })).toMatchObject({ next: null });
    expect(await agents.listPage({ limit: 1 })).toMatchObject({ next: 'a' });
  });

  it('go on behind a record that was deleted meanwhile', async () => {
    const agents = await fill(['a', 'b', 'c']);
    await agents.delete('a', must(await agents.get('a'), 'the record a').etag);
    const { values } = await agents.listPage({ limit: 9, after: 'a' });
    expect(values.map(({ id }) => id)).toEqual(['b', 'c']);
  });

  it('hold only what is wanted, and count only that', async () => {
    const agents = await fill(['a', 'b', 'c', 'd', 'e']);
    const where = ({ id }: AgentRecord): boolean => 'ace'.includes(id);
    const first = await agents.listPage({ limit: 2, where });
    expect(first.values.map(({ id }) => id)).toEqual(['a', 'c']);
    const rest = await agents.listPage({
      limit: 2,
      where,
      after: must(first.next, 'a second page'),
    });
    expect([rest.values.map(({ id }) => id), rest.next]).toEqual([['e'], null]);
  });

  it('are empty where there is nothing', async () => {
    expect(await (await fill([])).listPage({ limit: 2 })).toEqual({ values: [], next: null });
  });
});
