import { DatabaseSync } from 'node:sqlite';
import { types } from 'node:util';
import type { HistoryEvent, Instance, PendingWork, RuntimeStatus } from './history.ts';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS instances (id TEXT PRIMARY KEY, status TEXT NOT NULL, createdAt TEXT NOT NULL, record TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS history (instanceId TEXT NOT NULL, position INTEGER NOT NULL, event TEXT NOT NULL, PRIMARY KEY (instanceId, position));
  CREATE TABLE IF NOT EXISTS inbox (id INTEGER PRIMARY KEY AUTOINCREMENT, instanceId TEXT NOT NULL, execution INTEGER NOT NULL, event TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS work (instanceId TEXT NOT NULL, execution INTEGER NOT NULL, taskId INTEGER NOT NULL, record TEXT NOT NULL, PRIMARY KEY (instanceId, execution, taskId));
  CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
  CREATE INDEX IF NOT EXISTS inbox_instance ON inbox (instanceId, id);
`;

/** An event of any execution: external events belong to whichever runs when they are taken. */
export const ANY_EXECUTION = -1;

export interface InboxEntry {
  readonly id: number;
  readonly execution: number;
  readonly event: HistoryEvent;
}

interface RecordRow {
  readonly record: string;
}

/**
 * Everything durable about orchestrations, in one SQLite file. Each step of the engine is one
 * transaction, so that a host killed at any instant finds a step done or not done, never half.
 */
export class DurableStore {
  readonly #database: DatabaseSync;
  /** Called after each committed transaction; tests kill the host from here. */
  afterCommit: () => void = () => undefined;

  /** Throws when another host has the file open: two hosts would run every activity twice. */
  constructor(file: string) {
    this.#database = new DatabaseSync(file);
    try {
      this.#open();
    } catch (error) {
      this.#database.close();
      // Not `instanceof`: Jest runs tests in a realm that has an Error of its own.
      if (!types.isNativeError(error) || !error.message.includes('locked')) throw error;
      const text = `Another host uses ${file}. Stop it, or choose another folder with --data.`;
      throw new Error(text, { cause: error });
    }
  }

  #open(): void {
    // The operating system gives the lock back when the process dies, however it dies.
    this.#database.exec('PRAGMA locking_mode=EXCLUSIVE;');
    // WAL with synchronous=NORMAL survives the death of the process, which is what the lab promises;
    // only a power cut could lose the last transactions.
    this.#database.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;');
    this.#database.exec(SCHEMA);
  }

  close(): void {
    this.#database.close();
  }

  transaction<T>(body: () => T): T {
    this.#database.exec('BEGIN IMMEDIATE');
    let result: T;
    try {
      result = body();
      this.#database.exec('COMMIT');
    } catch (error) {
      this.#database.exec('ROLLBACK');
      throw error;
    }
    this.afterCommit();
    return result;
  }

  instance(id: string): Instance | null {
    const row = this.#get<RecordRow>('SELECT record FROM instances WHERE id = ?', id);
    return row === undefined ? null : (JSON.parse(row.record) as Instance);
  }

  instances(): readonly Instance[] {
    const rows = this.#all<RecordRow>('SELECT record FROM instances ORDER BY createdAt, id');
    return rows.map((row) => JSON.parse(row.record) as Instance);
  }

  instancesWithStatus(statuses: readonly RuntimeStatus[]): readonly string[] {
    const marks = statuses.map(() => '?').join(',');
    const sql = `SELECT id FROM instances WHERE status IN (${marks}) ORDER BY createdAt, id`;
    return this.#all<{ id: string }>(sql, ...statuses).map(({ id }) => id);
  }

  /** A number that no execution of any instance ever had; also after a purge. */
  nextExecution(): number {
    const sql = `INSERT INTO counters (name, value) VALUES ('execution', 0)
      ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value`;
    return this.#get<{ value: number }>(sql)?.value ?? 0;
  }

  putInstance(instance: Instance): void {
    this.#run(
      'INSERT OR REPLACE INTO instances (id, status, createdAt, record) VALUES (?, ?, ?, ?)',
      instance.id,
      instance.status,
      instance.createdAt,
      JSON.stringify(instance),
    );
  }

  deleteInstance(id: string): void {
    this.#run('DELETE FROM instances WHERE id = ?', id);
    this.replaceHistory(id, []);
    this.#run('DELETE FROM inbox WHERE instanceId = ?', id);
    this.clearWork(id);
  }

  history(id: string): HistoryEvent[] {
    const sql = 'SELECT event FROM history WHERE instanceId = ? ORDER BY position';
    return this.#all<{ event: string }>(sql, id).map(
      (row) => JSON.parse(row.event) as HistoryEvent,
    );
  }

  replaceHistory(id: string, events: readonly HistoryEvent[]): void {
    this.#run('DELETE FROM history WHERE instanceId = ?', id);
    this.appendHistory(id, 0, events);
  }

  appendHistory(id: string, start: number, events: readonly HistoryEvent[]): void {
    const insert = this.#database.prepare(
      'INSERT INTO history (instanceId, position, event) VALUES (?, ?, ?)',
    );
    events.forEach((event, index) => insert.run(id, start + index, JSON.stringify(event)));
  }

  post(id: string, execution: number, event: HistoryEvent): void {
    this.#run(
      'INSERT INTO inbox (instanceId, execution, event) VALUES (?, ?, ?)',
      id,
      execution,
      JSON.stringify(event),
    );
  }

  nextInbox(id: string): InboxEntry | null {
    const row = this.#get<{ id: number; execution: number; event: string }>(
      'SELECT id, execution, event FROM inbox WHERE instanceId = ? ORDER BY id LIMIT 1',
      id,
    );
    if (row === undefined) return null;
    return { id: row.id, execution: row.execution, event: JSON.parse(row.event) as HistoryEvent };
  }

  takeInbox(entryId: number): void {
    this.#run('DELETE FROM inbox WHERE id = ?', entryId);
  }

  clearInbox(id: string): void {
    this.#run('DELETE FROM inbox WHERE instanceId = ?', id);
  }

  putWork(id: string, execution: number, work: PendingWork): void {
    this.#run(
      'INSERT OR REPLACE INTO work (instanceId, execution, taskId, record) VALUES (?, ?, ?, ?)',
      id,
      execution,
      work.taskId,
      JSON.stringify(work),
    );
  }

  /** False when it was done (or dropped) already: work is at least once, its completion once. */
  takeWork(id: string, execution: number, taskId: number): boolean {
    const { changes } = this.#run(
      'DELETE FROM work WHERE instanceId = ? AND execution = ? AND taskId = ?',
      id,
      execution,
      taskId,
    );
    return Number(changes) > 0;
  }

  clearWork(id: string): void {
    this.#run('DELETE FROM work WHERE instanceId = ?', id);
  }

  allWork(): readonly { instanceId: string; execution: number; work: PendingWork }[] {
    const sql = 'SELECT instanceId, execution, record FROM work ORDER BY rowid';
    const rows = this.#all<{ instanceId: string; execution: number; record: string }>(sql);
    return rows.map(({ instanceId, execution, record }) => ({
      instanceId,
      execution,
      work: JSON.parse(record) as PendingWork,
    }));
  }

  // node:sqlite types rows as unknown values; the columns are those of SCHEMA.
  #get<R>(sql: string, ...values: (string | number)[]): R | undefined {
    return this.#database.prepare(sql).get(...values) as R | undefined;
  }

  #all<R>(sql: string, ...values: (string | number)[]): R[] {
    return this.#database.prepare(sql).all(...values) as R[];
  }

  #run(sql: string, ...values: (string | number)[]): { changes: number | bigint } {
    return this.#database.prepare(sql).run(...values);
  }
}
