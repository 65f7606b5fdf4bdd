import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import * as x509 from '@peculiar/x509';
import { CertificateAuthority } from '../../../agents/configuration-server/certificate-authority.ts';
import { ReplicationFolder } from '../../../agents/master-target/replication-folder.ts';
import { ReplicationGate } from '../../../agents/master-target/replication-gate.ts';
import { startTransferServer } from '../../../agents/master-target/transfer-server.ts';
import { createTlsTransport } from '../../../agents/process-server/tls-transport.ts';
import { CertificateKeeper } from '../../../agents/runtime/certificate-keeper.ts';
import { ControlPlaneClient } from '../../../agents/runtime/control-plane-client.ts';
import type { TlsMaterial } from '../../../agents/runtime/enrolment.ts';
import { Activity } from '../../../agents/runtime/queue-pace.ts';
import type { AgentKind } from '../../../shared/contracts/agent-protocol.ts';
import { Secret } from '../../../shared/domain/secret.ts';
import { success } from '../../../shared/errors/result.ts';
import { ControlPlane, REGISTRATION_TOKEN } from '../../support/control-plane/control-plane.ts';
import { untilTrue } from '../../support/control-plane/until.ts';
import { loggerOf, startWorker, type Worker } from '../../support/control-plane/worker.ts';

const PASSPHRASE = new Secret('of the site');
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 24 * 3_600_000;

let plane: ControlPlane;
let folder: string;
let authority: CertificateAuthority;
let site: Worker;
let stopping: AbortController;
let running: Promise<unknown>[];
let lines: string[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'renewal-'));
  plane = await ControlPlane.start();
  stopping = new AbortController();
  running = [];
  lines = [];
  authority = await CertificateAuthority.open(folder, PASSPHRASE);
  site = await startWorker({
    controlPlane: plane,
    dataFolder: folder,
    handlers: { issueCertificate: async (input) => success(await authority.issue(input)) },
    name: 'site',
  });
});
afterEach(async () => {
  stopping.abort();
  await Promise.all(running);
  await site.stop();
  await plane.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Kept {
  readonly keeper: CertificateKeeper;
  readonly file: string;
  /** A day goes by, and the look at the certificate behind it too. */
  day(): Promise<void>;
}

/** An agent's certificate with days that go by when the test says so. */
async function kept(kind: AgentKind, name: string): Promise<Kept> {
  const dataFolder = join(folder, name);
  mkdirSync(dataFolder);
  const { signal } = stopping;
  const client = new ControlPlaneClient(plane.url, signal);
  await client.register({ kind, name, version: '1' }, new Secret(REGISTRATION_TOKEN));
  let pauses = 0;
  let over = (): void => undefined;
  const keeper = await CertificateKeeper.start({
    client,
    dataFolder,
    agentName: name,
    passphrase: PASSPHRASE,
    configurationServer: undefined,
    signal,
    log: loggerOf(lines),
    pause: async () => {
      pauses += 1;
      await new Promise<void>((resolve) => {
        over = resolve;
        signal.addEventListener('abort', () => resolve());
      });
    },
  });
  running.push(keeper.keepFresh());
  return {
    keeper,
    file: join(dataFolder, 'tls.json'),
    day: async () => {
      const before = pauses;
      over();
      await untilTrue('the certificate was looked at', () => pauses > before);
    },
  };
}

/** The file as it is when the certificate in it is so many of its ninety days old. */
async function age({ file }: Kept, days: number): Promise<void> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=old',
    keys,
    signingAlgorithm: ALGORITHM,
    notBefore: new Date(Date.now() - days * DAY_MS),
    notAfter: new Date(Date.now() + (90 - days) * DAY_MS),
  });
  const material = JSON.parse(readFileSync(file, 'utf8')) as TlsMaterial;
  writeFileSync(file, JSON.stringify({ ...material, certificatePem: certificate.toString('pem') }));
}

describe('the certificate of an agent that runs', () => {
  it('is renewed once two thirds of its life are over, and not before', async () => {
    const agent = await kept('processServer', 'ps');
    const first = agent.keeper.current;
    const heard: TlsMaterial[] = [];
    agent.keeper.onRenewal((material) => heard.push(material));
    const asked = plane.count(/certificate$/);
    await agent.day();
    expect(plane.count(/certificate$/)).toBe(asked);
    expect(agent.keeper.current).toBe(first);
    await age(agent, 61);
    await agent.day();
    const second = agent.keeper.current;
    expect(second.certificatePem).not.toBe(first.certificatePem);
    expect(second.keyPem).not.toBe(first.keyPem);
    expect(heard).toEqual([second]);
    expect(JSON.parse(readFileSync(agent.file, 'utf8'))).toEqual(second);
  });

  it('stays what it is when the renewal is refused, and is renewed a day later', async () => {
    const agent = await kept('processServer', 'ps');
    const first = agent.keeper.current;
    await age(agent, 61);
    const body = JSON.stringify({ code: 'FB-REQ-001', detail: 'not now' });
    plane.fault = (_method, path) => (path.endsWith('/certificate') ? { status: 400, body } : null);
    await agent.day();
    expect(agent.keeper.current).toBe(first);
    expect(lines.join('\n')).toMatch(/could not be renewed.*FB-REQ-001 not now/);
    plane.fault = () => null;
    await agent.day();
    expect(agent.keeper.current.certificatePem).not.toBe(first.certificatePem);
  });

  it('is in the next connection on both sides, and open connections go on', async () => {
    const target = await kept('masterTarget', 'mt');
    const source = await kept('processServer', 'ps');
    const sessions = {
      folderOf: (id: string) => new ReplicationFolder(join(folder, 'retention'), id),
      gate: new ReplicationGate(),
      volume: { expectThere: async () => undefined },
      retention: { maxPoints: 1, maxAgeHours: 24 },
      log: loggerOf(lines),
    };
    const listen = { host: '127.0.0.1', port: 0 };
    const server = await startTransferServer({
      listen,
      tls: target.keeper.current,
      sessions,
      activity: new Activity(),
    });
    target.keeper.onRenewal((material) => server.renew(material));
    const connect = async (): Promise<TLSSocket> => {
      const transport = createTlsTransport(source.keeper.current);
      return (await transport.connect('127.0.0.1', server.port)) as TLSSocket;
    };
    const open: TLSSocket[] = [];
    try {
      open.push(await connect());
      await age(target, 61);
      await age(source, 61);
      await target.day();
      await source.day();
      open.push(await connect());
      const [before, after] = open.map((socket) => ({
        peer: socket.getPeerCertificate().fingerprint256,
        own: (socket.getCertificate() as { fingerprint256: string }).fingerprint256,
      }));
      expect(after?.peer).not.toBe(before?.peer);
      expect(after?.own).not.toBe(before?.own);
      expect(open.map((socket) => socket.destroyed)).toEqual([false, false]);
    } finally {
      for (const socket of open) {
        if (socket.destroyed) continue;
        socket.destroy();
        await once(socket, 'close');
      }
      await server.stop();
    }
  });
});
