import { copyFileSync, chmodSync, existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Secret } from '../../shared/domain/secret.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { IDENTITY_FILES, makeDurable } from './backups.ts';
import { DATABASE_FILE } from './database.ts';
import { openText } from './seal-text.ts';

interface RestoreRequest {
  readonly file: string;
  readonly dataFolder: string;
  /** From the configuration: a backup is good only for the server that it was taken of. */
  readonly name: string;
  readonly passphrase: Secret;
}

interface Restored {
  readonly takenAt: string;
  /** Address at the time of the backup; machines are refused when the server has another now. */
  readonly address: string;
}

/**
 * Makes an empty data folder that of the server a backup was taken of: database, identity, authority. Cut off, it
 * is done again. Throws FB-AGENT-013 when there is a database already, FB-AGENT-014 when the backup is no good.
 */
export function restoreBackup(request: RestoreRequest): Restored {
  const { file, dataFolder } = request;
  const target = join(dataFolder, DATABASE_FILE);
  if (existsSync(target)) throw new FailbackError('FB-AGENT-013', { folder: dataFolder });
  if (!existsSync(file)) throw unusable(file, 'there is no such file');
  const unfinished = `${target}.restoring`;
  rmSync(unfinished, { force: true });
  copyFileSync(file, unfinished);
  chmodSync(unfinished, 0o600);
  const parts = takeParts(file, unfinished);
  const identity = identityOf(parts, request);
  if (typeof identity === 'string') {
    rmSync(unfinished, { force: true });
    throw unusable(file, identity);
  }
  for (const [part, content] of identity) writePart(join(dataFolder, part), content);
  makeDurable(unfinished);
  // Last: a folder with a database counts as restored.
  renameSync(unfinished, target);
  makeDurable(dataFolder);
  return { takenAt: parts.get('takenAt') ?? '', address: parts.get('address') ?? '' };
}

/** What the backup holds besides the database; taken out of the copy that becomes the database. */
function takeParts(file: string, copy: string): ReadonlyMap<string, string> {
  let database: DatabaseSync | null = null;
  try {
    database = new DatabaseSync(copy);
    const [check] = database.prepare('PRAGMA integrity_check').all();
    if (check?.['integrity_check'] !== 'ok') throw unusable(file, 'it is damaged');
    const rows = database.prepare('SELECT name, content FROM backup').all();
    database.exec('PRAGMA journal_mode=MEMORY; DROP TABLE backup; VACUUM;');
    return new Map(rows.map((row) => [String(row['name']), String(row['content'])]));
  } catch (error) {
    rmSync(copy, { force: true });
    if (error instanceof FailbackError) throw error;
    throw unusable(file, error instanceof Error ? error.message : String(error));
  } finally {
    database?.close();
  }
}

/** Contents by file; a sentence that says why this is not the server of the backup. */
function identityOf(
  parts: ReadonlyMap<string, string>,
  { name, passphrase }: RestoreRequest,
): readonly (readonly [string, string])[] | string {
  const of = parts.get('name');
  if (of !== name) return `it was taken of ${of ?? 'an unknown server'}, this is ${name}`;
  const opened = IDENTITY_FILES.flatMap((part) => {
    const sealed = parts.get(part);
    return sealed === undefined ? [] : [[part, openText(sealed, passphrase)] as const];
  });
  const readable = opened.flatMap(([part, text]) => (text === null ? [] : [[part, text] as const]));
  if (readable.length < opened.length) return 'it was taken with another passphrase';
  return readable;
}

function writePart(path: string, content: string): void {
  const unfinished = `${path}.restoring`;
  writeFileSync(unfinished, content, { mode: 0o600 });
  makeDurable(unfinished);
  renameSync(unfinished, path);
}

function unusable(file: string, reason: string): FailbackError {
  return new FailbackError('FB-AGENT-014', { file, reason });
}
