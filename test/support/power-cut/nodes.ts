import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Random } from '../data-plane/random.ts';

/** Hardware writes sectors whole. */
const SECTOR_BYTES = 512;

export type Change =
  | { readonly kind: 'write'; readonly offset: number; readonly bytes: Buffer }
  | { readonly kind: 'size'; readonly lengthBytes: number };

/** What a name in a folder stands for from now on; `null` = nothing. A rename is two that happen at once. */
type Entries = readonly (readonly [name: string, node: Node | null])[];

export interface FileNode {
  readonly kind: 'file';
  durable: Buffer;
  /** In the order in which they were made. */
  unsynced: Change[];
}

export interface FolderNode {
  readonly kind: 'folder';
  durable: Map<string, Node>;
  readonly now: Map<string, Node>;
  unsynced: Entries[];
}

export type Node = FileNode | FolderNode;

/** Which of the things that were never made durable are there after the cut. */
export interface Survivors {
  entries(entries: Entries): boolean;
  /** What is left of a change, which may be a part of it. */
  change(change: Change): Change | null;
}

export const NOTHING_UNSYNCED: Survivors = { entries: () => false, change: () => null };
export const EVERYTHING: Survivors = { entries: () => true, change: (change) => change };
/** Of what was never made durable, only that files went: the worst where something took their place. */
const ONLY_REMOVALS: Survivors = { entries: isRemoval, change: () => null };
/** Nothing went, and all that came is there: the worst where nobody must find what was thrown away. */
export const NO_REMOVALS: Survivors = {
  entries: (entries) => !isRemoval(entries),
  change: (change) => change,
};

/** Any of them, in any combination, and writes in part. */
export function someOf(random: Random): Survivors {
  return {
    entries: () => random.below(2) === 0,
    change: (change) => {
      const fate = random.below(4);
      if (fate === 0) return null;
      if (fate === 1 || change.kind === 'size') return change;
      const sectors = Math.floor(change.bytes.length / SECTOR_BYTES);
      const cut = random.below(sectors + 1) * SECTOR_BYTES;
      return fate === 2
        ? { ...change, bytes: change.bytes.subarray(0, cut) }
        : { kind: 'write', offset: change.offset + cut, bytes: change.bytes.subarray(cut) };
    },
  };
}

/** One of each: the four ends, and something in between. */
export function kindsOfSurvivors(random: Random): readonly Survivors[] {
  return [NOTHING_UNSYNCED, ONLY_REMOVALS, NO_REMOVALS, EVERYTHING, someOf(random)];
}

/** Takes what lies in a real folder as durable. */
export function nodeOf(folder: string): FolderNode {
  const entries = readdirSync(folder, { withFileTypes: true }).map((entry): [string, Node] => {
    const path = join(folder, entry.name);
    return [entry.name, entry.isDirectory() ? nodeOf(path) : aFile(readFileSync(path))];
  });
  return { kind: 'folder', durable: new Map(entries), now: new Map(entries), unsynced: [] };
}

export function aFile(durable: Buffer = Buffer.alloc(0)): FileNode {
  return { kind: 'file', durable, unsynced: [] };
}

export function aFolder(): FolderNode {
  return { kind: 'folder', durable: new Map(), now: new Map(), unsynced: [] };
}

export function enter(folder: FolderNode, entries: Entries): void {
  setAll(folder.now, entries);
  folder.unsynced.push(entries);
}

export function makeDurable(node: Node): void {
  if (node.kind === 'file') node.durable = contentOf(node, EVERYTHING);
  else for (const entries of node.unsynced) setAll(node.durable, entries);
  node.unsynced = [];
}

/** What was written and could not be made durable: the system may drop it, and say nothing the next time. */
export function dropWrites(node: Node): void {
  if (node.kind === 'file') node.unsynced = node.unsynced.filter(({ kind }) => kind === 'size');
}

/** Makes real files of what is there after the cut. */
export function build(node: FolderNode, folder: string, survivors: Survivors): void {
  mkdirSync(folder, { recursive: true });
  const entries = new Map(node.durable);
  for (const unsynced of node.unsynced) if (survivors.entries(unsynced)) setAll(entries, unsynced);
  for (const [name, child] of entries) {
    const path = join(folder, name);
    if (child.kind === 'folder') build(child, path, survivors);
    else writeFileSync(path, contentOf(child, survivors));
  }
}

function setAll(names: Map<string, Node>, entries: Entries): void {
  for (const [name, node] of entries) {
    if (node === null) names.delete(name);
    else names.set(name, node);
  }
}

export function contentOf({ durable, unsynced }: FileNode, survivors: Survivors): Buffer {
  let content = durable;
  for (const change of unsynced) {
    const left = survivors.change(change);
    if (left !== null) content = changed(content, left);
  }
  return content;
}

function isRemoval(entries: Entries): boolean {
  return entries.every(([, node]) => node === null);
}

/** Never in place: the same bytes may be durable. */
function changed(content: Buffer, change: Change): Buffer {
  const end = change.kind === 'size' ? change.lengthBytes : change.offset + change.bytes.length;
  const lengthBytes = change.kind === 'size' ? end : Math.max(content.length, end);
  const next = Buffer.alloc(lengthBytes);
  content.copy(next);
  if (change.kind === 'write') change.bytes.copy(next, change.offset);
  return next;
}
