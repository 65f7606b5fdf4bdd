import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

const ROOT = resolve(import.meta.dirname ?? __dirname, '../../..');
const FIXTURE = join(ROOT, 'test/fixtures/functions-app');
const MAIN = join(ROOT, 'local/functions-host/main.ts');

/** Types are stripped without a flag only from Node 22.18 on. */
const FLAGS = ['--experimental-strip-types', '--disable-warning=ExperimentalWarning'];

let folder = '';
const children = new Set<ChildProcess>();

interface Running {
  readonly child: ChildProcess;
  readonly output: () => string;
  /** Resolves with the code the process ended with, `null` when a signal ended it. */
  readonly ended: Promise<number | null>;
}

function run(args: readonly string[]): Running {
  const env = { ...process.env, FIXTURE_LOG: join(folder, 'steps.log') };
  delete (env as Record<string, string | undefined>)['WEBSITE_HOSTNAME'];
  const child = spawn(process.execPath, [...FLAGS, MAIN, ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.add(child);
  let text = '';
  child.stdout.on('data', (chunk) => (text += String(chunk)));
  child.stderr.on('data', (chunk) => (text += String(chunk)));
  const ended = once(child, 'close').then(([code]) => {
    children.delete(child);
    return code as number | null;
  });
  return { child, output: () => text, ended };
}

function runHost(...more: string[]): Running {
  return run(['--app', FIXTURE, '--data', join(folder, 'data'), '--port', '0', ...more]);
}

async function until<T>(probe: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (let attempt = 0; attempt < 3000; attempt += 1) {
    const value = await probe();
    if (value !== undefined) return value;
    await sleep(5);
  }
  throw new Error('what was waited for did not happen');
}

const READY = /Functions host listening on (http:\/\/127\.0\.0\.1:\d+)/;

async function urlOf({ output, ended }: Running): Promise<string> {
  let hasEnded = false;
  void ended.then(() => (hasEnded = true));
  return until(() => {
    const url = READY.exec(output())?.[1];
    if (url === undefined && hasEnded) throw new Error(`the host ended: ${output()}`);
    return url;
  });
}

function stepsDone(): number {
  const file = join(folder, 'steps.log');
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').length : 0;
}

function keys(): { readonly host: Record<string, string>; readonly durable: string } {
  const text = readFileSync(join(folder, 'data/keys.json'), 'utf8');
  return JSON.parse(text) as ReturnType<typeof keys>;
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'killed-host-'));
});

afterEach(async () => {
  for (const child of children) {
    const closed = once(child, 'close');
    child.kill('SIGKILL');
    await closed;
  }
  rmSync(folder, { recursive: true, force: true });
});

describe('a host process that is killed', () => {
  it('comes to the right end after kill -9, several times over', async () => {
    let host = runHost();
    const url = await urlOf(host);
    const started = await fetch(`${url}/api/steps/i`, {
      method: 'POST',
      headers: { 'x-functions-key': keys().host['default'] ?? '' },
    });
    expect(started.status).toBe(202);
    expect(started.headers.get('location')).toContain(url);
    for (const steps of [2, 5, 9]) {
      await until(() => (stepsDone() >= steps ? true : undefined));
      host.child.kill('SIGKILL');
      expect(await host.ended).toBeNull();
      host = runHost();
      await urlOf(host);
    }
    const lastUrl = await urlOf(host);
    const status = await until(async () => {
      const path = '/runtime/webhooks/durabletask/instances/i';
      const answer = await fetch(`${lastUrl}${path}?code=${keys().durable}`);
      return answer.status === 200 ? ((await answer.json()) as object) : undefined;
    });
    expect(status).toMatchObject({
      runtimeStatus: 'Completed',
      output: Array.from({ length: 12 }, (_unused, step) => step * step),
    });
    // At least once: a step that was running when the host died ran again, and nothing else did.
    expect(stepsDone()).toBeGreaterThanOrEqual(12);
    expect(stepsDone()).toBeLessThanOrEqual(12 + 3);
  }, 60_000);
});

describe('the command line', () => {
  it('stops cleanly on SIGTERM', async () => {
    const host = runHost();
    await urlOf(host);
    expect(await until(() => /Functions: .*/.exec(host.output())?.[0])).toBe(
      'Functions: steps, step, startSteps',
    );
    host.child.kill('SIGTERM');
    expect(await host.ended).toBe(0);
  });

  it('prints help', async () => {
    const help = run(['--help']);
    expect(await help.ended).toBe(0);
    expect(help.output()).toContain('--settings FILE');
  });

  it('says in one sentence that the port is in use', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const address = server.address();
      const port = typeof address === 'object' ? address?.port : undefined;
      const host = runHost('--port', String(port));
      expect(await host.ended).toBe(1);
      expect(host.output()).toContain(`Port ${port} is in use. Stop what listens there`);
    } finally {
      server.close();
    }
  });

  it.each([
    ['{"main":"dist/*.js"}', '', /The build is missing: nothing matches dist\/\*\.js/],
    [
      '{"main":"app.cjs"}',
      'throw new Error("no such setting")',
      /The app threw while .*app\.cjs was loading: no such setting/,
    ],
    ['{"main":"app.cjs"}', '', /The app registered no functions/],
  ])('says what is wrong with the app %s %s', async (packageJson, code, message) => {
    const app = join(folder, 'app');
    mkdirSync(app);
    writeFileSync(join(app, 'package.json'), packageJson);
    writeFileSync(join(app, 'app.cjs'), code);
    const host = runHost('--app', app);
    expect(await host.ended).toBe(1);
    expect(host.output()).toMatch(message);
    expect(host.output().trim().split('\n')).toHaveLength(1);
  });

  it.each([
    [['--port', '70000'], /"70000" is no port/],
    [['--log-level', 'loud'], /"loud" is no log level/],
    [['--settings', 'nowhere.json'], /The settings file nowhere\.json does not exist/],
    [['--data', '/dev/null/data'], /The data folder \/dev\/null\/data is not writable/],
  ])('refuses %j', async (args, message) => {
    const host = runHost(...args);
    expect(await host.ended).toBe(1);
    expect(host.output()).toMatch(message);
  });
});
