import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { processesOf, Program } from '../support/lab/program.ts';

const TEST_DEADLINE_MS = 400_000;
const IN_THE_MIDDLE = /Copying disks +[█░]+ .* of /;

describe('the demonstration', () => {
  let folder: string;
  let program: Program | undefined;

  beforeAll(() => {
    folder = join(mkdtempSync(join(tmpdir(), 'demo-')), 'lab');
  });

  afterAll(async () => {
    await program?.dispose();
    rmSync(join(folder, '..'), { recursive: true, force: true });
  }, TEST_DEADLINE_MS);

  function demo(): Program {
    program = new Program('dist/local/lab/main.js', [
      'demo',
      '--simulate-boot',
      '--folder',
      folder,
    ]);
    return program;
  }

  it(
    'brings its machine home with one command, says so, and leaves no process behind',
    async () => {
      const { code, stdout, stderr } = await demo().ended();
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toContain('demo-vm is home and replicates towards Azure');
      expect(stdout).toMatch(/Proof before boot +\d+ blocks compared, 0 differ/);
      expect(stdout.match(/identical to the Azure disk at shutdown/g)).toHaveLength(2);
      expect(processesOf(folder)).toEqual([]);
    },
    TEST_DEADLINE_MS,
  );

  it(
    'starts afresh in the folder of the last one, and leaves no process behind when Ctrl-C ends it in the middle of a transfer',
    async () => {
      const again = demo();
      await again.says(/Started failback fb-/);
      await again.says(IN_THE_MIDDLE);
      expect(processesOf(folder).length).toBeGreaterThanOrEqual(4);
      const { code, stdout, stderr } = await again.interrupt();
      expect({ code, stderr }).toEqual({ code: 130, stderr: '' });
      expect(stdout).toContain('npm run demo -- --resume');
      expect(processesOf(folder)).toEqual([]);
      expect(existsSync(join(folder, 'lock'))).toBe(false);
    },
    TEST_DEADLINE_MS,
  );

  it(
    'goes on from there with --resume, and ends as if nothing had happened',
    async () => {
      program = new Program('dist/local/lab/main.js', [
        'demo',
        '--resume',
        '--simulate-boot',
        '--folder',
        folder,
      ]);
      const { code, stdout, stderr } = await program.ended();
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toMatch(/Resumed failback fb-/);
      expect(stdout.match(/identical to the Azure disk at shutdown/g)).toHaveLength(2);
      expect(stdout).toContain('demo-vm is home and replicates towards Azure');
      expect(processesOf(folder)).toEqual([]);
    },
    TEST_DEADLINE_MS,
  );
});
