import 'reflect-metadata';
import { webcrypto, X509Certificate } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import * as x509 from '@peculiar/x509';
import { CertificateAuthority } from '../../../agents/configuration-server/certificate-authority.ts';
import { ReplicationFolder } from '../../../agents/master-target/replication-folder.ts';
import { ControlPlaneClient } from '../../../agents/runtime/control-plane-client.ts';
import { enrol, type TlsMaterial } from '../../../agents/runtime/enrolment.ts';
import type { CommandHandlers } from '../../../agents/runtime/types.ts';
import { Secret } from '../../../shared/domain/secret.ts';
import { errorRecord } from '../../../shared/errors/failback-error.ts';
import { failure, success } from '../../../shared/errors/result.ts';
import { AgentProcess, PASSPHRASE } from '../../support/control-plane/agent-process.ts';
import { ControlPlane, REGISTRATION_TOKEN } from '../../support/control-plane/control-plane.ts';
import { untilTrue } from '../../support/control-plane/until.ts';
import { startWorker, type Worker } from '../../support/control-plane/worker.ts';
import { must } from '../../support/must.ts';

const DAY_MS = 24 * 3_600_000;

let plane: ControlPlane;
let folder: string;
let workers: Worker[];
let stopping: AbortController;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'enrolment-'));
  plane = await ControlPlane.start();
  workers = [];
  stopping = new AbortController();
});
afterEach(async () => {
  stopping.abort();
  await Promise.all(workers.map((worker) => worker.stop()));
  await AgentProcess.killAll();
  await plane.stop();
  rmSync(folder, { recursive: true, force: true });
});

function configurationServer(config: object = {}, name = 'site'): AgentProcess {
  return AgentProcess.start({
    program: 'agents/configuration-server/main.ts',
    folder,
    name,
    controlPlane: plane,
    config: { mobility: { port: 0 }, hypervisor: { kind: 'local', folder: 'vms' }, ...config },
  });
}

function processServer(config: object = {}, name = 'ps'): AgentProcess {
  const program = 'agents/process-server/main.ts';
  return AgentProcess.start({ program, folder, name, controlPlane: plane, config });
}

const tlsFile = (name = 'ps'): string => join(folder, `data-${name}`, 'tls.json');
const material = (name = 'ps'): TlsMaterial =>
  JSON.parse(readFileSync(tlsFile(name), 'utf8')) as TlsMaterial;

/** A configuration server in this process, as far as certificates go. */
async function signer(name = 'site', passphrase = PASSPHRASE): Promise<void> {
  const dataFolder = join(folder, name);
  mkdirSync(dataFolder);
  const authority = await CertificateAuthority.open(dataFolder, new Secret(passphrase));
  const handlers: CommandHandlers = {
    issueCertificate: async (input) => success(await authority.issue(input)),
  };
  workers.push(await startWorker({ controlPlane: plane, dataFolder, handlers, name }));
}

/** What the runtime does for an agent of this name at its start. */
async function enrolled(
  name: string,
  { passphrase = PASSPHRASE, site }: { passphrase?: string; site?: string } = {},
): Promise<TlsMaterial> {
  const dataFolder = join(folder, `data-${name}`);
  mkdirSync(dataFolder, { recursive: true });
  const { signal } = stopping;
  const client = new ControlPlaneClient(plane.url, signal);
  const agent = { kind: 'processServer', name, version: '1' } as const;
  await client.register(agent, new Secret(REGISTRATION_TOKEN));
  return enrol({
    client,
    dataFolder,
    agentName: name,
    passphrase: new Secret(passphrase),
    configurationServer: site,
    signal,
  });
}

/** Good for another nineteen of its sixty days. */
async function anOldCertificate(): Promise<string> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=ps',
    keys,
    signingAlgorithm: algorithm,
    notBefore: new Date(Date.now() - 41 * DAY_MS),
    notAfter: new Date(Date.now() + 19 * DAY_MS),
  });
  return certificate.toString('pem');
}

describe('an agent that needs a certificate', () => {
  it('gets one of its site for its own key, and keeps it for itself', async () => {
    await configurationServer().ready();
    await processServer().ready();
    const { certificatePem, caPem, keyPem } = material();
    const certificate = new X509Certificate(certificatePem);
    expect(certificate.verify(new X509Certificate(caPem).publicKey)).toBe(true);
    expect(certificate.subject).toContain('CN=ps');
    expect(statSync(tlsFile()).mode & 0o077).toBe(0);
    const told = JSON.stringify([plane.seen, await plane.stores.commands.list()]);
    for (const secret of [PASSPHRASE, keyPem, JSON.stringify(keyPem).slice(1, -1), 'PRIVATE KEY']) {
      expect(told).not.toContain(secret);
    }
  });

  it('waits until there is a configuration server', async () => {
    const waiting = enrolled('early');
    await untilTrue('it is told to wait', () =>
      plane.seen.some(({ path, status }) => path.endsWith('/certificate') && status >= 400),
    );
    await signer();
    expect((await waiting).certificatePem).toContain('BEGIN CERTIFICATE');
  });

  it('goes on with the certificate it has', async () => {
    await signer();
    const before = await enrolled('ps');
    const asked = plane.count(/certificate$/);
    expect(await enrolled('ps')).toEqual(before);
    expect(plane.count(/certificate$/)).toBe(asked);
  });

  it('gets a new one when two thirds of the life of its own are over', async () => {
    await signer();
    const known = await enrolled('ps');
    const old = { ...known, certificatePem: await anOldCertificate() };
    writeFileSync(tlsFile(), JSON.stringify(old));
    const { certificatePem } = await enrolled('ps');
    const validTo = Date.parse(new X509Certificate(certificatePem).validTo);
    expect(validTo).toBeGreaterThan(Date.now() + 30 * DAY_MS);
    expect(material().certificatePem).toBe(certificatePem);
  });

  it('ends with what to do when the passphrase is not that of the site', async () => {
    await signer();
    const agent = processServer({ passphrase: 'something else' }, 'stranger');
    expect(await agent.ended).toBe(1);
    expect(agent.output).toContain('FB-AGENT-006');
    expect(agent.output).not.toContain('something else');
    expect(existsSync(tlsFile('stranger'))).toBe(false);
  });

  it.each([
    ['empty', ''],
    ['cut short', '{"keyPem":"-----BEGIN'],
    ['full of nonsense', JSON.stringify({ keyPem: 'a', certificatePem: 'b', caPem: 'c' })],
  ])('gets a new one when its file is %s', async (_name, text) => {
    await signer();
    const before = await enrolled('ps');
    writeFileSync(tlsFile(), text);
    const after = await enrolled('ps');
    expect(after.certificatePem).not.toBe(before.certificatePem);
    expect(material()).toEqual(after);
  });

  it('is told why it gets none when that is not the passphrase', async () => {
    const error = errorRecord('FB-AGENT-010', { command: 'issueCertificate' });
    const handlers: CommandHandlers = { issueCertificate: async () => failure(error) };
    const dataFolder = join(folder, 'site');
    mkdirSync(dataFolder);
    const worker = { controlPlane: plane, dataFolder, handlers, name: 'site' };
    workers.push(await startWorker(worker));
    await expect(enrolled('ps')).rejects.toMatchObject({
      code: 'FB-AGENT-010',
      values: { command: 'issueCertificate' },
    });
  });

  it('takes no certificate from somebody in between who does not know the passphrase', async () => {
    await signer();
    const forged = { state: 'issued', certificatePem: 'a', caPem: 'b', proof: 'c' };
    plane.fault = (_method, path) =>
      path.endsWith('/certificate') ? { status: 200, body: JSON.stringify(forged) } : null;
    await expect(enrolled('deceived')).rejects.toMatchObject({ code: 'FB-AGENT-007' });
    expect(existsSync(tlsFile('deceived'))).toBe(false);
  });

  it('asks the configuration server of its site where there are several', async () => {
    await signer('site-a');
    await signer('site-b', 'of site b');
    const b = await enrolled('ps-of-b', { passphrase: 'of site b', site: 'site-b' });
    const a = await enrolled('ps-of-a', { site: 'site-a' });
    expect(a.caPem).not.toBe(b.caPem);
    const signers = (await plane.stores.commands.list()).map(({ agentId }) => agentId);
    expect(signers.sort()).toEqual(['cs-site-a', 'cs-site-b']);
  });
});

describe('a configuration server that starts', () => {
  it('ends with what to do when the port of the mobility agents is taken', async () => {
    const port = Number(new URL(plane.url).port);
    const agent = configurationServer({ mobility: { port } });
    expect(await agent.ended).toBe(1);
    expect(agent.output).toContain(`The port ${port} is in use`);
  });

  it('names everything that is wrong in its file', async () => {
    const agent = configurationServer({ mobility: { port: -1 }, hypervisor: { kind: 'xen' } });
    expect(await agent.ended).toBe(1);
    expect(agent.output).toMatch(/mobility\.port.*hypervisor\.kind/);
  });

  it('keeps its VMs in the folder beside its file', async () => {
    await configurationServer().ready();
    expect(existsSync(join(folder, 'vms'))).toBe(true);
  });
});

describe('a master target that starts', () => {
  const masterTarget = (config: object): AgentProcess => {
    const program = 'agents/master-target/main.ts';
    const complete = { retentionFolder: 'retention', ...config };
    return AgentProcess.start({
      program,
      folder,
      name: 'mt',
      controlPlane: plane,
      config: complete,
    });
  };

  it('tells where process servers reach it', async () => {
    await signer();
    await masterTarget({ listen: { port: 0 }, advertisedHost: 'mt.site.example' }).ready();
    const { value } = must(await plane.stores.agents.get('mt-mt'), 'the record of the agent');
    expect(value.address).toEqual({ host: 'mt.site.example', port: expect.any(Number) });
    expect(value.load).toMatchObject({ openReplications: 0, attachedDiskCount: 0 });
  });

  it('is there before its retention volume is mounted, says so, and puts nothing in its place', async () => {
    await signer();
    const reached = { listen: { port: 0 }, advertisedHost: 'mt.site.example' };
    const retention = join(folder, 'retention');
    await new ReplicationFolder(retention, 'web-01').writeDisks([], true);
    await (await masterTarget(reached).ready()).stop();
    renameSync(retention, `${retention}.away`);
    const agent = await masterTarget(reached).ready();
    expect(agent.output).toContain(
      `The retention volume of the master target is not at ${retention}`,
    );
    expect(agent.output).toContain('how busy this program is could not be found out');
    expect(existsSync(retention)).toBe(false);
    await new ReplicationFolder(`${retention}.away`, 'web-02').writeDisks([], true);
    renameSync(`${retention}.away`, retention);
    await untilTrue('it tells how busy it is', async () => {
      const record = await plane.stores.agents.get('mt-mt');
      return record?.value.load?.openReplications === 2;
    });
  });

  it('ends with what to do when nobody could reach it', async () => {
    const agent = masterTarget({ listen: { port: 0 } });
    expect(await agent.ended).toBe(1);
    expect(agent.output).toMatch(/FB-AGENT-002.*advertisedHost/);
    expect(plane.count(/^\/api\/agents$/)).toBe(0);
  });
});
