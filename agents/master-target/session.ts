import type { Duplex } from 'node:stream';
import {
  beginSchema,
  encodeJson,
  FRAME,
  FrameFault,
  type Hello,
  type HelloAnswer,
  helloSchema,
} from '../../shared/contracts/transfer-protocol.ts';
import { BLOCK_BYTES } from '../../shared/domain/page-ranges.ts';
import { errorRecord, FailbackError } from '../../shared/errors/failback-error.ts';
import { type AnyFrame, FrameStream } from '../runtime/frame-stream.ts';
import type { Logger } from '../runtime/types.ts';
import { DiskReceiver } from './disk-receiver.ts';
import { type DiskRecord, ReplicationFolder } from './replication-folder.ts';
import { asJournalError } from './storage-error.ts';

/** One disk at a time belongs to one connection; a newer connection takes over. */
export class Sessions {
  readonly #retentionFolder: string;
  readonly #log: Logger;
  readonly #open = new Map<string, { close(): void; ended: Promise<void> }>();

  constructor(retentionFolder: string, log: Logger) {
    this.#retentionFolder = retentionFolder;
    this.#log = log;
  }

  /** Serves a connection to its end; never throws. */
  async serve(socket: Duplex): Promise<void> {
    const stream = new FrameStream(socket);
    try {
      await this.#serve(stream);
    } catch (error) {
      this.#log.warn('a transfer ended early', { reason: String(error) });
      await refuse(stream, asJournalError(error));
    } finally {
      stream.close();
    }
  }

  /** Ends the connections of a replication, so that nothing writes to it any more. */
  async closeAll(replicationId?: string): Promise<void> {
    const affected = [...this.#open].filter(
      ([key]) => replicationId === undefined || key.startsWith(`${replicationId}/`),
    );
    for (const [, session] of affected) session.close();
    await Promise.all(affected.map(([, session]) => session.ended));
  }

  async #serve(stream: FrameStream): Promise<void> {
    const hello = helloSchema.parse(jsonOf(await stream.receive(), FRAME.hello));
    const key = `${hello.replicationId}/${hello.diskId}`;
    const before = this.#open.get(key);
    before?.close();
    await before?.ended;
    let end: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const session = { close: () => stream.close(), ended };
    this.#open.set(key, session);
    try {
      await receiveDisk(stream, hello, this.#retentionFolder);
    } finally {
      if (this.#open.get(key) === session) this.#open.delete(key);
      end();
    }
  }
}

async function receiveDisk(
  stream: FrameStream,
  hello: Hello,
  retentionFolder: string,
): Promise<void> {
  const folder = new ReplicationFolder(retentionFolder, hello.replicationId);
  const disk = await diskOf(folder, hello);
  const sealed = await folder.sealed();
  const answer = await answerTo(folder, hello, disk);
  await stream.send(encodeJson(FRAME.helloAnswer, answer));
  const first = await stream.receive();
  // A process server that only wanted to know closes here.
  if (first === null) return;
  const { mode } = beginSchema.parse(jsonOf(first, FRAME.begin));
  const options = { folder, disk, hello, mode, isSealed: sealed !== null };
  const receiver = await DiskReceiver.open(options);
  try {
    for (;;) {
      const frame = await stream.receive();
      if (frame === null) return;
      if ('json' in frame) throw new FrameFault(`an unexpected frame of type ${frame.type}`);
      const watermark = await receiver.take(frame);
      if (watermark === null) continue;
      await stream.send(encodeJson(FRAME.ack, { watermark }));
      if (!receiver.isFinished) continue;
      await stream.send(encodeJson(FRAME.finished, {}));
      await stream.receive();
      return;
    }
  } finally {
    await receiver.close();
  }
}

async function diskOf(folder: ReplicationFolder, hello: Hello): Promise<DiskRecord> {
  const { replicationId, diskId, sizeBytes, blockBytes } = hello;
  if (!folder.exists) throw new FailbackError('FB-JRN-001', { replicationId });
  const disk = (await folder.disks()).find((each) => each.diskId === diskId);
  if (disk === undefined) throw new FailbackError('FB-JRN-001', { replicationId });
  if (disk.sizeBytes !== sizeBytes) {
    const values = { diskId, actualBytes: disk.sizeBytes, neededBytes: sizeBytes };
    throw new FailbackError('FB-JRN-005', values);
  }
  if (blockBytes !== BLOCK_BYTES) throw new FrameFault('another block size than ours');
  return disk;
}

async function answerTo(
  folder: ReplicationFolder,
  hello: Hello,
  disk: DiskRecord,
): Promise<HelloAnswer> {
  const sealed = await folder.sealed();
  const staged = await folder.staged(disk.diskId);
  const isSamePoint = staged?.pointId === hello.pointId;
  return {
    sealedSnapshotName: sealed?.snapshotNames[disk.diskId] ?? null,
    // Bytes of another point may lie on the disk; those of this one are overwritten or kept.
    isBlank: disk.isBlank && sealed === null && (staged === null || isSamePoint),
    resume: isSamePoint
      ? { watermark: staged.watermark, mode: staged.mode, isFinished: staged.isFinished }
      : null,
  };
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
