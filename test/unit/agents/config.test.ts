import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { z } from 'zod';
import { type AgentConfig, agentConfigSchema, loadConfig } from '../../../agents/runtime/config.ts';
import { configurationServerConfigSchema } from '../../../agents/configuration-server/config.ts';
import { masterTargetConfigSchema } from '../../../agents/master-target/config.ts';
import { processServerConfigSchema } from '../../../agents/process-server/config.ts';
import { FailbackError } from '../../../shared/errors/failback-error.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'config-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const COMPLETE = {
  name: 'agent-1',
  controlPlaneUrl: 'https://failback.example.net',
  registrationToken: 'token',
  passphrase: 'pass',
  dataFolder: 'data',
};

function file(content: unknown, name = 'agent.json'): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

const load = (content: unknown): ReturnType<typeof loadConfig<typeof agentConfigSchema>> =>
  loadConfig(agentConfigSchema, ['--config', file(content)], 'help');

function problemsOf(content: unknown): string {
  try {
    load(content);
  } catch (error) {
    if (error instanceof FailbackError && error.code === 'FB-AGENT-002') {
      return String(error.values['problems']);
    }
    throw error;
  }
  return '';
}

describe('the configuration of an agent', () => {
  it('needs five fields and has sensible values for the others', () => {
    const config = load(COMPLETE);
    expect(config).toMatchObject({
      name: 'agent-1',
      logLevel: 'info',
      heartbeatSeconds: 15,
      configFolder: folder,
    });
    expect(config?.configurationServer).toBeUndefined();
  });

  it('names everything that is wrong at once', () => {
    const problems = problemsOf({
      name: 'not a name!',
      controlPlaneUrl: 'ftp://example.net',
      registrationToken: '',
      heartbeatSeconds: 60,
      logLevel: 'loud',
    });
    for (const field of [
      'name:',
      'controlPlaneUrl:',
      'registrationToken:',
      'passphrase:',
      'dataFolder:',
      'heartbeatSeconds:',
      'logLevel:',
    ]) {
      expect(problems).toContain(field);
    }
  });

  it('names what is wrong deep inside of it', () => {
    const path = file({ ...COMPLETE, mobility: { port: 'x' }, hypervisor: { kind: 'local' } });
    expect(() => loadConfig(configurationServerConfigSchema, ['--config', path], '')).toThrow(
      /mobility\.port: .*hypervisor\.folder: /,
    );
  });

  const local = { kind: 'local', folder: 'vms' };
  const vsphere = {
    kind: 'vsphere',
    url: 'https://vcenter.example.net',
    username: 'failback',
    passwordFile: 'password',
    datastore: 'vmfs-1',
    masterTarget: 'mt1',
  };
  const site = { ...COMPLETE, mobility: { port: 0 }, hypervisor: local };
  const target = { ...COMPLETE, listen: { host: '127.0.0.1' }, retentionFolder: 'retention' };

  it.each<[string, z.ZodType<AgentConfig>, object, string]>([
    ['every agent', agentConfigSchema, { ...COMPLETE, loglevel: 'info' }, 'loglevel'],
    ['a process server', processServerConfigSchema, { ...COMPLETE, memoryMib: 64 }, 'memoryMib'],
    ['a configuration server', configurationServerConfigSchema, { ...site, scipts: {} }, 'scipts'],
    [
      'its hypervisor',
      configurationServerConfigSchema,
      { ...site, hypervisor: { ...vsphere, datacentre: 'dc1' } },
      'datacentre',
    ],
    ['a master target', masterTargetConfigSchema, { ...target, osKind: 'Linux' }, 'osKind'],
    ['its retention', masterTargetConfigSchema, { ...target, retention: { maxAge: 24 } }, 'maxAge'],
  ])(
    'has no field in %s that does not exist: it is refused by its name',
    (_of, schema, all, name) => {
      const read = (): unknown => loadConfig(schema, ['--config', file(all)], 'help');
      expect(read).toThrow(new RegExp(`FB-AGENT-002.*${name}`));
    },
  );

  it('does not tell its secrets, whatever is wrong and whoever prints it', () => {
    const secrets = { registrationToken: 'SECRET-1', passphrase: 'SECRET-2' };
    expect(problemsOf({ ...COMPLETE, ...secrets, name: '!' })).not.toContain('SECRET');
    const config = load({ ...COMPLETE, ...secrets });
    expect(JSON.stringify(config)).not.toContain('SECRET');
    expect(String(config?.passphrase)).not.toContain('SECRET');
    expect(config?.passphrase.reveal()).toBe('SECRET-2');
  });

  it.each([
    ['https://failback.example.net', true],
    ['http://127.0.0.1:7071', true],
    ['http://localhost', true],
    ['http://failback.example.net', false],
    ['http://127.0.0.1.example.net', false],
    ['http://localhost.example.net:80', false],
    ['failback.example.net', false],
    ['http://127.0.0.1:x@failback.example.net', false],
    ['http://localhost:7071@failback.example.net', false],
    ['https://user:password@failback.example.net', false],
    ['http://[::1]:7071', true],
  ])('takes the control plane at %s: %s', (controlPlaneUrl, isTaken) => {
    expect(problemsOf({ ...COMPLETE, controlPlaneUrl }) === '').toBe(isTaken);
  });

  it('has paths that are relative to its file, wherever the program was started', () => {
    mkdirSync(join(folder, 'etc'));
    const path = file({ ...COMPLETE, dataFolder: '../var/data' }, 'etc/agent.json');
    const config = loadConfig(
      agentConfigSchema,
      ['--config', relative(process.cwd(), path)],
      'help',
    );
    expect(config).toMatchObject({
      dataFolder: join(folder, 'var/data'),
      configFolder: join(folder, 'etc'),
    });
    expect(existsSync(join(folder, 'var/data'))).toBe(true);
  });

  it('has its log beside its file too', () => {
    expect(load({ ...COMPLETE, logFile: 'logs/agent.log' })?.logFile).toBe(
      join(folder, 'logs/agent.log'),
    );
  });

  it.each([
    [{ heartbeatSecond: 5 }, 'heartbeatSecond: there is no such field'],
    [{ mobility: { port: 0, hots: 'x' } }, 'mobility.hots: there is no such field'],
    [
      { hypervisor: { kind: 'local', folder: 'vms', boots: 'qemu' } },
      'hypervisor.boots: there is no such field',
    ],
  ])('names a field that it does not know: %j', (change, problem) => {
    const hypervisor = { kind: 'local', folder: 'vms' };
    const path = file({ ...COMPLETE, mobility: { port: 0 }, hypervisor, ...change });
    const attempt = () => loadConfig(configurationServerConfigSchema, ['--config', path], '');
    expect(attempt).toThrow(problem);
  });

  it('refuses a data folder that cannot be one', () => {
    file('a file', 'data');
    expect(() => load(COMPLETE)).toThrow(expect.objectContaining({ code: 'FB-AGENT-003' }));
  });

  it.each([
    ['no JSON', 'name: agent-1', /the file is not JSON/],
    ['no object', '[]', /expected object/],
    ['empty', '', /the file is not JSON/],
  ])('refuses a file that is %s', (_name, content, problem) => {
    expect(problemsOf(content)).toMatch(problem);
  });

  it('says which file is missing, and that it needs one', () => {
    const missing = join(folder, 'missing.json');
    expect(() => loadConfig(agentConfigSchema, ['--config', missing], '')).toThrow(missing);
    expect(() => loadConfig(agentConfigSchema, [], '')).toThrow('--config FILE');
    expect(() => loadConfig(agentConfigSchema, ['--cnofig', 'x'], '')).toThrow('--cnofig');
  });
});

describe('the configuration of a master target', () => {
  const masterTarget = (change: object) => {
    const path = file({ ...COMPLETE, retentionFolder: 'retention', listen: {}, ...change });
    return loadConfig(masterTargetConfigSchema, ['--config', path], '');
  };

  it.each([
    [{}],
    [{ listen: { host: '::' } }],
    [{ advertisedHost: '0.0.0.0' }],
    [{ listen: { host: '10.0.0.4' }, advertisedHost: '' }],
  ])('needs an address that process servers can connect to: %j has none', (change) => {
    expect(() => masterTarget(change)).toThrow(/FB-AGENT-002.*advertisedHost: give the name/);
  });

  it.each([
    [{ listen: { host: '10.0.0.4' } }],
    [{ advertisedHost: 'mt.site.example' }],
    [{ listen: { host: '::' }, advertisedHost: '10.0.0.4' }],
  ])('has one with %j', (change) => {
    expect(masterTarget(change)).toMatchObject(change);
  });

  it('names a field of its retention that it does not know', () => {
    const change = { advertisedHost: 'mt', retention: { maxPoint: 3 } };
    expect(() => masterTarget(change)).toThrow('retention.maxPoint: there is no such field');
  });
});
