import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { withBackoff } from '../runtime/backoff.ts';
import { codeOf } from '../runtime/error-code.ts';
import { makeFolder } from '../runtime/make-folder.ts';
import { Mutex } from '../runtime/mutex.ts';
import { readPrivateFile, writePrivateFile } from '../runtime/private-file.ts';
import { ProgressMeter } from '../runtime/progress-meter.ts';
import type { CommandContext } from '../runtime/types.ts';
import { ifThere, replaceFile } from './durable-file.ts';
import { ReplicationFolder, replicationIds } from './replication-folder.ts';
import { isFull } from './storage-error.ts';

/** Begins with a dot, as no id of a replication does. */
const MARK_FILE = '.retention-volume';
/** In the data folder. */
const REMEMBERED_FILE = 'retention-volume.json';
const rememberedSchema = z.object({ folder: z.string(), id: z.string() });

const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 15_000;
/** So much before its deadline a command stops waiting, so that its result still names the cause. */
const LAST_WORDS_MS = 60_000;

interface Places {
  readonly retentionFolder: string;
  readonly dataFolder: string;
}

/**
 * Tells the retention volume from the empty folder that it is mounted on, and from another volume: a mark in it has the
 * id that the data folder remembers. Without it, a program that starts before the mount would know no replication, and
 * begin new ones on the disk of the system.
 *
 * The mark is made with the first replication, or where replications of an earlier version lie; until then there is
 * nothing to lose. A volume with a mark that nobody remembers is taken over, as after a new installation.
 */
export class RetentionVolume {
  readonly #places: Places;
  readonly #marking = new Mutex();

  constructor(places: Places) {
    this.#places = places;
  }

  /** `null` when it is the one of before; otherwise FB-JRN-012, which passes once it is mounted. */
  async fault(): Promise<FailbackError | null> {
    const remembered = this.#remembered();
    if (remembered === null) {
      makeFolder(this.#places.retentionFolder);
      // A full volume has no room for it either: the next one who asks makes it.
      await this.#mark('whereItIsUsed').catch((error: unknown) => {
        if (!isFull(error)) throw error;
      });
      return null;
    }
    try {
      const id = await this.#markedId();
      if (id === remembered) return null;
      return this.#missing(id === null ? 'its mark is not there' : 'it is another volume');
    } catch (error) {
      return this.#missing(`its mark cannot be read: ${codeOf(error)}`);
    }
  }

  async expectThere(): Promise<void> {
    const fault = await this.fault();
    if (fault !== null) throw fault;
  }

  /** To be called before the first byte of a replication goes there. */
  async claim(): Promise<void> {
    await this.expectThere();
    if (this.#remembered() === null) await this.#mark('inAnyCase');
  }

  /** Holds a command up while the volume is not there, and shows that as health. */
  async wait(context: CommandContext): Promise<void> {
    const { signal, log, deadlineAtMs } = context;
    const meter = new ProgressMeter(() => Date.now());
    await withBackoff(async () => this.expectThere(), {
      firstMs: FIRST_PAUSE_MS,
      maxMs: MAX_PAUSE_MS,
      signal,
      isWorthRetrying: (error) => {
        const isMissing = error instanceof FailbackError;
        if (!isMissing || signal.aborted || Date.now() > deadlineAtMs - LAST_WORDS_MS) return false;
        log.warn('the retention volume is not there', { reason: error.message });
        const progress = meter.read('waiting for the retention volume');
        context.reportProgress({ ...progress, health: error.toRecord() });
        return true;
      },
    });
  }

  async #mark(when: 'inAnyCase' | 'whereItIsUsed'): Promise<void> {
    const { retentionFolder: folder, dataFolder } = this.#places;
    await this.#marking.run(async () => {
      let id = await this.#markedId();
      if (id === null) {
        if (when === 'whereItIsUsed' && !(await isUsed(folder))) return;
        id = randomUUID();
        await replaceFile(join(folder, MARK_FILE), id);
      }
      writePrivateFile(join(dataFolder, REMEMBERED_FILE), { folder, id });
    });
  }

  /** The id that belongs to the folder; one that was configured before does not count. */
  #remembered(): string | null {
    const { retentionFolder, dataFolder } = this.#places;
    const known = readPrivateFile(join(dataFolder, REMEMBERED_FILE), rememberedSchema);
    return known?.folder === retentionFolder ? known.id : null;
  }

  async #markedId(): Promise<string | null> {
    const text = await ifThere(readFile(join(this.#places.retentionFolder, MARK_FILE), 'utf8'));
    return text === null || text.trim() === '' ? null : text.trim();
  }

  #missing(reason: string): FailbackError {
    return new FailbackError('FB-JRN-012', { folder: this.#places.retentionFolder, reason });
  }
}

async function isUsed(retentionFolder: string): Promise<boolean> {
  for (const id of await replicationIds(retentionFolder)) {
    if (await new ReplicationFolder(retentionFolder, id).exists()) return true;
  }
  return false;
}
