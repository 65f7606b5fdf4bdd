import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Child } from '../../../local/lab/child.ts';

let folder: string;
const children: Child[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'child-'));
});
afterEach(async () => {
  await Promise.all(children.splice(0).map((child) => child.stop()));
  rmSync(folder, { recursive: true, force: true });
});

const logFile = (): string => join(folder, 'program.log');

function start(code: string, args: readonly string[] = []): Child {
  writeFileSync(join(folder, 'program.mjs'), code);
  const child = new Child(folder, {
    name: 'program',
    program: 'program.mjs',
    args,
    environment: { GREETING: 'hello' },
    logFile: logFile(),
    readyLine: /^ready$/,
  });
  children.push(child);
  return child;
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('a program of the lab', () => {
  it('is ready when it says so, and was given what it needs', async () => {
    const child = start(
      `console.error(process.env.GREETING, process.argv[2]); console.log('already'); console.log('ready');
       setInterval(() => {}, 1000);`,
      ['--option'],
    );
    await child.ready();
    expect(readFileSync(logFile(), 'utf8')).toContain('hello --option');
  });

  it('that ends before it is ready names its code, its last words and its log', async () => {
    const child = start("console.error('The port is taken.'); process.exit(7);");
    const says = `program ended with code 7: The port is taken. (${logFile()})`;
    await expect(child.ready()).rejects.toThrow(says);
  });

  it('may put its things in order when it is stopped', async () => {
    const child = start(
      `import { writeFileSync } from 'node:fs';
       process.on('SIGTERM', () => { writeFileSync(${JSON.stringify(join(folder, 'ordered'))}, ''); process.exit(0); });
       console.log('ready'); setInterval(() => {}, 1000);`,
    );
    await child.ready();
    await child.stop();
    expect(existsSync(join(folder, 'ordered'))).toBe(true);
    expect(isAlive(child.pid)).toBe(false);
    await child.stop();
  });

  it('may not when it is killed', async () => {
    const child = start(
      `process.on('SIGTERM', () => {}); console.log('ready'); setInterval(() => {}, 1000);`,
    );
    await child.ready();
    await child.kill();
    expect(isAlive(child.pid)).toBe(false);
  });

  it('adds to the log of its earlier run', async () => {
    const code = `console.error('run'); console.log('ready');`;
    await start(code).ready();
    await start(code).ready();
    expect(readFileSync(logFile(), 'utf8').match(/run/g)).toHaveLength(2);
  });
});
