import { execFile } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { ALLOWED, FORBIDDEN, PLANTED } from './planted-files.ts';

const ROOT = join(import.meta.dirname, '../..');
const OXLINT = join(ROOT, 'node_modules/oxlint/bin/oxlint');

const reportSchema = z.object({
  diagnostics: z.array(z.object({ code: z.string(), filename: z.string() })),
});

let folder: string;
/** Rules that were reported, by file. */
let reported: Map<string, string[]>;

async function lint(): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { cwd: folder, maxBuffer: 64 * 1024 ** 2, timeout: 60_000 };
    const parameters = [OXLINT, '--type-aware', '--deny-warnings', '-f', 'json', '.'];
    execFile(process.execPath, parameters, options, (error, stdout, stderr) => {
      // It ends with an error because it finds something; only no report at all is a failure.
      if (stdout.includes('"diagnostics"')) resolve(stdout);
      else
        reject(
          new Error(`oxlint gave no report: ${stderr || (error?.message ?? 'nothing at all')}`),
        );
    });
  });
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'boundaries-'));
  for (const file of ['.oxlintrc.json', 'tsconfig.json', 'package.json']) {
    copyFileSync(join(ROOT, file), join(folder, file));
  }
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'), 'dir');
  const files = [
    ...PLANTED.map(({ file, text }) => [file, text] as const),
    ...Object.entries(ALLOWED),
  ];
  for (const [file, text] of files) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  reported = new Map();
  for (const { code, filename } of reportSchema.parse(JSON.parse(await lint())).diagnostics) {
    reported.set(filename, [...(reported.get(filename) ?? []), code]);
  }
}, 90_000);

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('the lint rules', () => {
  it('are tried with a file of its own for each', () => {
    const files = [...PLANTED.map(({ file }) => file), ...Object.keys(ALLOWED)];
    expect(new Set(files).size).toBe(files.length);
  });

  it.each(PLANTED)('find $what', ({ file, rule }) => {
    expect(reported.get(file)).toContain(rule);
  });

  it.each(
    Object.keys(ALLOWED)
      .filter((file) => file !== 'shared/domain/two.ts')
      .map((file) => [file] as const),
  )('leave %s alone', (file) => {
    expect(reported.get(file) ?? []).toEqual([]);
  });

  it('have a planted file for every folder that the configuration restricts', () => {
    const { overrides } = z
      .object({
        overrides: z.array(
          z.object({ files: z.array(z.string()), rules: z.record(z.string(), z.unknown()) }),
        ),
      })
      .parse(JSON.parse(readFileSync(join(ROOT, '.oxlintrc.json'), 'utf8')));
    const restricted = overrides
      .filter(({ rules }) => 'no-restricted-imports' in rules)
      .flatMap(({ files }) => files.map((glob) => glob.replace(/\/\*\*\/\*\.ts$/, '')));
    const planted = Object.keys(FORBIDDEN);
    const isPlanted = (prefix: string) => planted.some((name) => `${name}/`.startsWith(prefix));
    // functions/app.ts shares its entry with functions/composition.
    const missing = restricted
      .filter((name) => name !== 'functions/app.ts')
      .filter((name) => !isPlanted(`${name}/`));
    expect(missing).toEqual([]);
    expect(restricted.length).toBeGreaterThan(8);
  });
});
