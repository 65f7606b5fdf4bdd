import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LabFolder } from '../../../local/lab/lab-folder.ts';
import { must } from '../../support/must.ts';

let folder: string;
let child: ChildProcess | null = null;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lab-folder-'));
});
afterEach(async () => {
  if (child !== null) await end(child);
  child = null;
  rmSync(folder, { recursive: true, force: true });
});

async function end(process: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => process.once('exit', resolve));
  if (process.exitCode === null && process.signalCode === null) {
    process.kill('SIGKILL');
    await gone;
  }
}

function anotherProcess(): number {
  child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  return child.pid ?? 0;
}

describe("the lab's folder", () => {
  it('is made, with every folder below it that is asked for', () => {
    const lab = new LabFolder(join(folder, 'new', 'lab'));
    expect(lab.folder('site', 'vms')).toBe(join(folder, 'new/lab/site/vms'));
    expect(existsSync(lab.folder('site', 'vms'))).toBe(true);
    expect(existsSync(lab.path('not', 'made'))).toBe(false);
  });

  it('is refused when nothing can be written there', () => {
    writeFileSync(join(folder, 'file'), '');
    expect(() => new LabFolder(join(folder, 'file', 'lab'))).toThrow('is not writable');
  });

  it('has secrets that are random, kept, and for their owner only', () => {
    const first = new LabFolder(join(folder, 'a')).secrets();
    expect(new LabFolder(join(folder, 'a')).secrets()).toEqual(first);
    const other = new LabFolder(join(folder, 'b')).secrets();
    for (const name of ['storageKey', 'registrationToken', 'passphrase'] as const) {
      expect(other[name]).not.toBe(first[name]);
      expect(Buffer.from(first[name], 'base64').length).toBeGreaterThanOrEqual(16);
    }
    expect(statSync(join(folder, 'a/secrets.json')).mode & 0o077).toBe(0);
  });

  it('belongs to one lab at a time, and says which process has it', () => {
    const pid = anotherProcess();
    writeFileSync(join(folder, 'lock'), String(pid));
    expect(() => new LabFolder(folder).lock()).toThrow(`process ${pid}`);
    expect(readFileSync(join(folder, 'lock'), 'utf8')).toBe(String(pid));
  });

  it('is taken over from a lab that died', async () => {
    const pid = anotherProcess();
    writeFileSync(join(folder, 'lock'), String(pid));
    await end(must(child, 'the other process'));
    new LabFolder(folder).lock();
    expect(readFileSync(join(folder, 'lock'), 'utf8')).toBe(String(process.pid));
  });

  it.each(['', 'nonsense', '-1'])('is taken over from a lock that names nobody: %j', (text) => {
    writeFileSync(join(folder, 'lock'), text);
    new LabFolder(folder).lock();
    expect(readFileSync(join(folder, 'lock'), 'utf8')).toBe(String(process.pid));
  });

  it('is free again when it is given back, also twice', () => {
    const lab = new LabFolder(folder);
    lab.lock();
    lab.unlock();
    lab.unlock();
    expect(existsSync(join(folder, 'lock'))).toBe(false);
  });
});
