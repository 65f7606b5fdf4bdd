import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type {
  InventoryKind,
  RecordByKind,
  VmRecord,
} from './hypervisors/vsphere/discovery/records.ts';

/** Each is run once, in order; one that was released is never changed. */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE inventory_objects (
     kind TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, record TEXT NOT NULL,
     changed_at TEXT NOT NULL, PRIMARY KEY (kind, id));
   CREATE INDEX inventory_objects_by_name ON inventory_objects (kind, name);
   CREATE TABLE inventory_facts (name TEXT PRIMARY KEY, fact TEXT NOT NULL, observed_at TEXT NOT NULL);`,
  `CREATE TABLE departed_vms (
     instance_uuid TEXT PRIMARY KEY, name TEXT NOT NULL, record TEXT NOT NULL, seen_at TEXT NOT NULL);
   CREATE INDEX departed_vms_by_name ON departed_vms (name);`,
];

/** VMs that are deleted leave too: the oldest are forgotten. */
const MAX_DEPARTED_VMS = 10_000;

export interface InventoryObject<K extends InventoryKind = InventoryKind> {
  readonly id: string;
  readonly record: RecordByKind[K];
  /** When the server last told a change of it. */
  readonly changedAt: string;
}

export interface InventoryChange {
  readonly kind: InventoryKind;
  readonly id: string;
  /** Parts of the record that are new; `null` = the object is gone. */
  readonly changes: object | null;
}

/** Of one object; replaces what was known. */
export interface NewObject {
  readonly kind: InventoryKind;
  readonly id: string;
  readonly record: { readonly name: string };
}

/** What the site's vSphere server has, as it was at `observedAt`. */
export class InventoryTables {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#migrate();
  }

  /** When everything here was true at once; `null` = nothing was ever read. */
  observedAt(): string | null {
    return this.fact('objects')?.observedAt ?? null;
  }

  /** In one transaction: a reader sees all of it or nothing. */
  replaceAll(objects: readonly NewObject[], observedAt: string): void {
    this.#transaction(() => {
      const before = this.all('vm');
      const known = new Map(before.map(({ id, record }) => [id, record]));
      this.#database.exec('DELETE FROM inventory_objects');
      for (const { kind, id, record } of objects) {
        const kept = kind === 'vm' ? withConfiguration(record, known.get(id)) : record;
        this.#put(kind, id, kept, observedAt);
      }
      const there = new Set(this.all('vm').map(({ record }) => record.instanceUuid));
      for (const { record } of before) {
        if (!there.has(record.instanceUuid)) this.putDeparted(record, observedAt);
      }
      this.putFact('objects', { count: objects.length }, observedAt);
    });
  }

  apply(changes: readonly InventoryChange[], observedAt: string): void {
    this.#transaction(() => {
      for (const { kind, id, changes: parts } of changes) {
        if (parts === null) {
          const gone = kind === 'vm' ? this.find('vm', id) : null;
          if (gone !== null) this.putDeparted(gone.record, observedAt);
          this.#run('DELETE FROM inventory_objects WHERE kind = ? AND id = ?', kind, id);
          continue;
        }
        const before = this.find(kind, id)?.record;
        const record = { name: '', ...before, ...parts };
        const kept = kind === 'vm' ? withConfiguration(record, before as VmRecord) : record;
        this.#put(kind, id, kept, observedAt);
      }
      const row = this.#database.prepare('SELECT count(*) AS count FROM inventory_objects').get();
      this.putFact('objects', { count: Number(row?.['count']) }, observedAt);
    });
  }

  find<K extends InventoryKind>(kind: K, id: string): InventoryObject<K> | null {
    return this.#select<K>('kind = ? AND id = ?', kind, id)[0] ?? null;
  }

  named<K extends InventoryKind>(kind: K, name: string): readonly InventoryObject<K>[] {
    return this.#select<K>('kind = ? AND name = ?', kind, name);
  }

  withInstanceUuid(instanceUuid: string): InventoryObject<'vm'> | null {
    const where = "kind = 'vm' AND json_extract(record, '$.instanceUuid') = ?";
    return this.#select<'vm'>(where, instanceUuid)[0] ?? null;
  }

  all<K extends InventoryKind>(kind: K): readonly InventoryObject<K>[] {
    return this.#select<K>('kind = ?', kind);
  }

  /** What was known of a VM when it left the inventory: its files may still be where they were. */
  putDeparted(record: VmRecord, seenAt: string): void {
    const { instanceUuid, vmxFile, name, isTemplate } = record;
    // Nobody could find it, or put it back.
    if (typeof instanceUuid !== 'string' || typeof vmxFile !== 'string' || isTemplate) return;
    const insert = 'INSERT OR REPLACE INTO departed_vms VALUES (?, ?, ?, ?)';
    this.#run(insert, instanceUuid, name, JSON.stringify(record), seenAt);
    this.#run(
      'DELETE FROM departed_vms WHERE rowid NOT IN (SELECT rowid FROM departed_vms ORDER BY seen_at DESC LIMIT ?)',
      MAX_DEPARTED_VMS,
    );
  }

  departed(instanceUuid: string): VmRecord | null {
    return this.#selectDeparted('instance_uuid', instanceUuid)[0] ?? null;
  }

  departedNamed(name: string): readonly VmRecord[] {
    return this.#selectDeparted('name', name);
  }

  putFact(name: string, fact: object, observedAt: string): void {
    const text = JSON.stringify(fact);
    this.#run('INSERT OR REPLACE INTO inventory_facts VALUES (?, ?, ?)', name, text, observedAt);
  }

  fact(name: string): { readonly fact: unknown; readonly observedAt: string } | null {
    const row = this.#database.prepare('SELECT * FROM inventory_facts WHERE name = ?').get(name);
    if (row === undefined) return null;
    return {
      fact: JSON.parse(String(row['fact'])) as unknown,
      observedAt: String(row['observed_at']),
    };
  }

  #put(kind: InventoryKind, id: string, record: { readonly name: string }, at: string): void {
    const text = JSON.stringify(record);
    this.#run(
      'INSERT OR REPLACE INTO inventory_objects VALUES (?, ?, ?, ?, ?)',
      kind,
      id,
      record.name,
      text,
      at,
    );
  }

  #select<K extends InventoryKind>(
    where: string,
    ...values: SQLInputValue[]
  ): InventoryObject<K>[] {
    const query = `SELECT id, record, changed_at FROM inventory_objects WHERE ${where} ORDER BY name, id`;
    return this.#database
      .prepare(query)
      .all(...values)
      .map((row) => ({
        id: String(row['id']),
        record: JSON.parse(String(row['record'])) as RecordByKind[K],
        changedAt: String(row['changed_at']),
      }));
  }

  #selectDeparted(column: 'instance_uuid' | 'name', value: string): VmRecord[] {
    const rows = this.#database
      .prepare(`SELECT record FROM departed_vms WHERE ${column} = ? ORDER BY seen_at DESC`)
      .all(value);
    return rows.map((row) => JSON.parse(String(row['record'])) as VmRecord);
  }

  #run(statement: string, ...values: SQLInputValue[]): void {
    this.#database.prepare(statement).run(...values);
  }

  #transaction(work: () => void): void {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      work();
      this.#database.exec('COMMIT');
    } catch (error) {
      this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  #migrate(): void {
    this.#database.exec('CREATE TABLE IF NOT EXISTS inventory_version (version INTEGER NOT NULL)');
    const row = this.#database
      .prepare('SELECT max(version) AS version FROM inventory_version')
      .get();
    const done = Number(row?.['version'] ?? 0);
    for (const [index, statements] of MIGRATIONS.entries()) {
      if (index < done) continue;
      this.#transaction(() => {
        this.#database.exec(statements);
        this.#run('INSERT INTO inventory_version VALUES (?)', index + 1);
      });
    }
  }
}

/**
 * Of a VM that it cannot read the server shows no configuration. What it was stays known then: it is neither gone nor
 * without disks.
 */
function withConfiguration(
  record: { readonly name: string },
  before: VmRecord | undefined,
): { readonly name: string } {
  const { instanceUuid, connection, powerState } = record as VmRecord;
  if (instanceUuid !== null || typeof before?.instanceUuid !== 'string') return record;
  const kept: VmRecord = { ...before, connection, powerState };
  return kept;
}
