import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectTcp, type Socket } from 'node:net';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ReplicationFolder } from '../../../agents/master-target/replication-folder.ts';
import { ReplicationGate } from '../../../agents/master-target/replication-gate.ts';
import {
  startTransferServer,
  type TransferServer,
} from '../../../agents/master-target/transfer-server.ts';
import { Activity } from '../../../agents/runtime/queue-pace.ts';
import { loggerInto } from '../../support/data-plane/command-context.ts';
import { type LabSite, startLabSite } from '../../support/data-plane/lab-site.ts';
import { aDataFrame, RawPeer } from '../../support/data-plane/raw-peer.ts';

const SIZE_BYTES = 1024 * 1024;

let site: LabSite;
let folder: string;

beforeAll(async () => {
  site = await startLabSite();
  folder = mkdtempSync(join(tmpdir(), 'connections-'));
  const device = { kind: 'file', path: join(folder, 'disk.raw') } as const;
  writeFileSync(device.path, Buffer.alloc(SIZE_BYTES));
  const disk = { diskId: 'os', sizeBytes: SIZE_BYTES, device, isBlank: true };
  await new ReplicationFolder(folder, 'web-01').writeDisks([disk], true);
});
afterAll(async () => {
  await site.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function aServer(parts: { readonly helloMs?: number } = {}): Promise<TransferServer> {
  return startTransferServer({
    listen: { host: '127.0.0.1', port: 0 },
    tls: await site.certificate('masterTarget'),
    activity: new Activity(),
    sessions: {
      folderOf: (id) => new ReplicationFolder(folder, id),
      gate: new ReplicationGate(),
      volume: { expectThere: async () => undefined },
      retention: { maxPoints: 1, maxAgeHours: 24 },
      log: loggerInto([]),
      ...parts,
    },
  });
}

async function aPeer({ port }: TransferServer): Promise<RawPeer> {
  return RawPeer.connect(port, await site.certificate('processServer'));
}

/** Both are an end: without a word, or as a connection that was reset. */
const ended = async (peer: RawPeer): Promise<string> =>
  peer.refusal().then(
    () => 'ended',
    () => 'ended',
  );

/** Connects and never begins the handshake. */
async function silentSocket({ port }: TransferServer): Promise<Socket> {
  const socket = connectTcp(port, '127.0.0.1');
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.once('connect', resolve));
  return socket;
}

describe('a peer that connects', () => {
  it('and never says who it is does not stay', async () => {
    const server = await aServer({ helloMs: 50 });
    try {
      expect(await ended(await aPeer(server))).toBe('ended');
    } finally {
      await server.stop();
    }
  });

  it('and said who it is may take its time', async () => {
    const server = await aServer({ helloMs: 1000 });
    const peer = await aPeer(server);
    try {
      await peer.hello({ replicationId: 'web-01', sizeBytes: SIZE_BYTES });
      await peer.answer();
      await new Promise((resolve) => setTimeout(resolve, 1500));
      await peer.hello({ replicationId: 'web-01', sizeBytes: SIZE_BYTES });
      expect((await peer.refusal())?.message).toContain('a frame of another type than 3');
    } finally {
      peer.close();
      await server.stop();
    }
  });
});

describe('a master target that stops', () => {
  it('ends all connections, whatever they were about, and takes no new ones', async () => {
    const server = await aServer();
    const silent = await silentSocket(server);
    const connected = await aPeer(server);
    const greeted = await aPeer(server);
    const names = { replicationId: 'web-01', sizeBytes: SIZE_BYTES };
    await greeted.hello(names);
    await greeted.answer();
    const sending = await aPeer(server);
    await sending.hello(names);
    await sending.answer();
    await sending.begin('full', SIZE_BYTES);
    await sending.frames(aDataFrame(0, 0));
    const silentEnded = new Promise((resolve) => silent.once('close', () => resolve('ended')));
    const stopped = server.stop();
    await expect(aPeer(server)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await stopped;
    const ends = [silentEnded, ended(connected), ended(greeted), ended(sending)];
    expect(await Promise.all(ends)).toEqual(['ended', 'ended', 'ended', 'ended']);
  });
});
