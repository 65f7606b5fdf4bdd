import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { RULES } from '../../../shared/domain/preflight/rules/index.ts';
import { CATALOGUE } from '../../../shared/errors/catalogue.ts';

const ROOT = join(import.meta.dirname, '../../..');
const CATALOGUE_SCRIPT = join(ROOT, 'scripts/generate-error-catalogue.mjs');
const RULES_SCRIPT = join(ROOT, 'scripts/generate-preflight-rules.mjs');
const BUILD_SCRIPT = join(ROOT, 'scripts/after-build.mjs');
const PACKAGE_SCRIPT = join(ROOT, 'scripts/package-agents.mjs');

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'scripts-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function run(script: string, cwd: string, ...parameters: readonly string[]) {
  const { status, stderr } = spawnSync(process.execPath, [script, ...parameters], {
    cwd,
    encoding: 'utf8',
    timeout: 30_000,
  });
  return { status, stderr };
}

describe('the document of errors', () => {
  it('names every error with its causes and what to do', () => {
    const text = readFileSync(join(ROOT, 'docs/errors.md'), 'utf8');
    for (const [code, entry] of Object.entries(CATALOGUE)) {
      const [, section = ''] = text.split(`## ${code}\n`);
      const [own = ''] = section.split('\n## ');
      expect(own).toContain(entry.recommendedAction);
      for (const cause of entry.possibleCauses) expect(own).toContain(cause);
    }
    expect(text.match(/^## /gm)).toHaveLength(Object.keys(CATALOGUE).length);
  });
});

describe('the document of preflight rules', () => {
  it('names every rule once, with its code', () => {
    const text = readFileSync(join(ROOT, 'docs/preflight.md'), 'utf8');
    for (const { id, statement, errorCode } of RULES) {
      expect(text.split(`| \`${id}\` |`)).toHaveLength(2);
      expect(text).toContain(`| ${statement} |`);
      expect(text).toContain(`[${errorCode}](errors.md#${errorCode.toLowerCase()})`);
    }
  });
});

describe.each([
  ['docs/errors.md', CATALOGUE_SCRIPT],
  ['docs/preflight.md', RULES_SCRIPT],
])('%s', (document, script) => {
  it('is up to date', () => {
    expect(run(script, ROOT, '--check')).toMatchObject({ status: 0 });
  });

  it('is told to be out of date when it is missing or was changed, without being touched', () => {
    mkdirSync(join(folder, 'docs'));
    const file = join(folder, document);
    const missing = run(script, folder, '--check');
    expect(missing.status).toBe(1);
    expect(missing.stderr).toContain('npm run docs');
    expect(existsSync(file)).toBe(false);

    expect(run(script, folder).status).toBe(0);
    expect(run(script, folder, '--check').status).toBe(0);
    expect(readFileSync(file, 'utf8')).toBe(readFileSync(join(ROOT, document), 'utf8'));

    appendFileSync(file, 'by hand\n');
    expect(run(script, folder, '--check').status).toBe(1);
    expect(readFileSync(file, 'utf8')).toContain('by hand');
  });
});

describe('after the build', () => {
  it('the scripts that run on other machines are beside the built agents, and can be run', () => {
    mkdirSync(join(folder, 'agents/mobility'), { recursive: true });
    writeFileSync(join(folder, 'agents/mobility/register.sh'), '#!/bin/sh\n', { mode: 0o600 });
    writeFileSync(join(folder, 'agents/mobility/register.ps1'), 'exit\n');
    mkdirSync(join(folder, 'agents/service'));
    writeFileSync(join(folder, 'agents/service/install-service.sh'), '#!/bin/sh\n', {
      mode: 0o600,
    });
    expect(run(BUILD_SCRIPT, folder)).toMatchObject({ status: 0 });
    const built = join(folder, 'dist/agents');
    expect(readFileSync(join(built, 'mobility/register.ps1'), 'utf8')).toBe('exit\n');
    for (const script of ['mobility/register.sh', 'service/install-service.sh']) {
      expect(statSync(join(built, script)).mode & 0o777).toBe(0o755);
    }
  });
});

describe('the package of the agents', () => {
  it('is not made of programs that were not built', () => {
    const { status, stderr } = run(PACKAGE_SCRIPT, folder);
    expect(status).toBe(1);
    expect(stderr).toContain('npm run build');
    expect(existsSync(join(folder, 'build'))).toBe(false);
  });
});
