import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SiteDatabase } from '../../../agents/configuration-server/database.ts';
import {
  type MobilityEndpoint,
  startMobilityEndpoint,
} from '../../../agents/configuration-server/mobility-endpoint.ts';
import { proofOf } from '../../../agents/runtime/enrolment.ts';
import { findProgram } from '../../../local/boot-image/tools.ts';
import { Secret } from '../../../shared/domain/secret.ts';
import { untilTrue } from '../../support/control-plane/until.ts';
import { loggerOf } from '../../support/control-plane/worker.ts';

const SCRIPTS = resolve(import.meta.dirname ?? __dirname, '../../../agents/mobility');
const PASSPHRASE = new Secret('pässphräse with $pecial "characters" \\ and spaces');
const LISTEN = { host: '127.0.0.1', port: 0 };

let folder: string;
let database: SiteDatabase;
let endpoint: MobilityEndpoint;
let lines: string[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mobility-'));
  database = new SiteDatabase(folder);
  lines = [];
  const log = loggerOf(lines);
  endpoint = await startMobilityEndpoint({
    listen: LISTEN,
    passphrase: PASSPHRASE,
    database,
    log,
  });
});
afterEach(async () => {
  await endpoint.stop();
  database.close();
  rmSync(folder, { recursive: true, force: true });
});

const registration = (vmId: string): Record<string, unknown> => ({
  vmId,
  hostName: 'web-01',
  version: '0.1.0',
  proof: proofOf(PASSPHRASE, 'mobility', vmId),
});

async function post(body: string, url = endpoint.url, method = 'POST'): Promise<number> {
  const response = await fetch(url, { method, ...(method === 'POST' ? { body } : {}) });
  await response.text();
  return response.status;
}

describe('where mobility agents register', () => {
  it('knows an agent that knows the passphrase, and its latest registration', async () => {
    const before = new Date().toISOString();
    expect(await post(JSON.stringify(registration('vm-1')))).toBe(204);
    const first = database.findMobilityAgent('vm-1');
    expect(first).toMatchObject({ vmId: 'vm-1', hostName: 'web-01', version: '0.1.0' });
    expect((first?.registeredAt ?? '') >= before).toBe(true);
    expect(await post(JSON.stringify({ ...registration('vm-1'), hostName: 'web-02' }))).toBe(204);
    expect(database.findMobilityAgent('vm-1')).toMatchObject({ hostName: 'web-02' });
  });

  it('knows a UUID in capitals for the same, and what became of VMware Tools', async () => {
    const vmId = '421C0C36-4A5B-9D10-A1B2-C3D4E5F60718';
    const told = { ...registration(vmId), vmwareTools: 'notInstalled' };
    expect(await post(JSON.stringify(told))).toBe(204);
    expect(database.findMobilityAgent(vmId.toLowerCase())).toMatchObject({
      vmwareTools: 'notInstalled',
    });
    const nonsense = { ...registration(vmId), vmwareTools: 'perhaps' };
    expect(await post(JSON.stringify(nonsense))).toBe(400);
  });

  it.each([
    ['of another passphrase', proofOf(new Secret('another'), 'mobility', 'vm-1')],
    ['for another VM', proofOf(PASSPHRASE, 'mobility', 'vm-2')],
    ['for another purpose', proofOf(PASSPHRASE, 'csr', 'vm-1')],
    ['that is too short', 'ab'],
    ['that is empty', ''],
  ])('refuses a proof %s', async (_name, proof) => {
    expect(await post(JSON.stringify({ ...registration('vm-1'), proof }))).toBe(403);
    expect(database.findMobilityAgent('vm-1')).toBeNull();
    expect(lines.join('\n')).toContain('wrong proof');
    expect(lines.join('\n')).not.toContain(PASSPHRASE.reveal());
  });

  it.each([
    ['no JSON', 'hello'],
    ['nothing', ''],
    ['not complete', '{"vmId":"vm-1"}'],
    ['of an empty VM id', JSON.stringify(registration(''))],
  ])('refuses what is %s', async (_name, body) => {
    expect(await post(body)).toBe(400);
  });

  it('stops reading what is far too long, and goes on with others', async () => {
    const long = JSON.stringify({ ...registration('vm-1'), hostName: 'x'.repeat(1024 * 1024) });
    // It may hang up before it has read the whole of it.
    expect(await post(long).catch(() => 400)).toBe(400);
    expect(database.findMobilityAgent('vm-1')).toBeNull();
    expect(await post(JSON.stringify(registration('vm-2')))).toBe(204);
  });

  it('goes on with others when a guest hangs up in the middle', async () => {
    const { hostname: host, port } = new URL(endpoint.url);
    const socket = connect(Number(port), host);
    socket.on('error', () => undefined);
    const head = 'POST /mobility/register HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n';
    socket.write(`${head}{"vm`, () => setTimeout(() => socket.destroy(), 50));
    await untilTrue('it is noticed', () => lines.join('\n').includes('could not register'));
    expect(await post(JSON.stringify(registration('vm-1')))).toBe(204);
  });

  it('says that it failed when it cannot write the registration down', async () => {
    database.close();
    expect(await post(JSON.stringify(registration('vm-1')))).toBe(500);
    database = new SiteDatabase(folder);
  });

  it('has nothing else', async () => {
    expect(await post('', endpoint.url, 'GET')).toBe(404);
    const elsewhere = endpoint.url.replace('/mobility/register', '/mobility/agents');
    expect(await post('{}', elsewhere)).toBe(404);
  });

  it('names the port when it is taken', async () => {
    const port = Number(new URL(endpoint.url).port);
    const log = loggerOf([]);
    const listen = { host: '127.0.0.1', port };
    const attempt = startMobilityEndpoint({ listen, passphrase: PASSPHRASE, database, log });
    await expect(attempt).rejects.toMatchObject({ code: 'FB-AGENT-011', values: { port } });
  });
});

/** Runs a script to its end without blocking this process, which has to answer it. */
async function run(program: string, ...parameters: readonly string[]) {
  const child = spawn(program, parameters, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk) => (output += String(chunk)));
  child.stderr.on('data', (chunk) => (output += String(chunk)));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, output };
}

function passphraseFile(text = `${PASSPHRASE.reveal()}\n`): string {
  const file = join(folder, 'passphrase');
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

describe('register.sh', () => {
  const script = join(SCRIPTS, 'register.sh');

  it.each(['sh', 'bash'])('is a script that %s understands', (shell) => {
    const { status, stderr } = spawnSync(shell, ['-n', script], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it('registers the guest, and again', async () => {
    const parameters = [script, endpoint.url, passphraseFile(), 'vm-1'];
    expect(await run('sh', ...parameters)).toEqual({ code: 0, output: '' });
    expect(database.findMobilityAgent('vm-1')).toMatchObject({ hostName: hostname() });
    expect(await run('sh', ...parameters)).toMatchObject({ code: 0 });
  });

  it('takes ids and passphrases with blanks, quotes and letters of all kinds', async () => {
    const { code } = await run('sh', script, endpoint.url, passphraseFile(), 'vm-ü 1');
    expect(code).toBe(0);
    expect(database.findMobilityAgent('vm-ü 1')).not.toBeNull();
  });

  it('fails when the passphrase is not that of the site, without telling it', async () => {
    const file = passphraseFile('something else\n');
    const { code, output } = await run('sh', script, endpoint.url, file, 'vm-1');
    expect(code).not.toBe(0);
    expect(output).toContain('403');
    expect(output).not.toContain('something else');
    expect(database.findMobilityAgent('vm-1')).toBeNull();
  });

  it('takes a passphrase file that was written on Windows', async () => {
    const file = passphraseFile(`${PASSPHRASE.reveal()}\r\n`);
    expect(await run('sh', script, endpoint.url, file, 'vm-1')).toEqual({ code: 0, output: '' });
  });

  it('fails when there is no passphrase file', async () => {
    const { code } = await run('sh', script, endpoint.url, join(folder, 'none'), 'vm-1');
    expect(code).not.toBe(0);
    expect(database.findMobilityAgent('vm-1')).toBeNull();
  });

  it('says how it is called when it is called otherwise', async () => {
    const { code, output } = await run('sh', script, endpoint.url);
    expect(code).toBe(2);
    expect(output).toContain('register.sh URL PASSPHRASE_FILE VM_ID');
  });

  it('tries again when the configuration server is busy', async () => {
    let requests = 0;
    const server = createServer((request, response) => {
      requests += 1;
      request.resume();
      response.writeHead(requests === 1 ? 503 : 204).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      expect(await run('sh', script, url, passphraseFile(), 'vm-1')).toMatchObject({ code: 0 });
      expect(requests).toBe(2);
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });
});

describe('register.ps1', () => {
  const script = join(SCRIPTS, 'register.ps1');

  it('names the same fields and the same purpose as register.sh', () => {
    const text = readFileSync(script, 'utf8');
    for (const part of ['mobility:$Id', 'vmId =', 'hostName =', 'version =', 'proof =']) {
      expect(text).toContain(part);
    }
    for (const part of ["['vmwareTools']", "'running'", "'failed'", "'notInstalled'"]) {
      expect(text).toContain(part);
    }
  });

  if (findProgram('pwsh') === null) {
    it('is LEFT OUT: this machine has no PowerShell (pwsh)', () => {
      process.stderr.write('register.ps1 was not run: this machine has no PowerShell (pwsh).\n');
    });
  } else {
    it('registers the guest', async () => {
      const parameters = [
        '-Url',
        endpoint.url,
        '-PassphraseFile',
        passphraseFile(),
        '-VmId',
        'vm-1',
      ];
      const { code } = await run('pwsh', '-NoProfile', '-File', script, ...parameters);
      expect(code).toBe(0);
      expect(database.findMobilityAgent('vm-1')).not.toBeNull();
    });
  }
});
