import 'reflect-metadata';
import { mkdtempSync, rmSync } from 'node:fs';
import { createHmac, webcrypto, X509Certificate } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import * as x509 from '@peculiar/x509';
import { CertificateAuthority } from '../../../agents/configuration-server/certificate-authority.ts';
import { certificateAnswerSchema } from '../../../shared/contracts/agent-protocol.ts';
import type { CommandInput } from '../../../shared/contracts/commands.ts';
import { Secret } from '../../../shared/domain/secret.ts';
import { FailbackError } from '../../../shared/errors/failback-error.ts';
import { failure, type Result, success } from '../../../shared/errors/result.ts';
import { AGENT_KEY, anAgent } from '../../support/memory/builders.ts';
import { type Called, callRoute, problemOf } from '../../support/memory/call-route.ts';
import { aWorld, type MemoryWorld, stateOf } from '../../support/memory/memory-world.ts';
import { must } from '../../support/must.ts';

const PASSPHRASE = 'only the site knows this';
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

let world: MemoryWorld;
let folder: string;
let authority: CertificateAuthority;

const hmac = (key: string, text: string): string =>
  createHmac('sha256', key).update(text).digest('hex');

async function requestOf(name: string, passphrase = PASSPHRASE) {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const options = { name: `CN=${name}`, keys, signingAlgorithm: ALGORITHM };
  const csrPem = (await x509.Pkcs10CertificateRequestGenerator.create(options)).toString('pem');
  return { csrPem, csrProof: hmac(passphrase, `csr:${csrPem}`) };
}

function ask(body: unknown, agentId = 'mt-mt1'): Promise<Called> {
  const headers = { authorization: `Bearer ${AGENT_KEY}` };
  return callRoute(world, 'agentCertificate', { params: { agentId }, headers, body });
}

/** The configuration server does the commands that are open. */
async function sign(): Promise<void> {
  for (const command of world.stores.commands.all()) {
    if (command.result !== null) continue;
    expect(command.agentId).toBe('cs-cs1');
    const input = command.input as CommandInput<'issueCertificate'>;
    world.stores.commands.put({ ...command, result: await resultOf(input) });
  }
}

async function resultOf(input: CommandInput<'issueCertificate'>): Promise<Result<unknown>> {
  try {
    return success(await authority.issue(input));
  } catch (error) {
    if (error instanceof FailbackError) return failure(error.toRecord());
    throw error;
  }
}

beforeEach(async () => {
  world = aWorld();
  folder = mkdtempSync(join(tmpdir(), 'certificate-'));
  authority = await CertificateAuthority.open(folder, new Secret(PASSPHRASE));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('POST /api/agents/{agentId}/certificate', () => {
  it('passes the request on to the configuration server and is pending until that answered', async () => {
    const request = await requestOf('mt1');
    const answer = await ask(request);
    expect(answer.status).toBe(202);
    expect(certificateAnswerSchema.parse(answer.json)).toEqual({ state: 'pending' });
    expect(world.stores.commands.all()).toMatchObject([
      {
        agentId: 'cs-cs1',
        name: 'issueCertificate',
        input: { agentName: 'mt1', agentKind: 'masterTarget', ...request },
        instanceId: '',
      },
    ]);
    expect(world.queues.messages).toHaveLength(1);
  });

  it('answers with a certificate that the authority signed for exactly this agent', async () => {
    const request = await requestOf('mt1');
    await ask(request);
    await sign();
    const answer = await ask(request);
    expect(answer.status).toBe(200);
    const issued = certificateAnswerSchema.parse(answer.json);
    if (issued.state !== 'issued') throw new Error(`expected a certificate, got ${issued.state}`);
    const certificate = new X509Certificate(issued.certificatePem);
    const ca = new X509Certificate(issued.caPem);
    expect(certificate.verify(ca.publicKey)).toBe(true);
    expect(certificate.subject).toContain('CN=mt1');
    expect(certificate.subjectAltName).toBe('DNS:mt1');
    expect(issued.proof).toBe(hmac(PASSPHRASE, `cert:${issued.certificatePem}${issued.caPem}`));
  });

  it('asked again and again, sends one command only and answers the same', async () => {
    const request = await requestOf('mt1');
    await ask(request);
    await ask(request);
    expect(world.queues.messages).toHaveLength(1);
    await sign();
    const first = await ask(request);
    expect((await ask(request)).json).toEqual(first.json);
    expect(world.stores.commands.all()).toHaveLength(1);
  });

  it('asks again, also a new configuration server, where the first did not answer in time', async () => {
    const request = await requestOf('mt1');
    await ask(request);
    const command = must(world.stores.commands.all()[0], 'the command');
    world.stores.commands.put({ ...command, agentId: 'cs-gone' });
    world.clock.advance(Date.parse(command.deadlineAt) - world.clock.now().getTime());
    expect(certificateAnswerSchema.parse((await ask(request)).json)).toEqual({ state: 'pending' });
    expect(world.queues.messages).toHaveLength(2);
    const again = must(world.stores.commands.all()[0], 'the command');
    expect(again.agentId).toBe('cs-cs1');
    expect(Date.parse(again.deadlineAt)).toBeGreaterThan(Date.parse(command.deadlineAt));
    await sign();
    expect((await ask(request)).status).toBe(200);
    expect(world.queues.messages).toHaveLength(2);
  });

  it('refuses an agent that does not know the passphrase', async () => {
    const request = await requestOf('mt1', 'a guess');
    await ask(request);
    await sign();
    const answer = certificateAnswerSchema.parse((await ask(request)).json);
    expect(answer).toMatchObject({
      state: 'refused',
      error: { code: 'FB-AGENT-006', values: { agentName: 'mt1' } },
    });
  });

  it('refuses a proof that was made for another request', async () => {
    const [mine, other] = [await requestOf('mt1'), await requestOf('mt1')];
    const replayed = { csrPem: mine.csrPem, csrProof: other.csrProof };
    await ask(replayed);
    await sign();
    expect(certificateAnswerSchema.parse((await ask(replayed)).json).state).toBe('refused');
  });

  it('refuses a request in another name than the caller’s, whoever knows the passphrase', async () => {
    const request = await requestOf('cs1');
    await ask(request);
    await sign();
    const answer = await ask(request);
    expect(certificateAnswerSchema.parse(answer.json)).toMatchObject({
      state: 'refused',
      error: { code: 'FB-AGENT-012', values: { agentName: 'mt1' } },
    });
    expect(JSON.stringify(answer.json)).not.toContain('CERTIFICATE-----');
  });

  it('does not give one agent the certificate that another one asked for', async () => {
    world.stores.agents.put(anAgent({ id: 'ps-one', kind: 'processServer', name: 'one' }));
    const request = await requestOf('mt1');
    await ask(request);
    await sign();
    expect(certificateAnswerSchema.parse((await ask(request, 'ps-one')).json).state).toBe(
      'pending',
    );
    expect(world.stores.commands.all()).toHaveLength(2);
  });

  it('asks the configuration server that the agent names', async () => {
    const server = { kind: 'configurationServer', address: null } as const;
    world.stores.agents.put(anAgent({ ...server, id: 'cs-cs2', name: 'cs2' }));
    await ask({ ...(await requestOf('mt1')), configurationServer: 'cs2' });
    expect(world.queues.messages.map(({ agentId }) => agentId)).toEqual(['cs-cs2']);
  });

  it.each([
    ['the one that is named is not registered', { configurationServer: 'nobody' }],
    ['none is registered', {}],
  ])('says so when %s', async (_when, named) => {
    const { stores } = world;
    world = aWorld();
    if (!('configurationServer' in named)) {
      const [server] = stores.agents.all();
      expect(server?.id).toBe('cs-cs1');
      world.stores.agents.put(anAgent({ id: 'cs-cs1', name: 'x' }));
    }
    const before = stateOf(world);
    const answer = await ask({ ...(await requestOf('mt1')), ...named });
    expect(problemOf(answer).code).toBe('FB-ORC-010');
    expect(stateOf(world)).toEqual(before);
  });

  it('does not let a configuration server sign for itself', async () => {
    const answer = await ask(await requestOf('cs1'), 'cs-cs1');
    expect(problemOf(answer)).toMatchObject({ status: 401, code: 'FB-REQ-006' });
    expect(world.stores.commands.all()).toEqual([]);
  });

  it('names the faults of its body by path', async () => {
    const problem = problemOf(await ask({ csrPem: 'x'.repeat(9000), configurationServer: '/' }));
    expect(problem.status).toBe(400);
    expect(problem.problems?.map(({ path }) => path).toSorted()).toEqual([
      'configurationServer',
      'csrPem',
      'csrProof',
    ]);
  });

  it('never carries the passphrase or a private key through the control plane', async () => {
    await ask(await requestOf('mt1'));
    await sign();
    const text = JSON.stringify(stateOf(world));
    expect(text).not.toContain(PASSPHRASE);
    expect(text).not.toContain('PRIVATE KEY');
  });
});
