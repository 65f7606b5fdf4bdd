import { existsSync, mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ReplicationFolder } from '../../../agents/master-target/replication-folder.ts';
import { runCommand } from '../data-plane/command-context.ts';
import { must } from '../must.ts';
import type { JournalCode } from './journal-code.ts';
import { BLANK_DISK, DISK_IDS, SIZES } from './source-machine.ts';
import { type ModelPoint, REPLICATION_ID, send, type Transfer } from './transfer.ts';

export const MAX_POINTS = 3;
export const RETENTION = { maxPoints: MAX_POINTS, maxAgeHours: 24 };

/** One start of the master target: its commands, on what lies in a folder. */
export interface Machine {
  readonly code: JournalCode;
  readonly root: string;
  readonly folder: ReplicationFolder;
}

export function machineAt(code: JournalCode, root: string): Machine {
  const folder = new code.ReplicationFolder(join(root, 'retention'), REPLICATION_ID);
  return { code, root, folder };
}

export const diskFile = (root: string, diskId: string): string => join(root, `${diskId}.raw`);

/** In memory where the system has such a folder: hundreds of them are made and thrown away. */
export function newRoot(): string {
  return mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'power-cut-'));
}

export async function openDisks({ root, folder }: Machine): Promise<void> {
  const disks = DISK_IDS.map((diskId) => ({
    diskId,
    sizeBytes: must(SIZES[diskId], diskId),
    device: { kind: 'file', path: diskFile(root, diskId) } as const,
    isBlank: diskId === BLANK_DISK,
  }));
  await folder.writeDisks(disks, true);
}

/** No files of a way back, nor of a transfer, are left. */
export function expectNothingSpent({ folder }: Machine): void {
  const names = readdirSync(folder.folder, { recursive: true, encoding: 'utf8' });
  const spent = names.filter((name) => /\.(undo|redo|next)$/.test(name));
  if (spent.length > 0) throw new Error(`still there: ${spent.join(' ')}`);
}

/** What retention leaves of them: the oldest go first, and none behind one that is kept. */
export function stayingOf(
  points: readonly ModelPoint[],
  maxPoints: number,
  keepPointId: string | null,
): readonly ModelPoint[] {
  let staying = points;
  while (staying.length > maxPoints && staying[0]?.pointId !== keepPointId) {
    staying = staying.slice(1);
  }
  return staying;
}

/** Receives what is not durable yet, and makes room as a session does; no more than `most` lanes of it. */
export async function receive(
  { code, folder }: Machine,
  transfer: Transfer,
  { keepPointId, most }: { readonly keepPointId: string | null; readonly most?: number },
): Promise<void> {
  await code.withBackoff(
    async () => {
      try {
        await send(code, folder, transfer, most);
      } catch (error) {
        if (codeOf(error) === 'ENOSPC') await makeRoom({ code, folder }, MAX_POINTS, keepPointId);
        throw error;
      }
    },
    { firstMs: 1, maxMs: 1, isWorthRetrying: (error) => isWantOfRoom(codeOf(error)) },
  );
}

export async function makeRoom(
  { code, folder }: Pick<Machine, 'code' | 'folder'>,
  maxPoints: number,
  keepPointId: string | null,
): Promise<void> {
  await code.makeRoom(folder, { ...RETENTION, maxPoints, ...keeping(keepPointId) });
}

/** Returns the points that can be gone back to. */
export async function seal(
  machine: Machine,
  { point, disks }: Transfer,
  keepPointId: string | null = null,
): Promise<readonly string[]> {
  const { retainedPointIds } = await runCommand(handlersOf(machine), 'sealRecoveryPoint', {
    replicationId: REPLICATION_ID,
    pointId: point.pointId,
    diskIds: disks.map(({ diskId }) => diskId),
    takenAt: new Date().toISOString(),
    consistency: 'crashConsistent',
    ...keeping(keepPointId),
  });
  return retainedPointIds;
}

export async function rewind(machine: Machine, pointId: string): Promise<void> {
  const replicationId = REPLICATION_ID;
  await runCommand(handlersOf(machine), 'rewindToPoint', { replicationId, pointId });
}

export async function discard(machine: Machine): Promise<void> {
  const replicationId = REPLICATION_ID;
  await runCommand(handlersOf(machine), 'discardUnsealed', { replicationId });
}

export async function forgetOlder(machine: Machine): Promise<void> {
  const replicationId = REPLICATION_ID;
  await runCommand(handlersOf(machine), 'forgetOlderPoints', { replicationId });
}

export async function forget(machine: Machine): Promise<void> {
  const replicationId = REPLICATION_ID;
  await runCommand(handlersOf(machine), 'closeTarget', { replicationId, forget: true });
}

export function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}

/** The volume is there whenever the machine is: its mark is durable before anything else is. */
const there = async (): Promise<void> => undefined;
const MOUNTED = { wait: there, claim: there, expectThere: there };

/** A command runs in a program that was just started: nothing is remembered from one to the next. */
export function handlersOf({
  code,
  root,
}: Machine): ReturnType<JournalCode['createMasterTargetHandlers']> {
  return code.createMasterTargetHandlers({
    retentionFolder: join(root, 'retention'),
    dataFolder: root,
    volume: MOUNTED,
    retention: RETENTION,
    osType: 'Linux',
    gate: new code.ReplicationGate(),
    transferAddress: { host: '127.0.0.1', port: 9443 },
    prepareScript: join(root, 'prepare-linux.sh'),
  });
}

function keeping(keepPointId: string | null): { readonly keepPointId?: string } {
  return keepPointId === null ? {} : { keepPointId };
}

function isWantOfRoom(code: unknown): boolean {
  return code === 'ENOSPC' || code === 'FB-JRN-014';
}
