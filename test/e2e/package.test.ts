import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { AgentProcess, PASSPHRASE } from '../support/control-plane/agent-process.ts';
import { ControlPlane, REGISTRATION_TOKEN } from '../support/control-plane/control-plane.ts';
import { must } from '../support/must.ts';

const DEADLINE_MS = 120_000;
const INSTALL = 'dist/agents/service/install-service.sh';
const AGENTS = ['configuration-server', 'master-target', 'process-server'] as const;
type Agent = (typeof AGENTS)[number];
const OWN_FIELDS: Readonly<Record<Agent, object>> = {
  'configuration-server': { mobility: { port: 0 }, hypervisor: { kind: 'local', folder: 'vms' } },
  'master-target': { listen: { host: '127.0.0.1', port: 0 }, retentionFolder: 'retention' },
  'process-server': {},
};
const unitOf = (agent: Agent): string => `azure-failback-${agent}.service`;

/** The machine: /etc below `root`, and a systemctl that only notes how it was called. */
let folder: string;
let control: ControlPlane;
const root = (): string => join(folder, 'root');
const calls = (): string =>
  existsSync(join(folder, 'calls')) ? readFileSync(join(folder, 'calls'), 'utf8') : '';
const unit = (agent: Agent): string =>
  readFileSync(join(root(), 'etc/systemd/system', unitOf(agent)), 'utf8');

beforeAll(async () => {
  control = await ControlPlane.start();
});
afterAll(async () => control.stop());

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'package-'));
  mkdirSync(join(folder, 'bin'));
  const systemctl = join(folder, 'bin/systemctl');
  writeFileSync(systemctl, `#!/bin/sh\necho "$*" >> '${folder}/calls'\n`);
  chmodSync(systemctl, 0o755);
});
afterEach(async () => {
  await AgentProcess.killAll();
  rmSync(folder, { recursive: true, force: true });
});

function configOf(agent: Agent, fields: object = OWN_FIELDS[agent]): string {
  const file = join(folder, `${agent}.json`);
  const common = {
    name: agent,
    controlPlaneUrl: control.url,
    registrationToken: REGISTRATION_TOKEN,
    passphrase: PASSPHRASE,
    dataFolder: `data-${agent}`,
  };
  writeFileSync(file, JSON.stringify({ ...common, ...fields }));
  return file;
}

function install(script: string, ...options: readonly string[]) {
  return installWith(process.env['PATH'] ?? '', script, options);
}

function installWith(path: string, script: string, options: readonly string[]) {
  const PATH = `${join(folder, 'bin')}:${path}`;
  const { status, stdout, stderr } = spawnSync('/bin/sh', [script, ...options, '--root', root()], {
    env: { PATH },
    encoding: 'utf8',
  });
  return { status, text: stdout + stderr };
}

/** Runs what the unit names, as systemd would. */
async function run(agent: Agent): Promise<AgentProcess> {
  const [, line] = must(/^ExecStart=(.+)$/m.exec(unit(agent)), 'what the unit starts');
  const [command = '', ...parameters] = must(line, 'its command').split(' ');
  const [, name = '', value] = must(/^Environment=(\w+)=(.+)$/m.exec(unit(agent)), 'a variable');
  const environment = { [name]: value };
  return AgentProcess.launch({ command, parameters, environment, cwd: '/' }).ready();
}

describe('the package of the agents', () => {
  it(
    'is all that a machine needs: unpacked, each agent becomes a service that registers',
    async () => {
      const archive = join(folder, 'agents.tar.gz');
      const packing = spawnSync(process.execPath, ['scripts/package-agents.mjs', archive], {
        encoding: 'utf8',
      });
      expect(packing).toMatchObject({ status: 0, stderr: '' });
      expect(packing.stdout).toContain(archive);
      const opt = join(folder, 'opt');
      mkdirSync(opt);
      // As the process server does it at its first boot.
      execFileSync('tar', ['-xzf', archive, '-C', opt]);
      const running: AgentProcess[] = [];
      // The configuration server first: it signs the certificates of the others.
      for (const agent of AGENTS) {
        const installed = install(join(opt, INSTALL), agent, configOf(agent));
        expect(installed).toMatchObject({ status: 0 });
        expect(unit(agent)).toContain(`ExecStart=${opt}/node/bin/node ${opt}/dist/agents/`);
        running.push(await run(agent));
      }
      for (const agent of running) expect(await agent.stop()).toBe(0);
      const registered = (await control.stores.agents.list()).map(({ name }) => name);
      expect(registered.toSorted()).toEqual(AGENTS);
      for (const script of ['master-target/prepare-linux.sh', 'mobility/register.ps1']) {
        expect(existsSync(join(opt, 'dist/agents', script))).toBe(true);
      }
    },
    DEADLINE_MS,
  );
});

describe('installing the service of an agent', () => {
  it('is repeated without harm, and starts it anew', () => {
    const config = configOf('master-target');
    expect(install(INSTALL, 'master-target', config)).toMatchObject({ status: 0 });
    const before = unit('master-target');
    expect(install(INSTALL, 'master-target', config)).toMatchObject({ status: 0 });
    expect(unit('master-target')).toBe(before);
    const name = unitOf('master-target');
    const once = `daemon-reload\nenable ${name}\nrestart ${name}\n`;
    expect(calls()).toBe(once + once);
  });

  it('is refused with the words of the agent when its configuration is wrong', () => {
    const config = configOf('master-target', { listen: {}, retentoinFolder: 'retention' });
    const { status, text } = install(INSTALL, 'master-target', config);
    expect(status).toBe(4);
    expect(text).toContain('FB-AGENT-002');
    expect(text).toContain('retentoinFolder: there is no such field');
    expect(text).not.toContain(PASSPHRASE);
    expect(calls()).toBe('');
    expect(existsSync(root())).toBe(false);
  });

  it.each([
    ['an agent that does not exist', () => ['master', configOf('master-target')], 2, 'AGENT'],
    ['no configuration', () => ['master-target'], 2, 'CONFIG'],
    ['an unknown option', () => ['master-target', 'x.json', '--user'], 2, 'CONFIG'],
    ['a file that is not there', () => ['master-target', 'nowhere.json'], 4, 'cannot be read'],
  ])('is refused for %s', (_name, options, expected, says) => {
    const { status, text } = install(INSTALL, ...options());
    expect(status).toBe(expected);
    expect(text).toContain(says);
    expect(calls()).toBe('');
  });

  it('is refused for a path that a unit cannot name', () => {
    const spaced = join(folder, 'with space.json');
    writeFileSync(spaced, readFileSync(configOf('process-server')));
    const { status, text } = install(INSTALL, 'process-server', spaced);
    expect(status).toBe(4);
    expect(text).toContain('with space.json');
  });

  it.each([
    ['Node.js', ['dirname', 'basename'], 'There is no Node.js'],
    ['systemd', ['dirname', 'basename', 'id', 'node'], 'There is no systemctl'],
  ])('is refused on a machine without %s', (_name, tools, says) => {
    rmSync(join(folder, 'bin/systemctl'));
    for (const tool of tools) {
      const program = tool === 'node' ? process.execPath : `/usr/bin/${tool}`;
      symlinkSync(program, join(folder, 'bin', tool));
    }
    const options = ['process-server', configOf('process-server')];
    const { status, text } = installWith('', INSTALL, options);
    expect(status).toBe(4);
    expect(text).toContain(says);
  });
});
