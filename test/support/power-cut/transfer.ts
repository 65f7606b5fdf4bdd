import { readFileSync } from 'node:fs';
import type { JournalCode } from './journal-code.ts';
import type { StagedDisk } from '../../../agents/master-target/journal-records.ts';
import type { ReplicationFolder } from '../../../agents/master-target/replication-folder.ts';
import { digestOf, isZero } from '../../../agents/runtime/block-bytes.ts';
import {
  FRAME,
  type Hello,
  type Lane,
  PROTOCOL_VERSION,
  type TransferFrame,
} from '../../../shared/contracts/transfer-protocol.ts';
import type { TargetDevice } from '../../../shared/contracts/commands.ts';
import { BLOCK_BYTES } from '../../../shared/domain/page-ranges.ts';
import type { Random } from '../data-plane/random.ts';
import { must } from '../must.ts';

const SECTOR_BYTES = 512;
export const REPLICATION_ID = 'web-01';

/** Bytes of each disk. */
export type Contents = ReadonlyMap<string, Buffer>;

export interface ModelPoint {
  readonly pointId: string;
  readonly contents: Contents;
}

interface Piece {
  readonly offset: number;
  readonly length: number;
  readonly kind: 'data' | 'zero' | 'compared';
}

interface DiskTransfer {
  readonly diskId: string;
  readonly mode: StagedDisk['mode'];
  readonly lanes: readonly Lane[];
  readonly pieces: readonly Piece[];
  readonly next: Buffer;
}

/** What a process server sends for one point; the same again after a power cut. */
export interface Transfer {
  readonly point: ModelPoint;
  readonly disks: readonly DiskTransfer[];
}

/** Lanes of a disk: the first has two, so that they are durable at different moments. */
export function lanesOf(diskId: string, sizeBytes: number): readonly Lane[] {
  if (diskId !== 'os') return [{ start: 0, end: sizeBytes }];
  return [
    { start: 0, end: BLOCK_BYTES },
    { start: BLOCK_BYTES, end: sizeBytes },
  ];
}

/** All blocks of a disk, compared with what lies there when they are sent. */
export function comparison(diskId: string, next: Buffer): DiskTransfer {
  const pieces: Piece[] = [];
  for (let offset = 0; offset < next.length; offset += BLOCK_BYTES) {
    const length = Math.min(BLOCK_BYTES, next.length - offset);
    pieces.push({ offset, length, kind: 'compared' });
  }
  return { diskId, mode: 'checksum', lanes: lanesOf(diskId, next.length), pieces, next };
}

/** A new disk: what reads as zeros there stays so without a word. */
export function firstCopy(diskId: string, next: Buffer): DiskTransfer {
  const all = comparison(diskId, next);
  const pieces = all.pieces.filter(
    ({ offset, length }) => !isZero(next.subarray(offset, offset + length)),
  );
  return { ...all, mode: 'full', pieces };
}

/** Some changes anywhere, of single sectors and of more than a block. */
export function delta(diskId: string, old: Buffer, random: Random): DiskTransfer {
  const next = Buffer.from(old);
  const lanes = lanesOf(diskId, old.length);
  const pieces: Piece[] = [];
  const sectors = old.length / SECTOR_BYTES;
  for (let at = random.below(sectors / 2); at < sectors;) {
    const longest = random.below(3) === 0 ? sectors : 40;
    const count = Math.min(sectors - at, 1 + random.below(longest));
    const range = { offset: at * SECTOR_BYTES, length: count * SECTOR_BYTES };
    const kind = random.below(3) === 0 ? 'zero' : 'data';
    if (kind === 'zero') next.fill(0, range.offset, range.offset + range.length);
    else random.bytes(range.length).copy(next, range.offset);
    pieces.push(...cut({ ...range, kind }, lanes));
    at += count + 1 + random.below(sectors);
  }
  return { diskId, mode: 'delta', lanes, pieces, next };
}

/** Data stays within a block, everything within a lane. */
function cut({ offset, length, kind }: Piece, lanes: readonly Lane[]): Piece[] {
  const pieces: Piece[] = [];
  const end = offset + length;
  for (let at = offset; at < end;) {
    const lane = must(
      lanes.find((each) => at >= each.start && at < each.end),
      'a lane for every byte',
    );
    const block = (Math.floor(at / BLOCK_BYTES) + 1) * BLOCK_BYTES;
    const border = Math.min(end, lane.end, kind === 'data' ? block : lane.end);
    pieces.push({ offset: at, length: border - at, kind });
    at = border;
  }
  return pieces;
}

interface Sent {
  readonly piece: Piece;
  readonly sequence: number;
  readonly next: Buffer;
  readonly device: TargetDevice;
}

function frameOf({ piece, sequence, next, device }: Sent): TransferFrame {
  const { offset, length, kind } = piece;
  const payload = next.subarray(offset, offset + length);
  const digest = digestOf(payload);
  const zero = { type: FRAME.zero, sequence, offset, length } as const;
  if (kind === 'zero') return zero;
  if (kind === 'compared') {
    const path = device.kind === 'file' ? device.path : '';
    const there = readFileSync(path).subarray(offset, offset + length);
    const block = offset / BLOCK_BYTES;
    if (there.equals(payload)) return { type: FRAME.same, sequence, block, digest };
    if (isZero(payload)) return zero;
  }
  return { type: FRAME.data, sequence, offset, length, isCompressed: false, digest, payload };
}

/** Sends what is not durable at the target yet, or no more than `most` lanes of it. */
export async function send(
  code: JournalCode,
  folder: ReplicationFolder,
  { point, disks }: Transfer,
  most = Infinity,
): Promise<void> {
  let count = 0;
  for (const { diskId, mode, lanes, pieces, next } of disks) {
    const hello: Hello = {
      protocolVersion: PROTOCOL_VERSION,
      attemptId: 'attempt-1',
      replicationId: REPLICATION_ID,
      pointId: point.pointId,
      diskId,
      sizeBytes: next.length,
      blockBytes: BLOCK_BYTES,
      snapshotName: `${point.pointId}-${diskId}`,
    };
    const disk = await code.diskOf(folder, hello);
    const begin = { mode, lanes: [...lanes], lane: 0 };
    const staged = await code.beginStaging(folder, { hello, disk, begin });
    for (const [lane, { start, end }] of lanes.entries()) {
      count += 1;
      if (count > most) return;
      const { isFinished, watermark } = await folder.stagedLane(diskId, lane, start);
      if (isFinished) continue;
      const receiver = await code.LaneReceiver.open({ folder, disk, staged, lane });
      try {
        let sequence = 0;
        for (const piece of pieces) {
          if (piece.offset < Math.max(start, watermark) || piece.offset >= end) continue;
          await receiver.take(frameOf({ piece, sequence, next, device: disk.device }));
          const offset = piece.offset + piece.length;
          await receiver.take({ type: FRAME.checkpoint, sequence: sequence + 1, offset });
          sequence += 2;
        }
        await receiver.take({ type: FRAME.finish, sequence });
      } finally {
        await receiver.close();
      }
    }
  }
}
