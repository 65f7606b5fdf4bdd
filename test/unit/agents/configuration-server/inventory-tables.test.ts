import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from '@jest/globals';
import { InventoryTables } from '../../../../agents/configuration-server/inventory-tables.ts';

const T1 = '2026-03-01T00:00:00.000Z';
const T2 = '2026-03-01T00:01:00.000Z';
const vm = (id: string, record: object = {}) =>
  ({ kind: 'vm', id, record: { name: `n-${id}`, powerState: 'off', ...record } }) as const;

describe('the inventory in the database of the site', () => {
  it('has nothing before it was read', () => {
    const tables = new InventoryTables(new DatabaseSync(':memory:'));
    expect([tables.observedAt(), tables.all('vm'), tables.find('vm', 'x')]).toEqual([
      null,
      [],
      null,
    ]);
  });

  it('is replaced as a whole, and changed in parts', () => {
    const tables = new InventoryTables(new DatabaseSync(':memory:'));
    tables.replaceAll([vm('1'), vm('2')], T1);
    tables.replaceAll([vm('2'), vm('3')], T1);
    tables.apply(
      [
        { kind: 'vm', id: '2', changes: { powerState: 'on' } },
        { kind: 'vm', id: '3', changes: null },
        { kind: 'vm', id: '4', changes: { name: 'new' } },
      ],
      T2,
    );
    expect(tables.all('vm').map(({ id, changedAt }) => [id, changedAt])).toEqual([
      ['2', T2],
      ['4', T2],
    ]);
    expect(tables.find('vm', '2')?.record).toEqual({ name: 'n-2', powerState: 'on' });
    expect(tables.named('vm', 'new')).toHaveLength(1);
    expect([tables.observedAt(), tables.fact('objects')?.fact]).toEqual([T2, { count: 2 }]);
  });

  it('remembers a VM that left it, by its id and its name, whichever way it left', () => {
    const tables = new InventoryTables(new DatabaseSync(':memory:'));
    const known = (id: string, change = {}) =>
      vm(id, { instanceUuid: `uuid-${id}`, vmxFile: `[ds] ${id}/${id}.vmx`, ...change });
    tables.replaceAll([known('1'), known('2'), known('3', { name: 'n-1' })], T1);
    expect(tables.departedNamed('n-1')).toEqual([]);
    tables.apply([{ kind: 'vm', id: '1', changes: null }], T1);
    // Registered again, it has another id of the server and the same of its own.
    tables.replaceAll([{ ...known('9', { instanceUuid: 'uuid-2' }) }], T2);
    expect(tables.departed('uuid-1')).toMatchObject({ vmxFile: '[ds] 1/1.vmx' });
    expect(tables.departed('uuid-2')).toBeNull();
    const uuids = tables.departedNamed('n-1').map(({ instanceUuid }) => instanceUuid);
    expect(uuids).toEqual(['uuid-3', 'uuid-1']);
  });

  it('knows what a VM was while the server cannot read it, however it learns of that', () => {
    const tables = new InventoryTables(new DatabaseSync(':memory:'));
    const disks = [{ file: '[ds] 1/1.vmdk' }];
    const whole = { instanceUuid: 'uuid-1', vmxFile: '[ds] 1/1.vmx', disks };
    const unread = { instanceUuid: null, vmxFile: null, disks: [], connection: 'unreadable' };
    tables.replaceAll([vm('1', { ...whole, connection: 'connected' })], T1);
    tables.replaceAll([vm('1', { ...unread, name: '/vmfs/volumes/1' })], T1);
    const expected = { ...whole, connection: 'unreadable', name: 'n-1' };
    expect(tables.find('vm', '1')?.record).toMatchObject(expected);
    tables.apply([{ kind: 'vm', id: '1', changes: { ...whole, connection: 'connected' } }], T2);
    tables.apply([{ kind: 'vm', id: '1', changes: unread }], T2);
    expect(tables.withInstanceUuid('uuid-1')?.record).toMatchObject(expected);
    tables.apply([{ kind: 'vm', id: '1', changes: null }], T2);
    expect(tables.departed('uuid-1')).toMatchObject(whole);
    expect(tables.withInstanceUuid('uuid-1')).toBeNull();
  });

  it('does not remember what nobody could put back', () => {
    const tables = new InventoryTables(new DatabaseSync(':memory:'));
    const template = { instanceUuid: 'uuid-2', vmxFile: '[ds] 2/2.vmx', isTemplate: true };
    tables.replaceAll([vm('1', { instanceUuid: 'uuid-1' }), vm('2', template), vm('3')], T1);
    tables.replaceAll([], T2);
    expect([tables.departed('uuid-1'), tables.departed('uuid-2')]).toEqual([null, null]);
  });

  it('changes in one step or not at all', () => {
    const tables = new InventoryTables(new DatabaseSync(':memory:'));
    tables.replaceAll([vm('1')], T1);
    const circle: { name: string; self?: unknown } = { name: 'x' };
    circle.self = circle;
    const broken = { kind: 'vm', id: '2', record: circle } as const;
    expect(() => tables.replaceAll([vm('3'), broken], T2)).toThrow('circular');
    expect(tables.all('vm').map(({ id }) => id)).toEqual(['1']);
    expect(tables.observedAt()).toBe(T1);
  });

  it('stays over a restart of the program', () => {
    const database = new DatabaseSync(':memory:');
    new InventoryTables(database).replaceAll([vm('1')], T1);
    const again = new InventoryTables(database);
    expect(again.all('vm')).toHaveLength(1);
    expect(again.observedAt()).toBe(T1);
  });
});
