import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Secret } from '../../shared/domain/secret.ts';
import { makeFolder } from '../runtime/make-folder.ts';
import type { Logger } from '../runtime/types.ts';
import type { BackupConfig } from './config.ts';
import type { SiteDatabase } from './database.ts';
import { sealText } from './seal-text.ts';

/** What makes a restored server the same one: its standing with the control plane, and its authority. */
export const IDENTITY_FILES = ['identity.json', 'authority.json'] as const;

const NAME = /^site-(\d{4}-\d\d-\d\dT)(\d\d)-(\d\d)-(\d\d)-(\d{3}Z)\.sqlite$/;
const UNFINISHED = '.new';
/** Looked at so often whether a backup is due: timers do not know that a machine slept or that its clock was set. */
const LOOK_MS = 10 * 60_000;

interface BackupSource {
  readonly name: string;
  readonly address: string;
  readonly passphrase: Secret;
  readonly dataFolder: string;
  readonly database: SiteDatabase;
}

interface BackupOptions {
  readonly config: BackupConfig;
  readonly source: BackupSource;
  readonly log: Logger;
  readonly now?: () => Date;
}

/** Backups of the configuration server: one file each, whole or not there at all, for its owner only. */
export class Backups {
  readonly #options: BackupOptions;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: BackupOptions) {
    this.#options = options;
  }

  get everySeconds(): number {
    return this.#options.config.everyHours * 3600;
  }

  /** When the newest was taken; `null` when there is none. Throws when the folder cannot be read. */
  newestAt(): Date | null {
    const [newest] = this.#taken();
    return newest === undefined ? null : takenAt(newest);
  }

  /** Takes one when it is due, now and from now on. */
  start(): void {
    this.#takeWhenDue();
    const everyMs = Math.min(LOOK_MS, this.everySeconds * 1000);
    this.#timer = setInterval(() => this.#takeWhenDue(), everyMs);
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  /** Takes one now and lets go of those that are too many. Returns its path. */
  take(): string {
    const { config, source } = this.#options;
    makeFolder(config.folder);
    const at = this.#now();
    const file = join(config.folder, `site-${at.toISOString().replaceAll(/[:.]/g, '-')}.sqlite`);
    const unfinished = `${file}${UNFINISHED}`;
    rmSync(unfinished, { force: true });
    source.database.copyTo(unfinished);
    chmodSync(unfinished, 0o600);
    addIdentity(unfinished, source, at);
    makeDurable(unfinished);
    renameSync(unfinished, file);
    makeDurable(config.folder);
    this.#prune();
    return file;
  }

  #takeWhenDue(): void {
    const { log } = this.#options;
    try {
      const newest = this.newestAt();
      const dueMs = newest === null ? 0 : newest.getTime() + this.everySeconds * 1000;
      if (this.#now().getTime() < dueMs) return;
      log.info('backup taken', { file: this.take() });
    } catch (error) {
      // Tried again at the next look; preflight shows the age of the newest meanwhile.
      log.warn('no backup could be taken', { reason: String(error) });
    }
  }

  #prune(): void {
    const { folder, keep } = this.#options.config;
    for (const name of this.#taken().slice(keep)) rmSync(join(folder, name), { force: true });
    for (const name of readdirSync(folder)) {
      const isLeft = name.endsWith(UNFINISHED) && NAME.test(name.slice(0, -UNFINISHED.length));
      if (isLeft) rmSync(join(folder, name), { force: true });
    }
  }

  /** Names of finished backups, newest first. */
  #taken(): readonly string[] {
    const { folder } = this.#options.config;
    if (!existsSync(folder)) return [];
    return readdirSync(folder)
      .filter((name) => NAME.test(name))
      .toSorted()
      .toReversed();
  }

  #now(): Date {
    return this.#options.now?.() ?? new Date();
  }
}

function takenAt(name: string): Date {
  return new Date(name.replace(NAME, '$1$2:$3:$4.$5'));
}

function addIdentity(file: string, source: BackupSource, at: Date): void {
  const database = new DatabaseSync(file);
  try {
    // No journal beside the file, which a crash would leave behind.
    database.exec('PRAGMA journal_mode=MEMORY');
    database.exec('CREATE TABLE backup (name TEXT PRIMARY KEY, content TEXT NOT NULL)');
    const put = database.prepare('INSERT INTO backup (name, content) VALUES (?, ?)');
    put.run('name', source.name);
    put.run('address', source.address);
    put.run('takenAt', at.toISOString());
    for (const name of IDENTITY_FILES) {
      const path = join(source.dataFolder, name);
      if (!existsSync(path)) continue;
      put.run(name, sealText(readFileSync(path, 'utf8'), source.passphrase));
    }
  } finally {
    database.close();
  }
}

/** A file, or the names in a folder. */
export function makeDurable(path: string): void {
  const handle = openSync(path, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
