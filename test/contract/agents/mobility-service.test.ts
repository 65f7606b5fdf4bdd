import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SiteDatabase } from '../../../agents/configuration-server/database.ts';
import {
  type MobilityEndpoint,
  startMobilityEndpoint,
} from '../../../agents/configuration-server/mobility-endpoint.ts';
import { Secret } from '../../../shared/domain/secret.ts';
import { loggerOf } from '../../support/control-plane/worker.ts';

const SCRIPT = resolve(import.meta.dirname ?? __dirname, '../../../agents/mobility/register.sh');
const PASSPHRASE = 'pässphräse of the site';
const IN_GUEST = '360C1C42-5B4A-109D-A1B2-C3D4E5F60718';
const UNIT = 'etc/systemd/system/azure-failback-mobility.service';
const PROGRAM = 'usr/local/sbin/azure-failback-register';

/** A root file system as far as the script looks at it, and stand-ins for the commands that change a machine. */
let folder: string;
let database: SiteDatabase;
let endpoint: MobilityEndpoint;
const root = (): string => join(folder, 'root');
const read = (file: string): string => readFileSync(join(root(), file), 'utf8');
const calls = (): readonly string[] =>
  existsSync(join(folder, 'calls'))
    ? readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n')
    : [];

function put(file: string, text: string): void {
  const path = join(root(), file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** Notes each call, and then does what the script says. */
function command(name: string, script = ''): void {
  const file = join(folder, 'bin', name);
  writeFileSync(file, `#!/bin/sh\necho "${name} $*" >> '${folder}/calls'\n${script}\n`);
  chmodSync(file, 0o755);
}

async function run(...options: string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn('sh', [SCRIPT, ...options, '--root', root()], {
    env: { PATH: `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}` },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => (output += String(chunk)));
  child.stderr.on('data', (chunk) => (output += String(chunk)));
  const code = await new Promise<number | null>((done) => child.once('close', done));
  return { code, output };
}

async function install(): Promise<{ code: number | null; output: string }> {
  writeFileSync(join(folder, 'secret'), `${PASSPHRASE}\r\n`);
  return run('--install', endpoint.url, join(folder, 'secret'));
}

/** A machine that was prepared in Azure, and starts under VMware for the first time. */
async function arriveHome(): Promise<void> {
  await install();
  put('sys/class/dmi/id/sys_vendor', 'VMware, Inc.\n');
  rmSync(join(root(), 'run'), { recursive: true, force: true });
  rmSync(join(folder, 'calls'));
}

const registered = (): ReturnType<SiteDatabase['findMobilityAgent']> =>
  database.findMobilityAgent(IN_GUEST.toLowerCase());

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mobility-service-'));
  mkdirSync(join(folder, 'bin'));
  database = new SiteDatabase(folder);
  endpoint = await startMobilityEndpoint({
    listen: { host: '127.0.0.1', port: 0 },
    passphrase: new Secret(PASSPHRASE),
    database,
    log: loggerOf([]),
  });
  put('sys/class/dmi/id/sys_vendor', 'Microsoft Corporation\n');
  put('sys/class/dmi/id/product_uuid', `${IN_GUEST}\n`);
  command('systemctl');
  command('vmtoolsd');
  command('apt-get');
});
afterEach(async () => {
  await endpoint.stop();
  database.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('a machine that is prepared in Azure', () => {
  it('gets a service that runs the script at every boot, and a passphrase that only root can read', async () => {
    expect(await install()).toMatchObject({ code: 0 });
    expect(read(UNIT)).toContain(`ExecStart=/bin/sh /${PROGRAM} --boot`);
    expect(read(PROGRAM)).toBe(readFileSync(SCRIPT, 'utf8'));
    expect(read('etc/azure-failback/registration-url')).toBe(`${endpoint.url}\n`);
    expect(statSync(join(root(), 'etc/azure-failback/passphrase')).mode & 0o777).toBe(0o600);
    expect(statSync(join(root(), 'etc/azure-failback')).mode & 0o777).toBe(0o700);
    expect(calls()).toEqual([
      'systemctl daemon-reload',
      'systemctl enable azure-failback-mobility.service',
      'systemctl restart azure-failback-mobility.service',
    ]);
  });

  it('is prepared as before when it is prepared again', async () => {
    await install();
    const before = [read(UNIT), read(PROGRAM), read('etc/azure-failback/passphrase')];
    expect(await install()).toMatchObject({ code: 0 });
    expect([read(UNIT), read(PROGRAM), read('etc/azure-failback/passphrase')]).toEqual(before);
  });

  it('gets VMware Tools there already, where packages are to be had', async () => {
    rmSync(join(folder, 'bin/vmtoolsd'));
    expect(await install()).toMatchObject({ code: 0 });
    expect(calls().join('\n')).toMatch(/apt-get .*install -q -y open-vm-tools/);
  });

  it('is prepared all the same when they cannot be installed, and says so', async () => {
    rmSync(join(folder, 'bin/vmtoolsd'));
    command('apt-get', 'exit 100');
    const { code, output } = await install();
    expect(code).toBe(0);
    expect(output).toContain('could not be installed');
    expect(output).toContain('Installed:');
  });

  it('does not register while it is in Azure: its UUID there is another one', async () => {
    await install();
    const { code, output } = await run('--boot');
    expect(code).toBe(0);
    expect(output).toContain('does not run under VMware (Microsoft Corporation)');
    expect(registered()).toBeNull();
  });

  it.each([
    ['without a passphrase file', ['--install', 'http://127.0.0.1:1/'], 2],
    ['with a passphrase file that is not there', ['--install', 'http://x/', '/nowhere'], 4],
    ['with an id of a VM', ['--install', 'http://x/', '/nowhere', 'vm-1'], 2],
  ])('is refused %s', async (_how, options, code) => {
    expect((await run(...options)).code).toBe(code);
    expect(existsSync(join(root(), UNIT))).toBe(false);
  });
});

describe('a machine that starts under VMware', () => {
  it('has its tools started and enabled, and registers with the only id that it sees', async () => {
    await arriveHome();
    const { code, output } = await run('--boot');
    expect({ code, output }).toMatchObject({ code: 0 });
    expect(output).toContain('VMware Tools: running');
    expect(calls()).toContain('systemctl unmask vmtoolsd');
    expect(calls()).toContain('systemctl enable --now vmtoolsd');
    expect(registered()).toMatchObject({ vmwareTools: 'running' });
    expect(await run('--boot')).toMatchObject({ code: 0 });
  });

  it('has the service started that its distribution has', async () => {
    await arriveHome();
    command('systemctl', 'case "$*" in *vmtoolsd*) exit 1 ;; esac');
    expect((await run('--boot')).code).toBe(0);
    expect(calls()).toContain('systemctl enable --now open-vm-tools');
    expect(registered()).toMatchObject({ vmwareTools: 'running' });
  });

  it('says that the tools do not start', async () => {
    await arriveHome();
    command('systemctl', 'case "$*" in is-active*) exit 3 ;; esac');
    expect((await run('--boot')).code).toBe(0);
    expect(registered()).toMatchObject({ vmwareTools: 'failed' });
  });

  it('registers before it installs tools that are missing, and again afterwards', async () => {
    await arriveHome();
    rmSync(join(folder, 'bin/vmtoolsd'));
    command(
      'apt-get',
      `case "$*" in *open-vm-tools) cp '${folder}/bin/systemctl' '${folder}/bin/vmtoolsd' ;; esac`,
    );
    const { code, output } = await run('--boot');
    expect(code).toBe(0);
    expect(output.match(/VMware Tools: \w+|Registered|installing/g)).toEqual([
      'VMware Tools: notInstalled',
      'Registered',
      'installing',
      'VMware Tools: running',
      'Registered',
    ]);
    expect(registered()).toMatchObject({ vmwareTools: 'running' });
  });

  it('asks for tools that cannot be installed once a boot, and says that they are missing', async () => {
    await arriveHome();
    rmSync(join(folder, 'bin/vmtoolsd'));
    command('apt-get', 'exit 100');
    const { code, output } = await run('--boot');
    expect(code).toBe(0);
    expect(output).toContain('open-vm-tools could not be installed');
    expect(registered()).toMatchObject({ vmwareTools: 'notInstalled' });
    const attempts = calls().length;
    await run('--boot');
    expect(calls()).toHaveLength(attempts);
  });

  it('fails while the server cannot be reached, so that the service tries again', async () => {
    await arriveHome();
    put('etc/azure-failback/registration-url', 'http://127.0.0.1:1/\n');
    expect((await run('--boot')).code).toBe(1);
    expect(calls()).toContain('systemctl enable --now vmtoolsd');
    expect(read(UNIT)).toContain('Restart=on-failure');
    put('etc/azure-failback/registration-url', `${endpoint.url}\n`);
    expect((await run('--boot')).code).toBe(0);
    expect(registered()).not.toBeNull();
  });

  it('is left to people when nothing was installed on it', async () => {
    put('sys/class/dmi/id/sys_vendor', 'VMware, Inc.\n');
    const { code, output } = await run('--boot');
    expect(code).toBe(4);
    expect(output).toContain('install this first');
    expect(readFileSync(SCRIPT, 'utf8')).toContain('RestartPreventExitStatus=4');
  });
});
