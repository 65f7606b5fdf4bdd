import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';

const ROOT = join(import.meta.dirname, '../..');
const PRODUCT = ['functions', 'orchestrations', 'activities', 'shared', 'agents', 'local'];
const MAX_FILE_LINES = 350;
/** Not ours, or made by a tool. */
const SKIPPED = ['.git', '.lab', 'node_modules', 'dist', 'coverage', 'local.settings.json'];

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const json = (path: string): unknown => JSON.parse(read(path));

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => !SKIPPED.includes(name))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return filesUnder(path);
      return entry.isFile() ? [relative(ROOT, path)] : [];
    });
}

const FILES = filesUnder(ROOT);
const DOCUMENTS = FILES.filter((path) => path.endsWith('.md'));

const packageSchema = z.object({
  main: z.string(),
  type: z.literal('module'),
  engines: z.object({ node: z.string() }),
  scripts: z.record(z.string(), z.string()),
  dependencies: z.record(z.string(), z.string()),
});
const manifest = packageSchema.parse(json('package.json'));

describe('the source', () => {
  it.each([...PRODUCT, 'test'])(
    `has no file in %s with more than ${MAX_FILE_LINES} lines`,
    (folder) => {
      const files = globSync(`${folder}/**/*.{ts,mjs,sh,ps1}`, { cwd: ROOT });
      expect(files.length).toBeGreaterThan(10);
      const tooLong = files
        .map((path) => ({ path, lines: read(path).trimEnd().split('\n').length }))
        .filter(({ lines }) => lines > MAX_FILE_LINES);
      expect(tooLong).toEqual([]);
    },
  );

  it('does not name a folder of the machine it was written on', () => {
    const machinePath =
      /(?:^|[\s"'`(=:])(?:\/(?:home|Users)\/[a-z]\w*|\/(?:root|work)\/\w|[A-Z]:\\Users\\)/m;
    const found = FILES.filter((path) => machinePath.test(read(path)));
    expect(found).toEqual([]);
    // The guard itself must see what it looks for.
    expect(machinePath.test(['see "', 'home', 'someone'].join('/'))).toBe(true);
    expect(machinePath.test(['in ', 'work', 'checkout'].join('/'))).toBe(true);
  });

  it('does not name the host of a package registry', () => {
    const host =
      /registry\.npmjs|npm\.pkg\.github|registry\.yarnpkg|artifactory|jfrog|pkgs\.dev\.azure/i;
    const own = relative(ROOT, join(import.meta.dirname, 'repository.test.ts'));
    expect(host.test(read(own))).toBe(true);
    const found = FILES.filter((path) => path !== own && host.test(read(path)));
    expect(found).toEqual([]);
    expect(read('package-lock.json')).not.toMatch(/"resolved": "http/);
  });

  it('holds no key, token or certificate of anybody', () => {
    const secret =
      /-----BEGIN (?:EC |RSA )?PRIVATE KEY-----\s+[A-Za-z0-9+/]{16}|AccountKey=(?!Eby8vdM02xNO)[A-Za-z0-9+/]{40}|gh[pousr]_[A-Za-z0-9]{30}/;
    expect(FILES.filter((path) => secret.test(read(path)))).toEqual([]);
    expect(secret.test(`AccountKey=${'a'.repeat(44)}`)).toBe(true);
  });

  it('leaves nothing for later without saying so', () => {
    const product = globSync(
      '{functions,orchestrations,activities,shared,agents,local,scripts}/**/*',
      {
        cwd: ROOT,
      },
    ).filter((path) => statSync(join(ROOT, path)).isFile());
    const marks =
      /\b(?:TODO|FIXME|XXX|HACK)\b|(?:eslint|oxlint)-disable|@ts-(?:ignore|nocheck|expect-error)/;
    expect(product.filter((path) => marks.test(read(path)))).toEqual([]);
  });

  it('runs every test: each is in the folder of one suite', () => {
    const tests = globSync('test/**/*.test.*', { cwd: ROOT });
    const suites = [...read('jest.config.mjs').matchAll(/suite\('\w+', \[([^\]]+)\]/g)].flatMap(
      ([, folders = '']) => [...folders.matchAll(/'(\w+)'/g)].map(([, folder = '']) => folder),
    );
    expect(suites).toEqual(expect.arrayContaining(['unit', 'activities', 'architecture']));
    const lost = tests.filter(
      (path) => !path.endsWith('.test.ts') || !suites.includes(path.split('/')[1] ?? ''),
    );
    expect(lost).toEqual([]);
  });
});

describe('the documents', () => {
  it.each(DOCUMENTS)('%s links only to what exists', (path) => {
    const links = [...read(path).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)];
    const broken = links
      .map(([, target = '']) => target)
      .filter((target) => !existsSync(join(ROOT, dirname(path), decodeURIComponent(target))));
    expect(broken).toEqual([]);
  });

  it.each([...DOCUMENTS, '.ci/run'])('%s calls only scripts of npm that exist', (path) => {
    const called = [...read(path).matchAll(/\bnpm (?:run (?:--silent )?)?([a-z][\w:-]*)/g)]
      .map(([whole, name = '']) => ({ isRun: whole.startsWith('npm run'), name }))
      .filter(({ isRun, name }) => isRun || ['test', 'start'].includes(name))
      .map(({ name }) => name);
    for (const name of called) expect(Object.keys(manifest.scripts)).toContain(name);
  });

  it('name only shell scripts and programs that exist', () => {
    const commands = DOCUMENTS.flatMap((path) => [
      ...read(path).matchAll(/\b(?:bash|sh) ((?:[\w.-]+\/)+[\w.-]+\.sh)\b/g),
    ]).map(([, script = '']) => script);
    expect(commands.length).toBeGreaterThan(0);
    for (const script of commands) expect(existsSync(join(ROOT, script))).toBe(true);
  });
});

describe('continuous integration', () => {
  const lines = read('.ci/run')
    .split('\n')
    .map((line) => line.trim());
  const commandsOf = (heading: string): string[] => {
    const section = read('README.md').split(`## ${heading}\n`)[1] ?? '';
    const [, block = ''] = /```sh\n([\s\S]*?)```/.exec(section) ?? [];
    return block.trim().split(' && ');
  };

  it.each(['Test it', 'See it'])('runs what the README tells a newcomer under "%s"', (heading) => {
    const commands = commandsOf(heading);
    expect(commands.length).toBeGreaterThan(1);
    for (const command of commands) expect(lines).toContain(command);
  });

  it('is a script that can be run and stops at the first failure', () => {
    expect(statSync(join(ROOT, '.ci/run')).mode & 0o111).toBe(0o111);
    expect(lines).toContain('set -euo pipefail');
    execFileSync('bash', ['-n', join(ROOT, '.ci/run')]);
  });

  it('demands the peers, so that no test is left out there', () => {
    expect(lines).toContain('export REQUIRE_PEERS=1');
    expect(lines.findIndex((line) => line.includes('test/peers/install.sh'))).toBeLessThan(
      lines.indexOf('npm test'),
    );
  });
});

describe('the Function App as it is published', () => {
  const ignored = read('.funcignore').split('\n').filter(Boolean);

  it('has a host file for the version and the routes that the code counts on', () => {
    const host = z
      .object({
        version: z.literal('2.0'),
        extensionBundle: z.object({ id: z.string(), version: z.string().regex(/^\[4\./) }),
        extensions: z.object({
          http: z.object({ routePrefix: z.literal('api') }),
          durableTask: z.object({ hubName: z.string().regex(/^[A-Za-z][A-Za-z0-9]{2,44}$/) }),
        }),
      })
      .parse(json('host.json'));
    expect(host.extensionBundle.id).toBe('Microsoft.Azure.Functions.ExtensionBundle');
  });

  it('has a sample of its settings without a secret', () => {
    const sample = z
      .object({ IsEncrypted: z.literal(false), Values: z.record(z.string(), z.string()) })
      .parse(json('local.settings.sample.json'));
    expect(sample.Values['FUNCTIONS_WORKER_RUNTIME']).toBe('node');
    for (const name of ['FAILBACK_REGISTRATION_TOKEN', 'FAILBACK_PASSPHRASE']) {
      expect(sample.Values[name]).toMatch(/^<.+>$/);
    }
  });

  it('ships the built app and leaves the lab, the agents and the tests at home', () => {
    expect(manifest.main).toBe('dist/functions/app.js');
    const shipped = ['dist', 'dist/functions', 'dist/shared', 'host.json', 'package.json'];
    const needed = [...shipped, 'dist/orchestrations', 'dist/activities', 'node_modules'];
    for (const path of needed) expect(ignored).not.toContain(path);
    for (const path of ['*.ts', 'test', 'local', 'dist/local', 'dist/agents']) {
      expect(ignored).toContain(path);
    }
    expect(ignored).toContain('local.settings*.json');
  });

  it('has every package that its code imports among the dependencies that are shipped', () => {
    const sources = globSync('{functions,orchestrations,activities,shared,agents}/**/*.ts', {
      cwd: ROOT,
    });
    const packages = sources.flatMap((path) =>
      [...read(path).matchAll(/(?:from|import) '((?:@[\w.-]+\/)?[\w.-]+)(?:\/[\w./-]+)?'/g)]
        .map(([, name = '']) => name)
        .filter((name) => !name.startsWith('.') && name !== 'node'),
    );
    const missing = packages.filter((name) => !(name in manifest.dependencies));
    expect(new Set(missing)).toEqual(new Set());
    expect(new Set(packages).size).toBeGreaterThan(5);
  });
});
