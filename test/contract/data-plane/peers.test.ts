import { createHash } from 'node:crypto';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTlsTransport } from '../../../agents/process-server/tls-transport.ts';
import type { TlsMaterial } from '../../../agents/runtime/enrolment.ts';
import { Activity } from '../../../agents/runtime/queue-pace.ts';
import { startTransferServer } from '../../../agents/master-target/transfer-server.ts';
import { ReplicationFolder } from '../../../agents/master-target/replication-folder.ts';
import { ReplicationGate } from '../../../agents/master-target/replication-gate.ts';
import { encodeJson, encodeTransfer } from '../../../shared/contracts/transfer-codec.ts';
import {
  CREDIT_BYTES,
  type DigestFrame,
  FRAME,
  MAX_DIGESTS,
  MAX_FRAME_BYTES,
  PROTOCOL_VERSION,
  type TransferFrame,
} from '../../../shared/contracts/transfer-protocol.ts';
import { BLOCK_BYTES } from '../../../shared/domain/page-ranges.ts';
import { loggerInto } from '../../support/data-plane/command-context.ts';
import { LabDisk } from '../../support/data-plane/lab-disk.ts';
import { LabReplication } from '../../support/data-plane/lab-replication.ts';
import { type LabSite, startLabSite } from '../../support/data-plane/lab-site.ts';
import { aDataFrame, RawPeer, type Refusal } from '../../support/data-plane/raw-peer.ts';
import { useLab } from '../../support/data-plane/use-lab.ts';

const SIZE_BYTES = 1024 * 1024;

const lab = useLab();
let elsewhere: LabSite;
let replication: LabReplication;
let tls: TlsMaterial;

beforeAll(async () => {
  elsewhere = await startLabSite();
  const source = await LabDisk.create(lab.storage, SIZE_BYTES);
  replication = await LabReplication.open({ site: lab.site, source });
  tls = await lab.site.certificate('processServer');
});

afterAll(async () => elsewhere.stop());

/** Connects without looking at who answers, says hello, and tells what came back before the end. */
async function bytesAnsweredTo(material: TlsMaterial | null): Promise<number> {
  const socket = connect({
    host: '127.0.0.1',
    port: replication.masterTarget.port,
    rejectUnauthorized: false,
    ...(material === null ? {} : { key: material.keyPem, cert: material.certificatePem }),
  });
  let received = 0;
  socket.on('data', (chunk: Buffer) => {
    received += chunk.length;
  });
  socket.on('error', () => undefined);
  socket.once('secureConnect', () => {
    const { replicationId } = replication;
    const names = {
      attemptId: 'attempt-1',
      replicationId,
      pointId: 'point-1',
      diskId: 'os',
      snapshotName: 'snapshot-1',
    };
    const numbers = {
      protocolVersion: PROTOCOL_VERSION,
      sizeBytes: SIZE_BYTES,
      blockBytes: 256 * 1024,
    };
    socket.write(encodeJson(FRAME.hello, { ...names, ...numbers }));
  });
  await new Promise((resolve) => socket.once('close', resolve));
  return received;
}

describe('who may connect to a master target', () => {
  it.each([
    ['without a certificate', async () => null, /without a valid certificate/],
    [
      'with a certificate of another site',
      async () => elsewhere.certificate('processServer'),
      /without a valid certificate/,
    ],
    [
      'with a certificate of another role',
      async () => lab.site.certificate('masterTarget'),
      /without a valid certificate|no process server/,
    ],
  ])('is nobody %s', async (_name, material, warning) => {
    const known = lab.site.warnings.length;
    expect(await bytesAnsweredTo(await material())).toBe(0);
    expect(lab.site.warnings.slice(known).join('\n')).toMatch(warning);
  });

  it('is a process server of the site', async () => {
    const peer = await RawPeer.connect(replication.masterTarget.port, tls);
    const { replicationId } = replication;
    await peer.hello({ replicationId, sizeBytes: SIZE_BYTES });
    expect(await peer.answer()).toEqual({
      sealed: null,
      isBlank: true,
      resume: null,
      creditBytes: CREDIT_BYTES,
    });
    peer.close();
  });
});

describe('whom a process server talks to', () => {
  it('is no master target of another site', async () => {
    const stranger = await elsewhere.startMasterTarget();
    const attempt = createTlsTransport(tls).connect('127.0.0.1', stranger.port);
    await expect(attempt).rejects.toMatchObject({ code: expect.stringMatching(/SIGN|VERIFY/) });
  });

  it('is nobody of the site who is no master target', async () => {
    const log = loggerInto([]);
    const server = await startTransferServer({
      listen: { host: '127.0.0.1', port: 0 },
      tls: await lab.site.certificate('processServer'),
      activity: new Activity(),
      sessions: {
        folderOf: (id) => new ReplicationFolder(lab.site.retentionFolder, id),
        gate: new ReplicationGate(),
        volume: { expectThere: async () => undefined },
        retention: { maxPoints: 1, maxAgeHours: 24 },
        log,
      },
    });
    try {
      const attempt = createTlsTransport(tls).connect('127.0.0.1', server.port);
      await expect(attempt).rejects.toThrow(/purpose|not a master target/);
    } finally {
      await server.stop();
    }
  });
});

/** What the master target says to these frames after a proper hello and begin. */
async function refusalOf(...frames: readonly Uint8Array[]): Promise<Refusal | null> {
  const peer = await RawPeer.connect(replication.masterTarget.port, tls);
  try {
    await peer.hello({ replicationId: replication.replicationId, sizeBytes: SIZE_BYTES });
    await peer.answer();
    await peer.begin('full', SIZE_BYTES);
    await peer.send(...frames);
    return await peer.refusal();
  } finally {
    peer.close();
  }
}

const bytesOf = (frame: TransferFrame | DigestFrame): Uint8Array =>
  Buffer.concat(encodeTransfer(frame));
const zeroFrame = (sequence: number, offset: number, length: number): Uint8Array =>
  bytesOf({ type: FRAME.zero, sequence, offset, length });
const rawFrame = (type: number, length: number, body = Buffer.alloc(0)): Uint8Array => {
  const bytes = Buffer.alloc(5 + body.length);
  bytes.writeUInt32BE(length);
  bytes[4] = type;
  body.copy(bytes, 5);
  return bytes;
};

const REPLAYED = 'another frame than the one that came before';
const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();

describe('frames that must not be', () => {
  const first = bytesOf(aDataFrame(0, BLOCK_BYTES));
  const anotherContent = Buffer.alloc(BLOCK_BYTES, 9);
  const another = { payload: anotherContent, digest: sha256(anotherContent) };
  const part = {
    length: 4096,
    payload: Buffer.alloc(4096, 1),
    digest: sha256(Buffer.alloc(4096, 1)),
  };
  it.each([
    ['replayed with other bytes', [first, bytesOf(aDataFrame(0, BLOCK_BYTES, another))], REPLAYED],
    [
      'replayed and damaged',
      [first, bytesOf(aDataFrame(0, BLOCK_BYTES, { payload: another.payload }))],
      'a payload that does not fit its digest',
    ],
    ['replayed elsewhere', [first, bytesOf(aDataFrame(0, 2 * BLOCK_BYTES))], REPLAYED],
    ['replayed as zeros', [first, zeroFrame(0, BLOCK_BYTES, BLOCK_BYTES)], REPLAYED],
    ['out of order', [bytesOf(aDataFrame(1, 0))], 'a frame out of order'],
    ['left out', [first, zeroFrame(2, 2 * BLOCK_BYTES, BLOCK_BYTES)], 'a frame out of order'],
    ['going back', [first, zeroFrame(1, 0, BLOCK_BYTES)], 'an offset that goes back'],
    [
      'past the end with data',
      [bytesOf(aDataFrame(0, SIZE_BYTES))],
      'a range past the end of the disk',
    ],
    [
      'past the end with zeros',
      [zeroFrame(0, 0, SIZE_BYTES + BLOCK_BYTES)],
      'a range past the end of the disk',
    ],
    [
      'damaged',
      [bytesOf(aDataFrame(0, 0, { payload: Buffer.alloc(BLOCK_BYTES, 9) }))],
      'a payload that does not fit its digest',
    ],
    [
      'of another length than they say',
      [bytesOf(aDataFrame(0, 0, { length: 4096 }))],
      'a payload of the wrong length',
    ],
    [
      'over the border of a block',
      [bytesOf(aDataFrame(0, 4096))],
      'data of more than one block in a frame',
    ],
    [
      'a part of a block in a full copy',
      [bytesOf(aDataFrame(0, 0, part))],
      'a part of a block where only whole ones may come',
    ],
    [
      'said to be compressed but not',
      [bytesOf(aDataFrame(0, 0, { isCompressed: true }))],
      'a payload that cannot be decompressed',
    ],
    [
      'a question for too many digests',
      [bytesOf({ type: FRAME.digestQuery, block: 0, count: MAX_DIGESTS + 1 })],
      `a question for ${MAX_DIGESTS + 1} digests`,
    ],
    ['of an unknown type', [rawFrame(99, 2, Buffer.from('{}'))], 'unknown frame type 99'],
    [
      'too large',
      [rawFrame(FRAME.data, MAX_FRAME_BYTES + 1)],
      `a frame of ${MAX_FRAME_BYTES + 1} bytes is too large`,
    ],
    ['too short', [rawFrame(FRAME.zero, 3, Buffer.alloc(3))], 'a truncated zero frame'],
    ['of a conversation', [encodeJson(FRAME.ack, { watermark: 1 })], 'unexpected frame of type 9'],
  ])('are refused by name: %s', async (_name, frames, fault) => {
    const refusal = await refusalOf(...frames);
    expect(refusal?.code).toBe('FB-DATA-006');
    expect(refusal?.message).toContain(fault);
  });

  it('leave nothing behind that could be sealed', async () => {
    await refusalOf(first, zeroFrame(0, 0, BLOCK_BYTES));
    await expect(replication.seal('point-1')).rejects.toMatchObject({ code: 'FB-JRN-002' });
  });
});

describe('a hello that does not fit', () => {
  async function refusalOfHello(hello: Partial<Parameters<RawPeer['hello']>[0]>): Promise<Refusal> {
    const peer = await RawPeer.connect(replication.masterTarget.port, tls);
    const { replicationId } = replication;
    await peer.hello({ replicationId, sizeBytes: SIZE_BYTES, ...hello });
    const refusal = await peer.refusal();
    peer.close();
    return refusal ?? { code: 'none', message: '' };
  }

  it.each([
    ['a replication that is not open', { replicationId: 'nobody-knows' }, 'FB-JRN-001', ''],
    ['a disk that is not part of it', { diskId: 'lun-7' }, 'FB-JRN-001', ''],
    ['another size', { sizeBytes: SIZE_BYTES * 2 }, 'FB-JRN-005', String(SIZE_BYTES * 2)],
    ['another block size', { blockBytes: 4096 }, 'FB-DATA-006', 'another block size'],
    ['a path in place of a name', { diskId: '../../secret' }, 'FB-DATA-006', ''],
  ])('is refused: %s', async (_name, hello, code, text) => {
    const refusal = await refusalOfHello(hello);
    expect(refusal.code).toBe(code);
    expect(refusal.message).toContain(text);
  });

  it('is refused when the conversation begins with something else', async () => {
    const peer = await RawPeer.connect(replication.masterTarget.port, tls);
    await peer.begin('full', SIZE_BYTES);
    expect((await peer.refusal())?.message).toContain('a frame of another type than 1');
    peer.close();
  });
});

describe('lanes that must not be', () => {
  it.each([
    [
      'leave a gap',
      [
        { start: 0, end: BLOCK_BYTES },
        { start: 2 * BLOCK_BYTES, end: SIZE_BYTES },
      ],
    ],
    [
      'begin inside a block',
      [
        { start: 0, end: 512 },
        { start: 512, end: SIZE_BYTES },
      ],
    ],
    ['end before the disk', [{ start: 0, end: SIZE_BYTES / 2 }]],
    [
      'are not in order',
      [
        { start: SIZE_BYTES / 2, end: SIZE_BYTES },
        { start: 0, end: 512 },
      ],
    ],
  ])('are refused when they %s', async (_name, lanes) => {
    const peer = await RawPeer.connect(replication.masterTarget.port, tls);
    const { replicationId } = replication;
    await peer.hello({ replicationId, sizeBytes: SIZE_BYTES, pointId: 'other-point' });
    await peer.answer();
    await peer.send(encodeJson(FRAME.begin, { mode: 'full', lanes, lane: 0 }));
    expect((await peer.refusal())?.message).toContain('lanes that do not cover the disk in order');
    peer.close();
  });
});

describe('two connections for one disk', () => {
  const begun = async (attemptId: string): Promise<RawPeer> => {
    const peer = await RawPeer.connect(replication.masterTarget.port, tls);
    await peer.hello({
      replicationId: replication.replicationId,
      sizeBytes: SIZE_BYTES,
      attemptId,
    });
    await peer.answer();
    await peer.begin('full', SIZE_BYTES);
    return peer;
  };

  it('end with the newer attempt in charge', async () => {
    const older = await begun('attempt-1');
    const newer = await begun('attempt-2');
    await expect(older.refusal().catch(() => null)).resolves.toBeNull();
    await newer.frames({ type: FRAME.finish, sequence: 1 });
    expect((await newer.refusal())?.message).toContain('a frame out of order');
    [older, newer].forEach((peer) => peer.close());
  });

  it('of one attempt cannot serve the same lane', async () => {
    const first = await begun('attempt-3');
    await first.frames(aDataFrame(0, 0));
    const second = await begun('attempt-3');
    expect((await second.refusal())?.message).toContain('a lane that another connection serves');
    [first, second].forEach((peer) => peer.close());
  });
});
