import type { Duplex } from 'node:stream';
import { encodeJson, encodeTransfer } from '../../shared/contracts/transfer-codec.ts';
import {
  type AnyFrame,
  beginSchema,
  CREDIT_BYTES,
  FRAME,
  FrameFault,
  type Hello,
  helloSchema,
  MAX_DIGESTS,
} from '../../shared/contracts/transfer-protocol.ts';
import { errorRecord, FailbackError } from '../../shared/errors/failback-error.ts';
import { FrameStream } from '../runtime/frame-stream.ts';
import type { Logger } from '../runtime/types.ts';
import { LaneReceiver } from './lane-receiver.ts';
import { answerTo, beginStaging, diskOf } from './staging.ts';
import type { ReplicationFolder } from './replication-folder.ts';
import type { ReplicationGate, SessionRights } from './replication-gate.ts';
import { makeRoom, type RetentionPolicy } from './retention.ts';
import type { RetentionVolume } from './retention-volume.ts';
import { asJournalError, isFull } from './storage-error.ts';
import { TargetDisk } from './target-disk.ts';

/**
 * How long a peer that connected may take to say who it is. Between its hello and its begin it lists what is on the
 * disk, which takes as long as it takes; there it holds nothing that another one waits for.
 */
const HELLO_MS = 30_000;
/** How long a peer that was refused may take to notice. */
const LAST_WORDS_MS = 2000;
/** Credit is given back in steps of so many bytes. */
const CREDIT_STEP_BYTES = CREDIT_BYTES / 8;

export interface SessionParts {
  readonly folderOf: (replicationId: string) => ReplicationFolder;
  readonly gate: ReplicationGate;
  readonly retention: RetentionPolicy;
  readonly volume: Pick<RetentionVolume, 'expectThere'>;
  readonly log: Logger;
  /** Default: half a minute. */
  readonly helloMs?: number;
}

/** Serves one connection of a process server to its end; never throws. */
export async function serveConnection(socket: Duplex, parts: SessionParts): Promise<void> {
  const stream = new FrameStream(socket);
  let volume = '';
  try {
    const hello = await helloOf(stream, parts);
    volume = parts.folderOf(hello.replicationId).folder;
    await parts.volume.expectThere();
    await parts.gate.session({
      hello,
      close: () => stream.close(),
      work: async (rights) => serveDiskOrMakeRoom({ stream, hello, rights }, parts),
    });
  } catch (error) {
    parts.log.warn('a transfer ended early', { reason: String(error) });
    await refuse(stream, asJournalError(error, volume));
    await stream.drain(LAST_WORDS_MS);
  } finally {
    stream.close();
  }
}

async function helloOf(stream: FrameStream, { helloMs = HELLO_MS }: SessionParts): Promise<Hello> {
  const timer = setTimeout(() => stream.close(), helloMs);
  try {
    return helloSchema.parse(jsonOf(await stream.receive(), FRAME.hello));
  } finally {
    clearTimeout(timer);
  }
}

interface Served {
  readonly stream: FrameStream;
  readonly hello: Hello;
  readonly rights: SessionRights;
}

/** The process server comes again by and by: then there is room, if older points could make some. */
async function serveDiskOrMakeRoom(served: Served, parts: SessionParts): Promise<void> {
  try {
    await serveDisk(served, parts);
  } catch (error) {
    const { replicationId, keepPointId } = served.hello;
    const retention = { ...parts.retention, keepPointId };
    const folder = parts.folderOf(replicationId);
    if (isFull(error)) await served.rights.critical(async () => makeRoom(folder, retention));
    throw error;
  }
}

async function serveDisk({ stream, hello, rights }: Served, parts: SessionParts): Promise<void> {
  const folder = parts.folderOf(hello.replicationId);
  const disk = await diskOf(folder, hello);
  const answer = await rights.critical(async () => answerTo(folder, hello, disk));
  await stream.send(encodeJson(FRAME.helloAnswer, answer));
  const first = await stream.receive();
  // A process server that only wanted to know closes here.
  if (first === null) return;
  const begin = beginSchema.parse(jsonOf(first, FRAME.begin));
  rights.claimLane(begin.lane);
  const staged = await rights.critical(async () => beginStaging(folder, { hello, disk, begin }));
  const receiver = await LaneReceiver.open({ folder, disk, staged, lane: begin.lane });
  const { diskId, device, sizeBytes } = disk;
  const target = await TargetDisk.open(diskId, device, { sizeBytes, isReadOnly: true });
  try {
    await receiveLane(stream, receiver, target);
  } finally {
    await receiver.close();
    await target.close();
  }
  // The process server closes when it has read that the lane is finished.
  if (receiver.isFinished) await stream.receive();
}

async function receiveLane(
  stream: FrameStream,
  receiver: LaneReceiver,
  target: TargetDisk,
): Promise<void> {
  let owed = 0;
  for (;;) {
    const frame = await stream.receive();
    if (frame === null) return;
    if (frame.type === FRAME.digestQuery && 'count' in frame) {
      await answerDigests(stream, target, frame);
      continue;
    }
    if (!('sequence' in frame)) throw new FrameFault(`an unexpected frame of type ${frame.type}`);
    const watermark = await receiver.take(frame);
    owed += frame.type === FRAME.data ? frame.payload.length : 0;
    if (owed >= CREDIT_STEP_BYTES) {
      await stream.send(encodeJson(FRAME.credit, { bytes: owed }));
      owed = 0;
    }
    if (watermark === null) continue;
    await stream.send(encodeJson(FRAME.ack, { watermark }));
    if (!receiver.isFinished) continue;
    await stream.send(encodeJson(FRAME.finished, {}));
    return;
  }
}

async function answerDigests(
  stream: FrameStream,
  target: TargetDisk,
  { block, count }: { readonly block: number; readonly count: number },
): Promise<void> {
  if (count < 1 || count > MAX_DIGESTS) throw new FrameFault(`a question for ${count} digests`);
  const digests = await target.digests(block, count);
  await stream.send(...encodeTransfer({ type: FRAME.digestAnswer, block, digests }));
}

function jsonOf(frame: AnyFrame | null, type: number): unknown {
  if (frame === null || !('json' in frame) || frame.type !== type) {
    throw new FrameFault(`a frame of another type than ${type}`);
  }
  return frame.json;
}

async function refuse(stream: FrameStream, error: unknown): Promise<void> {
  const record =
    error instanceof FailbackError
      ? error.toRecord()
      : error instanceof FrameFault
        ? errorRecord('FB-DATA-006', { fault: error.message })
        : errorRecord('FB-DATA-006', { fault: 'the connection broke or its frames make no sense' });
  await stream.send(encodeJson(FRAME.refusal, { error: record })).catch(() => undefined);
}
