import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Result } from '../../shared/errors/result.ts';

/** How long results are remembered: longer than any message can come back. */
const KEPT_MS = 30 * 24 * 3_600_000;

/** Results by command id, written before they are reported: a command that comes again gets the first one. */
export class CommandJournal {
  readonly #database: DatabaseSync;

  constructor(dataFolder: string) {
    this.#database = new DatabaseSync(join(dataFolder, 'commands.sqlite'));
    // First of all: another program, as a backup, may hold the file for a moment.
    this.#database.exec(
      'PRAGMA busy_timeout=5000; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;',
    );
    this.#database.exec(
      'CREATE TABLE IF NOT EXISTS results (commandId TEXT PRIMARY KEY, result TEXT NOT NULL, at INTEGER NOT NULL)',
    );
    this.#database.prepare('DELETE FROM results WHERE at < ?').run(Date.now() - KEPT_MS);
  }

  find(commandId: string): Result<unknown> | null {
    const row = this.#database
      .prepare('SELECT result FROM results WHERE commandId = ?')
      .get(commandId);
    return row === undefined ? null : (JSON.parse(String(row['result'])) as Result<unknown>);
  }

  record(commandId: string, result: Result<unknown>): void {
    this.#database
      .prepare('INSERT OR IGNORE INTO results (commandId, result, at) VALUES (?, ?, ?)')
      .run(commandId, JSON.stringify(result), Date.now());
  }

  close(): void {
    this.#database.close();
  }
}
