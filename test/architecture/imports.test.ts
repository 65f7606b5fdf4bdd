import { globSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { describe, expect, it } from '@jest/globals';

const ROOT = join(import.meta.dirname, '../..');
const PRODUCT = '{functions,orchestrations,activities,shared,agents,local,types}/**/*.ts';

/** Folder → folders it may import besides itself, as docs/architecture.md has them. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'shared/errors': [],
  'shared/policy': [],
  'shared/domain': ['shared/errors', 'shared/policy'],
  'shared/contracts': ['shared/domain', 'shared/errors', 'shared/policy'],
  'shared/ports': ['shared/contracts', 'shared/domain', 'shared/errors'],
  'shared/services': [
    'shared/contracts',
    'shared/domain',
    'shared/errors',
    'shared/policy',
    'shared/ports',
  ],
  'shared/adapters/azure': [
    'shared/contracts',
    'shared/domain',
    'shared/errors',
    'shared/policy',
    'shared/ports',
  ],
  'shared/adapters/https': ['shared/domain', 'shared/errors', 'shared/ports'],
  orchestrations: ['shared/contracts', 'shared/domain', 'shared/errors', 'shared/policy'],
  activities: [
    'shared/contracts',
    'shared/domain',
    'shared/errors',
    'shared/policy',
    'shared/ports',
    'shared/services',
  ],
  functions: [
    'shared/contracts',
    'shared/domain',
    'shared/errors',
    'shared/policy',
    'shared/ports',
    'shared/services',
  ],
  'functions/composition': [
    'functions',
    'activities',
    'orchestrations',
    'shared/adapters/azure',
    'shared/adapters/https',
    'shared/domain',
    'shared/contracts',
    'shared/errors',
    'shared/ports',
  ],
  agents: ['shared/contracts', 'shared/domain', 'shared/errors', 'shared/policy', 'shared/ports'],
};

/** The composition root is one file beside folders that may do less. */
const COMPOSITION_ROOT = 'functions/app.ts';

interface Import {
  readonly file: string;
  readonly specifier: string;
  /** The file in the repository, or the package. */
  readonly target: string;
}

const withoutComments = (text: string): string =>
  text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '');

const FILES = globSync(PRODUCT, { cwd: ROOT }).map((path) => ({
  path: path.replaceAll('\\', '/'),
  text: withoutComments(readFileSync(join(ROOT, path), 'utf8')),
}));

const IMPORTS: readonly Import[] = FILES.flatMap(({ path: file, text }) =>
  [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'([^']+)'/g)].map(([, specifier = '']) => ({
    file,
    specifier,
    target: specifier.startsWith('.') ? posix.join(dirname(file), specifier) : specifier,
  })),
);

/** The longest folder of the table that holds the file. */
function folderOf(file: string): string | undefined {
  if (file === COMPOSITION_ROOT) return 'functions/composition';
  return Object.keys(MAY_IMPORT)
    .filter((folder) => file.startsWith(`${folder}/`))
    .toSorted((a, b) => b.length - a.length)[0];
}

function isAllowed({ file, specifier, target }: Import): boolean {
  const folder = folderOf(file);
  if (folder === undefined || !specifier.startsWith('.')) return true;
  const allowed = [folder, ...(MAY_IMPORT[folder] ?? [])];
  return allowed.includes(folderOf(target) ?? '');
}

const show = ({ file, specifier }: Import): string => `${file} → ${specifier}`;

describe('the imports of the product', () => {
  it('are found by this test at all', () => {
    expect(IMPORTS.length).toBeGreaterThan(500);
    expect(FILES.some(({ path }) => path === COMPOSITION_ROOT)).toBe(true);
    const strange: Import = {
      file: 'shared/domain/x.ts',
      specifier: '../ports/y.ts',
      target: 'shared/ports/y.ts',
    };
    expect(isAllowed(strange)).toBe(false);
  });

  it.each(Object.keys(MAY_IMPORT))(
    'of %s go where the table allows, and nowhere else',
    (folder) => {
      const own = IMPORTS.filter(({ file }) => folderOf(file) === folder);
      expect(own.filter((it) => !isAllowed(it)).map(show)).toEqual([]);
    },
  );

  it('never go to the tests', () => {
    expect(IMPORTS.filter(({ target }) => target.startsWith('test/')).map(show)).toEqual([]);
  });

  it('of the Azure SDKs are in the adapters only, but for the queue and blobs of agents', () => {
    const sdk = IMPORTS.filter(({ specifier }) => specifier.startsWith('@azure/'))
      .filter(({ specifier }) => specifier !== '@azure/functions')
      .filter(({ file }) => !/^(?:shared\/adapters\/azure|agents|local)\//.test(file));
    expect(sdk.map(show)).toEqual([]);
  });

  it('of Node.js say node:, which is what the lint rules look for', () => {
    const bare =
      /^(?:assert|buffer|child_process|crypto|dns|events|fs|https?|net|os|path|stream|timers|tls|url|util|worker_threads|zlib)(?:\/|$)/;
    expect(bare.test('fs/promises')).toBe(true);
    expect(IMPORTS.filter(({ specifier }) => bare.test(specifier)).map(show)).toEqual([]);
  });
});

describe('orchestrations', () => {
  const own = FILES.filter(({ path }) => path.startsWith('orchestrations/'));

  it.each([
    ['wait by yield, never by await', /\basync\b|\bawait\b/],
    ['take the time from their context', /\bnew Date\(\s*\)|\bDate\(\)/],
    ['do not reach around the lint rules for globals', /\bglobalThis\b/],
  ])('%s', (_rule, forbidden) => {
    expect(own.length).toBeGreaterThan(10);
    expect(own.filter(({ text }) => forbidden.test(text)).map(({ path }) => path)).toEqual([]);
  });
});
