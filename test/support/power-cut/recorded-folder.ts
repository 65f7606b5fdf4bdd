import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type * as Files from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import {
  aFile,
  aFolder,
  build,
  contentOf,
  dropWrites,
  enter,
  EVERYTHING,
  type FileNode,
  type FolderNode,
  makeDurable,
  type Node,
  nodeOf,
  type Survivors,
} from './nodes.ts';
import { noRoom } from './room.ts';

const PAGE_BYTES = 4096;

const isDisk = (path: string): boolean => path.endsWith('.raw');

/** Thrown where the power goes; nothing that happens afterwards counts. */
export class PowerCut extends Error {
  override readonly name = 'PowerCut';
}

interface Hooks {
  /** Before something is made durable: the path, relative to the folder. Until then, all of it can be lost. */
  readonly beforeSync: (path: string) => Promise<void>;
  /** A sync that does nothing, as if somebody had taken it out of the code. */
  readonly isIgnored: (path: string) => boolean;
  /** Asked before anything grows, and before it is made durable: some storage finds out only then. */
  readonly hasRoomFor: (path: string) => Promise<boolean>;
  /** A file went. */
  readonly onRemoval: () => void;
  /** The code waits for something. */
  readonly onPause: () => Promise<void>;
}

/**
 * A real folder, and beside it what of it would be there after a power cut. Bytes are durable once their file was
 * synced; names once their folder was, whatever happened to the file. That is less than most file systems promise.
 */
export class RecordedFolder {
  readonly root: string;
  readonly #top: FolderNode;
  readonly #hooks: Hooks;
  isOff = false;

  constructor(root: string, hooks: Hooks) {
    this.root = root;
    this.#top = nodeOf(root);
    this.#hooks = hooks;
  }

  /** What is there after a power cut now, in a folder of its own. Paths in records lead to that folder then. */
  surviveInto(folder: string, survivors: Survivors): void {
    build(this.#top, folder, survivors);
    for (const entry of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (!/\.json(\.new)?$/.test(entry)) continue;
      const file = join(folder, entry);
      writeFileSync(file, readFileSync(file, 'utf8').replaceAll(this.root, folder));
    }
  }

  find(path: string): Node | undefined {
    const names = relative(this.root, path).split(sep).filter(Boolean);
    let node: Node | undefined = this.#top;
    for (const name of names) node = node?.kind === 'folder' ? node.now.get(name) : undefined;
    return node;
  }

  folder(path: string): FolderNode {
    const node = this.find(path);
    if (node?.kind !== 'folder') throw new Error(`${path} is no folder`);
    return node;
  }

  enter(path: string, node: Node | null): void {
    if (!this.isOff) enter(this.folder(dirname(path)), [[basename(path), node]]);
  }

  rename(from: string, to: string): void {
    const parent = this.folder(dirname(from));
    if (dirname(to) !== dirname(from)) throw new Error('A rename into another folder');
    const node = parent.now.get(basename(from)) ?? null;
    enter(parent, [
      [basename(from), null],
      [basename(to), node],
    ]);
  }

  /** Throws ENOSPC. */
  async expectRoom(path: string): Promise<void> {
    if (this.isOff || (await this.#hooks.hasRoomFor(relative(this.root, path)))) return;
    throw noRoom(path);
  }

  async sync(path: string, node: Node): Promise<void> {
    if (this.isOff) return;
    const name = relative(this.root, path);
    await this.#hooks.beforeSync(name);
    try {
      await this.expectRoom(path);
    } catch (error) {
      dropWrites(node);
      // Disks are read past the cache: what is compared with them is not there any more.
      if (node.kind === 'file' && isDisk(path)) writeFileSync(path, contentOf(node, EVERYTHING));
      throw error;
    }
    if (!this.#hooks.isIgnored(name)) makeDurable(node);
  }

  remove(path: string, node: Node): void {
    if (node.kind === 'folder') {
      for (const [name, child] of node.now) this.remove(join(path, name), child);
    } else {
      this.#hooks.onRemoval();
    }
    this.enter(path, null);
  }

  async pause(): Promise<void> {
    if (!this.isOff) await this.#hooks.onPause();
  }
}

/** `node:fs/promises` for tests: what happens in a recorded folder is recorded, and nothing waits for a real disk. */
export class RecordingFiles {
  readonly #real: typeof Files;
  #recorded: RecordedFolder | null = null;

  constructor(real: typeof Files) {
    this.#real = real;
  }

  record(folder: RecordedFolder | null): void {
    this.#recorded = folder;
  }

  /** In place of a pause. */
  async pause(): Promise<void> {
    await this.#recorded?.pause();
  }

  get module(): Partial<typeof Files> {
    return {
      ...this.#real,
      open: this.#open.bind(this) as typeof Files.open,
      rename: this.#rename.bind(this) as typeof Files.rename,
      rm: this.#rm.bind(this) as typeof Files.rm,
      mkdir: this.#mkdir.bind(this) as typeof Files.mkdir,
      copyFile: this.#copyFile.bind(this) as typeof Files.copyFile,
    };
  }

  async #open(path: string, flags: string | number): Promise<Files.FileHandle> {
    const recorded = this.#of(path);
    let node = recorded?.find(path);
    if (node === undefined && flags !== 'r') await recorded?.expectRoom(path);
    const handle = await this.#real.open(path, flags);
    if (recorded === null) return withoutSync(handle);
    if (node === undefined) {
      node = aFile();
      recorded.enter(path, node);
    }
    if (node.kind === 'file' && flags === 'w') node.unsynced.push({ kind: 'size', lengthBytes: 0 });
    return recordingHandle(handle, { recorded, path, node });
  }

  async #rename(from: string, to: string): Promise<void> {
    await this.#real.rename(from, to);
    this.#of(from)?.rename(from, to);
  }

  async #copyFile(from: string, to: string): Promise<void> {
    await this.#of(to)?.expectRoom(to);
    await this.#real.copyFile(from, to);
    const bytes = readFileSync(to);
    const node = aFile();
    node.unsynced.push({ kind: 'write', offset: 0, bytes });
    this.#of(to)?.enter(to, node);
  }

  async #mkdir(path: string, options: { readonly recursive: true }): Promise<void> {
    const recorded = this.#of(path);
    if (recorded?.find(path) === undefined) await recorded?.expectRoom(path);
    await this.#real.mkdir(path, options);
    if (recorded === null) return;
    const missing: string[] = [];
    for (let each = path; recorded.find(each) === undefined; each = dirname(each))
      missing.push(each);
    for (const each of missing.toReversed()) recorded.enter(each, aFolder());
  }

  async #rm(path: string, options: { recursive?: boolean; force?: boolean }): Promise<void> {
    await this.#real.rm(path, options);
    const recorded = this.#of(path);
    const node = recorded?.find(path);
    if (recorded !== null && node !== undefined) recorded.remove(path, node);
  }

  #of(path: string): RecordedFolder | null {
    const recorded = this.#recorded;
    if (recorded === null || recorded.isOff) return null;
    const isWithin = path === recorded.root || path.startsWith(recorded.root + sep);
    return isWithin ? recorded : null;
  }
}

function withoutSync(handle: Files.FileHandle): Files.FileHandle {
  return Object.assign(handle, { sync: async () => undefined, datasync: async () => undefined });
}

interface Opened {
  readonly recorded: RecordedFolder;
  readonly path: string;
  readonly node: Node;
}

function recordingHandle(handle: Files.FileHandle, opened: Opened): Files.FileHandle {
  const { recorded, path, node } = opened;
  const sync = async (): Promise<void> => recorded.sync(path, node);
  const own: Record<string, unknown> =
    node.kind === 'folder'
      ? { sync }
      : { sync, datasync: sync, ...writesOf(handle, { recorded, path, node }) };
  return new Proxy(handle, {
    get: (target, name) => {
      if (typeof name === 'string' && name in own) return own[name];
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

function writesOf(
  handle: Files.FileHandle,
  { recorded, path, node }: Opened & { readonly node: FileNode },
): Record<string, unknown> {
  const put = async (
    bytes: Uint8Array,
    at: number,
    length: number,
    offset: number,
  ): Promise<unknown> => {
    const result = await handle.write(bytes, at, length, offset);
    const written = Buffer.from(bytes.subarray(at, at + result.bytesWritten));
    node.unsynced.push({ kind: 'write', offset, bytes: written });
    return result;
  };
  const write: typeof put = async (bytes, at, length, offset) => {
    try {
      await recorded.expectRoom(path);
    } catch (error) {
      // As much of it as there was room for: whole pages.
      const fitting = Math.floor(length / 2 / PAGE_BYTES) * PAGE_BYTES;
      if (fitting > 0) await put(bytes, at, fitting, offset);
      throw error;
    }
    return put(bytes, at, length, offset);
  };
  return {
    write,
    writeFile: async (text: string) => write(Buffer.from(text), 0, Buffer.byteLength(text), 0),
    truncate: async (lengthBytes: number) => {
      await handle.truncate(lengthBytes);
      node.unsynced.push({ kind: 'size', lengthBytes });
    },
  };
}
