import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createLabCertificates } from '../../../local/tls/create-certificate.ts';
import { errorRecord } from '../../../shared/errors/failback-error.ts';
import { failure, success } from '../../../shared/errors/result.ts';
import { AgentProcess } from '../../support/control-plane/agent-process.ts';
import { ControlPlane } from '../../support/control-plane/control-plane.ts';
import { untilTrue } from '../../support/control-plane/until.ts';
import { must } from '../../support/must.ts';

let plane: ControlPlane;
let folder: string;
let name: string;
let agentId: string;
let testCount = 0;

beforeAll(async () => {
  plane = await ControlPlane.start();
});
afterAll(async () => plane.stop());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lifecycle-'));
  plane.seen.length = 0;
  testCount += 1;
  name = `agent-${testCount}`;
  agentId = `mt-${name}`;
});
afterEach(async () => {
  plane.fault = () => null;
  plane.queueProxy.visibilitySeconds = null;
  await AgentProcess.killAll();
  rmSync(folder, { recursive: true, force: true });
});

function start(config: object = {}, controlPlane = plane): AgentProcess {
  const program = 'test/support/control-plane/agent-program.ts';
  return AgentProcess.start({ program, folder, name, controlPlane, config });
}

const dataFile = (file: string): string => join(folder, `data-${name}`, file);
const traces = (): readonly string[] =>
  existsSync(dataFile('traces')) ? readFileSync(dataFile('traces'), 'utf8').trim().split('\n') : [];
const stopVm = { name: 'stopVm', input: { replicationId: 'web-01', graceful: true } } as const;
const verifyBoot = {
  name: 'verifyBoot',
  input: { replicationId: 'web-02', timeoutSeconds: 60 },
} as const;
const registrations = (): number => plane.count(/^\/api\/agents$/, 201);
const beats = (status?: number): number =>
  plane.count(new RegExp(`^/api/agents/${agentId}/heartbeat$`), status);

describe('an agent that starts', () => {
  it('registers, says where it is reached, beats, and does what it is told', async () => {
    await start().ready();
    const id = await plane.give({ agentId, ...stopVm });
    expect(await plane.resultOf(id)).toEqual(success({ wasRunning: true }));
    const before = beats();
    await untilTrue('it beats again', () => beats() > before + 1);
    expect((await plane.stores.agents.get(agentId))?.value).toMatchObject({
      kind: 'masterTarget',
      name,
      address: { host: '127.0.0.1', port: 9443 },
    });
  });

  it('keeps its identity for itself, and the control plane only a hash of its key', async () => {
    await start().ready();
    const { mode } = statSync(dataFile('identity.json'));
    expect(mode & 0o077).toBe(0);
    const { agentKey } = JSON.parse(readFileSync(dataFile('identity.json'), 'utf8')) as {
      agentKey: string;
    };
    const stored = JSON.stringify(await plane.stores.agents.list());
    expect(stored).not.toContain(agentKey);
  });

  it('writes neither its key nor the SAS of its queue nor the token anywhere', async () => {
    const agent = await start().ready();
    await plane.resultOf(await plane.give({ agentId, ...stopVm }));
    const { agentKey } = JSON.parse(readFileSync(dataFile('identity.json'), 'utf8')) as {
      agentKey: string;
    };
    await agent.stop();
    for (const secret of [agentKey, 'sig=', 'a registration token', 'a passphrase']) {
      expect(agent.output).not.toContain(secret);
    }
  });

  it('goes on with the identity it has', async () => {
    await (await start().ready()).stop();
    const before = registrations();
    await start().ready();
    expect(registrations()).toBe(before);
    expect(await plane.resultOf(await plane.give({ agentId, ...stopVm }))).toMatchObject({
      ok: true,
    });
  });

  it('registers anew when the control plane does not know its key any more', async () => {
    await (await start().ready()).stop();
    writeFileSync(dataFile('identity.json'), JSON.stringify({ agentId, agentKey: 'outdated' }));
    await start().ready();
    expect(beats(401)).toBe(1);
    expect(await plane.resultOf(await plane.give({ agentId, ...stopVm }))).toMatchObject({
      ok: true,
    });
  });

  it('registers anew when the file of its identity was cut short', async () => {
    mkdirSync(join(folder, `data-${name}`));
    writeFileSync(dataFile('identity.json'), '');
    await start().ready();
    expect(registrations()).toBe(1);
  });

  it('beats again when its first beat does not get through', async () => {
    plane.fault = (_method, path) =>
      path.endsWith('/heartbeat') && beats() === 0 ? { status: 503 } : null;
    await start().ready();
    expect(beats(503)).toBe(1);
  });

  it('has its log beside its configuration, wherever it was started', async () => {
    await start({ logFile: 'agent.log' }).ready();
    await plane.resultOf(await plane.give({ agentId, ...stopVm }));
    expect(readFileSync(join(folder, 'agent.log'), 'utf8')).toContain('stopVm');
  });

  it('does its work also when its log cannot be written', async () => {
    const agent = await start({ logFile: 'not/there.log' }).ready();
    const id = await plane.give({ agentId, ...stopVm });
    expect(await plane.resultOf(id)).toMatchObject({ ok: true });
    await agent.stop();
    expect(agent.output.match(/cannot be written/g)).toHaveLength(1);
  });

  it('waits for a control plane that is not there yet', async () => {
    let refusals = 0;
    plane.fault = (_method, path) => {
      if (path !== '/api/agents' || refusals === 2) return null;
      refusals += 1;
      return refusals === 1 ? { status: 503, body: 'starting' } : 'cutBefore';
    };
    await start().ready();
    expect(refusals).toBe(2);
  });

  it('ends with one sentence that names the refusal when its token is wrong', async () => {
    const agent = start({ registrationToken: 'not the right one' });
    expect(await agent.ended).toBe(1);
    expect(agent.output).toMatch(/^The agent of the tests could not run: FB-AGENT-005.*FB-REQ-006/);
    expect(agent.output).not.toContain('not the right one');
    expect(agent.output.trim()).not.toContain('\n');
  });

  it('talks to a control plane over TLS whose authority it trusts, and to no other', async () => {
    const certificates = await createLabCertificates();
    const secure = await ControlPlane.start(certificates.server);
    try {
      const ca = join(folder, 'ca.pem');
      writeFileSync(ca, certificates.caPem);
      const program = 'test/support/control-plane/agent-program.ts';
      const environment = { NODE_EXTRA_CA_CERTS: ca };
      const shared = { program, folder, controlPlane: secure };
      await AgentProcess.start({ ...shared, name, environment }).ready();
      expect(secure.count(/^\/api\/agents$/, 201)).toBe(1);
      AgentProcess.start({ ...shared, name: 'distrustful' });
      const tls = secure.tlsFailures;
      await untilTrue('it hangs up', () => secure.tlsFailures > tls);
      expect(secure.count(/^\/api\/agents$/)).toBe(1);
    } finally {
      await AgentProcess.killAll();
      await secure.stop();
    }
  });
});

describe('an agent that runs', () => {
  it('registers anew when its key is refused, and goes on receiving', async () => {
    await start().ready();
    const { value, etag } = must(await plane.stores.agents.get(agentId), 'the record of the agent');
    await plane.stores.agents.replace({ ...value, keyHash: '0'.repeat(64) }, etag);
    const before = registrations();
    await untilTrue('it registers', () => registrations() > before);
    expect(await plane.resultOf(await plane.give({ agentId, ...stopVm }))).toMatchObject({
      ok: true,
    });
  });

  it('outlives a control plane that is away for a while', async () => {
    const agent = await start().ready();
    plane.fault = () => 'cutBefore';
    const id = await plane.give({ agentId, ...stopVm });
    const before = beats(0);
    await untilTrue('it misses two beats', () => beats(0) > before + 1);
    plane.fault = () => null;
    expect(await plane.resultOf(id)).toMatchObject({ ok: true });
    expect(agent.output).toContain('no heartbeat');
  });

  it('ends with one sentence, in order, when its token is refused too', async () => {
    const agent = await start({ logLevel: 'error' }).ready();
    const refused = { status: 401, body: JSON.stringify({ code: 'FB-REQ-006', detail: 'no' }) };
    plane.fault = () => refused;
    expect(await agent.ended).toBe(1);
    const [ready, sentence, ...rest] = agent.output.trim().split('\n');
    expect(ready).toContain('ready');
    expect(sentence).toMatch(/^The agent of the tests could not run: FB-AGENT-005.*FB-REQ-006/);
    expect(rest).toEqual([]);
    expect(traces().at(-1)).toBe('stopped');
  });

  it('breaks off a command that the control plane gave up', async () => {
    await start().ready();
    const id = await plane.give({ agentId, ...verifyBoot });
    await untilTrue('it runs', () => traces().includes(`verifyBoot ${id}`));
    const given = failure(errorRecord('FB-AGENT-010', { command: 'verifyBoot' }));
    await plane.giveUp(id, given);
    // Broken off, it posts what became of it; the result that is there stays.
    await untilTrue('it is broken off', () => plane.count(new RegExp(`${id}/result$`)) === 1);
    const posted = plane.seen.find(({ path }) => path.endsWith(`${id}/result`));
    expect(JSON.parse(posted?.body ?? '')).toMatchObject({ error: { code: 'FB-DATA-008' } });
    expect((await plane.command(id)).result).toEqual(given);
  });
});

describe('an agent that ends', () => {
  it('breaks off what runs, reports nothing, cleans up and ends with 0 on SIGTERM', async () => {
    const agent = await start().ready();
    const id = await plane.give({ agentId, ...verifyBoot });
    await untilTrue('it runs', () => traces().includes(`verifyBoot ${id}`));
    expect(await agent.stop()).toBe(0);
    expect(traces().at(-1)).toBe('stopped');
    expect(plane.count(new RegExp(`${id}/result$`))).toBe(0);
    expect(agent.output).not.toContain('could not run');
  });

  it('ends on SIGTERM also while it waits for the control plane', async () => {
    plane.fault = () => 'cutBefore';
    const agent = start();
    await untilTrue('it knocks', () => plane.count(/^\/api\/agents$/, 0) > 0);
    expect(await agent.stop()).toBe(0);
  });

  it('takes a command up again that ran when it was killed', async () => {
    plane.queueProxy.visibilitySeconds = 1;
    const agent = await start().ready();
    const id = await plane.give({ agentId, ...verifyBoot });
    await untilTrue('it runs', () => traces().includes(`verifyBoot ${id}`));
    await agent.kill();
    writeFileSync(dataFile('release'), '');
    await start().ready();
    expect(await plane.resultOf(id)).toMatchObject({ ok: true, value: { evidence: 'released' } });
    expect(traces().filter((line) => line.endsWith(id))).toHaveLength(2);
  });

  it('reports a result after it was killed between running and reporting', async () => {
    plane.queueProxy.visibilitySeconds = 1;
    const agent = await start().ready();
    plane.fault = (_method, path) => (path.endsWith('/result') ? 'cutBefore' : null);
    const id = await plane.give({ agentId, ...stopVm });
    await untilTrue('it tries to report', () => plane.count(new RegExp(`${id}/result$`), 0) > 0);
    await agent.kill();
    plane.fault = () => null;
    await start().ready();
    expect(await plane.resultOf(id)).toMatchObject({ ok: true });
    expect(traces().filter((line) => line.endsWith(id))).toHaveLength(1);
  });
});
