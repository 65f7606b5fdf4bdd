import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { APP_ROOT, processesOf, run } from '../support/lab/program.ts';

const TEST_DEADLINE_MS = 60_000;
const LAB = 'dist/local/lab/main.js';
const HOST = 'dist/local/functions-host/main.js';
const AGENTS = ['master-target', 'process-server', 'configuration-server'];
const SETTINGS = {
  FAILBACK_STORAGE_CONNECTION: 'UseDevelopmentStorage=true',
  FAILBACK_SUBSCRIPTION_ID: '00000000-0000-4000-8000-000000000001',
  FAILBACK_PUBLIC_URL: 'http://127.0.0.1:7071',
  FAILBACK_REGISTRATION_TOKEN: 'a long random text',
  FAILBACK_PASSPHRASE: 'another long random text',
  FAILBACK_AGENT_PACKAGE_URL: 'https://packages.invalid/agents.tar.gz',
  FAILBACK_PROCESS_SERVER_SSH_KEY: 'ssh-ed25519 AAAA key',
  FAILBACK_REHEARSAL_SCHEDULE: '0 0 3 * * 6',
};

describe('a program that is started the wrong way', () => {
  let folder: string;
  let occupied: Server;
  let port: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'programs-'));
    occupied = createServer().listen(0, '127.0.0.1');
    await once(occupied, 'listening');
    port = String((occupied.address() as AddressInfo).port);
    writeFileSync(join(folder, 'file'), '');
  });

  afterAll(async () => {
    occupied.close();
    await once(occupied, 'close');
    rmSync(folder, { recursive: true, force: true });
  });

  /** Ends with code 1 and one sentence: no stack, no second line. */
  async function complaint(program: string, args: readonly string[]): Promise<string> {
    const { code, stderr } = await run(program, args);
    expect(code).toBe(1);
    const lines = stderr.split('\n').filter((line) => line.trim() !== '');
    expect(lines).toHaveLength(1);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(processesOf(folder)).toEqual([]);
    return lines[0] ?? '';
  }

  it.each([LAB, HOST, ...AGENTS.map((agent) => `dist/agents/${agent}/main.js`)])(
    '%s shows how it is used when asked for help',
    async (program) => {
      const { code, stdout, stderr } = await run(program, ['--help']);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toMatch(program === LAB ? /npm run demo/ : new RegExp(`node ${program} --`));
    },
    TEST_DEADLINE_MS,
  );

  it.each(['start', 'demo'])(
    'the lab (%s) names a folder that is a file',
    async (command) => {
      const file = join(folder, 'file');
      const args = [command, '--simulate-boot', '--folder', file];
      expect(await complaint(LAB, args)).toBe(
        `The lab failed: The lab's folder ${file} is not writable.`,
      );
    },
    TEST_DEADLINE_MS,
  );

  it.each([
    ['an unknown command', ['dmo'], '"dmo" is neither demo nor start'],
    ['an unknown site', ['demo', '--site', 'hyperv'], 'there are local and vcenter'],
    ['a vCenter to go on with', ['demo', '--site', 'vcenter', '--resume'], 'forgets its VMs'],
    ['a port that is none', ['start', '--port', 'abc'], '--port abc: a port is a whole number'],
    ['a port out of range', ['start', '--port', '99999'], '--port 99999: a port is a whole number'],
    [
      'a folder that nobody can make',
      ['start', '--simulate-boot', '--folder', '/proc/nowhere/lab'],
      "The lab's folder /proc/nowhere/lab is not writable.",
    ],
  ])(
    'the lab refuses %s',
    async (_name, args, says) => {
      expect(await complaint(LAB, args)).toContain(says);
    },
    TEST_DEADLINE_MS,
  );

  it(
    'the lab ends when its port is in use, and stops what it has started',
    async () => {
      const args = ['start', '--simulate-boot', '--folder', join(folder, 'lab'), '--port', port];
      const says = new RegExp(`^The lab failed: .*Port ${port} is in use`);
      expect(await complaint(LAB, args)).toMatch(says);
    },
    TEST_DEADLINE_MS,
  );

  it(
    'the Functions host names the port that is in use and how to choose another',
    async () => {
      const settings = join(folder, 'settings.json');
      writeFileSync(settings, JSON.stringify({ Values: SETTINGS }));
      const data = join(folder, 'host');
      const args = ['--app', APP_ROOT, '--data', data, '--settings', settings, '--port', port];
      expect(await complaint(HOST, args)).toMatch(
        new RegExp(`Port ${port} is in use\\. .*--port\\.$`),
      );
    },
    TEST_DEADLINE_MS,
  );

  it(
    'the Functions host lists every setting that the app misses at once',
    async () => {
      const args = ['--app', APP_ROOT, '--data', join(folder, 'host'), '--port', '0'];
      const text = await complaint(HOST, args);
      expect(text).toContain('FB-REQ-009');
      for (const name of ['SUBSCRIPTION_ID', 'PUBLIC_URL', 'REGISTRATION_TOKEN', 'PASSPHRASE']) {
        expect(text).toContain(`FAILBACK_${name}: `);
      }
    },
    TEST_DEADLINE_MS,
  );

  it(
    'the lab and the Functions host name a build that is missing and how to get it',
    async () => {
      const root = join(folder, 'unbuilt');
      mkdirSync(join(root, 'dist'), { recursive: true });
      for (const part of ['local', 'shared', 'agents']) {
        cpSync(join(APP_ROOT, 'dist', part), join(root, 'dist', part), { recursive: true });
      }
      for (const file of ['package.json', 'host.json']) {
        cpSync(join(APP_ROOT, file), join(root, file));
      }
      symlinkSync(join(APP_ROOT, 'node_modules'), join(root, 'node_modules'));
      const lab = ['start', '--simulate-boot', '--folder', join(root, 'lab')];
      const says = /The build is missing.*run "npm run build" first\.$/i;
      expect(await complaint(join(root, LAB), lab)).toMatch(says);
      const host = ['--app', root, '--data', join(root, 'host')];
      expect(await complaint(join(root, HOST), host)).toMatch(says);
    },
    TEST_DEADLINE_MS,
  );

  it.each([
    {
      agent: 'master-target',
      wrong: { listen: { port: 70_000 } },
      names: ['listen.port', 'retentionFolder'],
    },
    {
      agent: 'configuration-server',
      wrong: { mobility: { port: -1 }, hypervisor: { kind: 'cloud' } },
      names: ['mobility.port', 'hypervisor.kind'],
    },
    { agent: 'process-server', wrong: {}, names: [] },
  ])(
    'the $agent lists everything that is wrong in its configuration at once',
    async ({ agent, wrong, names }) => {
      const file = join(folder, `${agent}.json`);
      const config = {
        name: 'two words',
        controlPlaneUrl: 'http://example.com',
        registrationToken: '',
        heartbeatSeconds: 99,
        logLevel: 'loud',
        ...wrong,
      };
      writeFileSync(file, JSON.stringify(config));
      const text = await complaint(`dist/agents/${agent}/main.js`, ['--config', file]);
      expect(text).toContain('FB-AGENT-002');
      const common = ['name', 'controlPlaneUrl', 'registrationToken', 'passphrase', 'dataFolder'];
      for (const name of [...common, 'logLevel', 'heartbeatSeconds', ...names]) {
        expect(text).toContain(`${name}: `);
      }
    },
    TEST_DEADLINE_MS,
  );

  it.each([
    { title: 'no file', args: [], says: '--config FILE' },
    { title: 'a file that is not there', args: ['--config', 'nowhere.json'], says: 'nowhere.json' },
  ])(
    'an agent that is given $title says so',
    async ({ args, says }) => {
      const text = await complaint('dist/agents/process-server/main.js', args);
      expect(text).toContain('FB-AGENT-002');
      expect(text).toContain(says);
    },
    TEST_DEADLINE_MS,
  );

  it(
    'an agent names a data folder that it cannot write',
    async () => {
      const file = join(folder, 'no-data.json');
      const config = {
        name: 'ps',
        controlPlaneUrl: 'https://example.invalid',
        registrationToken: 'a token',
        passphrase: 'a passphrase',
        dataFolder: 'file',
      };
      writeFileSync(file, JSON.stringify(config));
      const text = await complaint('dist/agents/process-server/main.js', ['--config', file]);
      expect(text).toContain('FB-AGENT-003');
      expect(text).toContain(join(folder, 'file'));
      expect(text).not.toContain(config.passphrase);
    },
    TEST_DEADLINE_MS,
  );
});
