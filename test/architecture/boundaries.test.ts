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

const ROOT = join(import.meta.dirname, '../..');
const OXLINT = join(ROOT, 'node_modules/oxlint/bin/oxlint');

const reportSchema = z.object({
  diagnostics: z.array(z.object({ code: z.string(), filename: z.string() })),
});

/** What is planted, the file it is planted in, and the rule that must find it. */
interface Planted {
  readonly what: string;
  readonly file: string;
  readonly text: string;
  readonly rule: string;
}

const importing = (specifier: string): string =>
  `import { planted } from '${specifier}';\n\nexport const used: unknown = planted;\n`;
const importingType = (specifier: string): string =>
  `import type { Planted } from '${specifier}';\n\nexport type Used = Planted;\n`;
const using = (expression: string): string => `export const used: unknown = ${expression};\n`;

const IMPORTS = 'eslint(no-restricted-imports)';
const GLOBALS = 'eslint(no-restricted-globals)';
const PROPERTIES = 'eslint(no-restricted-properties)';

/** Folder → what a file in it (one level down where there is a slash) must not import. */
const FORBIDDEN: Readonly<Record<string, readonly string[]>> = {
  orchestrations: [
    'node:fs',
    'node:fs/promises',
    '@azure/storage-blob',
    '@azure/functions',
    '../activities/read-item.ts',
    '../functions/app.ts',
    '../agents/runtime/types.ts',
    '../local/lab/main.ts',
    '../shared/adapters/azure/sas.ts',
    '../shared/ports/azure.ts',
  ],
  'orchestrations/support': ['../../activities/read-item.ts', '../../shared/ports/azure.ts'],
  activities: [
    '@azure/arm-compute',
    '../orchestrations/commit.orchestration.ts',
    '../functions/support/http.ts',
    '../agents/runtime/types.ts',
    '../local/lab/main.ts',
    '../shared/adapters/azure/sas.ts',
  ],
  'functions/http': [
    '../../orchestrations/commit.orchestration.ts',
    '../../activities/read-item.ts',
    '../../shared/adapters/azure/sas.ts',
    '../../agents/runtime/types.ts',
    '../../local/lab/main.ts',
  ],
  'functions/composition': ['../../agents/runtime/types.ts', '../../local/lab/main.ts'],
  ...Object.fromEntries(
    ['domain', 'errors', 'policy', 'contracts', 'ports'].map((part) => [
      `shared/${part}`,
      [
        '@azure/storage-blob',
        '@azure/core-rest-pipeline',
        'node:crypto',
        'node:timers/promises',
        '../../activities/read-item.ts',
        '../../orchestrations/commit.orchestration.ts',
        '../../functions/support/http.ts',
        '../../agents/runtime/types.ts',
        '../../local/lab/main.ts',
        '../adapters/azure/sas.ts',
      ],
    ]),
  ),
  'shared/adapters/azure': [
    '../../../activities/read-item.ts',
    '../../../orchestrations/commit.orchestration.ts',
    '../../../functions/support/http.ts',
    '../../../agents/runtime/types.ts',
    '../../../local/lab/main.ts',
  ],
  'agents/process-server': [
    '../../activities/read-item.ts',
    '../../orchestrations/commit.orchestration.ts',
    '../../functions/support/http.ts',
    '../../local/lab/main.ts',
    '../../shared/adapters/azure/sas.ts',
  ],
  'agents/configuration-server/hypervisors/other': [
    '../../../../local/lab/main.ts',
    '../../../../shared/adapters/azure/sas.ts',
  ],
};

const slug = (text: string): string =>
  text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');

const IMPORTING: readonly Planted[] = Object.entries(FORBIDDEN).flatMap(([folder, specifiers]) =>
  specifiers.flatMap((specifier) => [
    {
      what: `${folder} importing ${specifier}`,
      file: `${folder}/value-${slug(specifier)}.ts`,
      text: importing(specifier),
      rule: IMPORTS,
    },
    {
      what: `${folder} importing a type of ${specifier}`,
      file: `${folder}/type-${slug(specifier)}.ts`,
      text: importingType(specifier),
      rule: IMPORTS,
    },
  ]),
);

const UNDETERMINISTIC: readonly Planted[] = [
  ['Date.now()', PROPERTIES],
  ['Math.random()', PROPERTIES],
  ['process.env', GLOBALS],
  ['console', GLOBALS],
  ['setTimeout(() => undefined, 1)', GLOBALS],
  ['setInterval(() => undefined, 1)', GLOBALS],
  ['setImmediate(() => undefined)', GLOBALS],
  ["fetch('https://a.example')", GLOBALS],
  ['crypto.randomUUID()', GLOBALS],
  ['performance.now()', GLOBALS],
].map(([expression = '', rule = '']) => ({
  what: `an orchestration using ${expression}`,
  file: `orchestrations/using-${slug(expression)}.ts`,
  text: using(expression),
  rule,
}));

const many = (count: number, line: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => line(index)).join('\n');

/** Rules that hold everywhere. */
const EVERYWHERE: readonly Planted[] = [
  [
    'a promise that nobody waits for',
    'const work = async (): Promise<void> => Promise.resolve();\nexport function start(): void {\n  work();\n}\n',
    'typescript(no-floating-promises)',
  ],
  [
    'an unhandled promise where nothing is expected back',
    'export const start = (items: readonly string[]): void => {\n  items.forEach(async (item) => Promise.resolve(item));\n};\n',
    'typescript(no-misused-promises)',
  ],
  ['any', 'export const used: any = 1;\n', 'typescript(no-explicit-any)'],
  [
    'an exclamation mark',
    'export const first = (items: readonly string[]): string => items[0]!;\n',
    'typescript(no-non-null-assertion)',
  ],
  ['a default export', 'export default 1;\n', 'import(no-default-export)'],
  ['the console', "export const say = (): void => console.log('x');\n", 'eslint(no-console)'],
  [
    'a text that is thrown',
    "export function fail(): never {\n  throw 'x';\n}\n",
    'typescript(only-throw-error)',
  ],
  [
    'five parameters',
    'export const sum = (a: number, b: number, c: number, d: number, e: number): number => a + b + c + d + e;\n',
    'eslint(max-params)',
  ],
  [
    'a function of 71 lines',
    `export function long(): number {\n  let sum = 0;\n${many(68, (line) => `  sum += ${line};`)}\n  return sum;\n}\n`,
    'eslint(max-lines-per-function)',
  ],
  [
    'a function with thirteen ways through it',
    `export function branch(x: number): number {\n${many(12, (n) => `  if (x === ${n}) return ${n + 1};`)}\n  return 0;\n}\n`,
    'eslint(complexity)',
  ],
  [
    'a case that was forgotten',
    "export function of(kind: 'a' | 'b'): number | undefined {\n  switch (kind) {\n    case 'a':\n      return 1;\n  }\n  return undefined;\n}\n",
    'typescript(switch-exhaustiveness-check)',
  ],
  [
    'an import for its effect only',
    "import '../shared/domain/assert.ts';\n\nexport const used = 1;\n",
    'import(no-unassigned-import)',
  ],
].map(([what = '', text = '', rule = '']) => ({
  what,
  file: `activities/${slug(what)}.ts`,
  text,
  rule,
}));

const OTHERS: readonly Planted[] = [
  {
    what: 'a file name that is not kebab-case',
    file: 'activities/readItem.ts',
    text: 'export const used = 1;\n',
    rule: 'unicorn(filename-case)',
  },
  {
    what: 'two files that import each other',
    file: 'shared/domain/one.ts',
    text: "import { two } from './two.ts';\n\nexport const one = (): number => two();\n",
    rule: 'import(no-cycle)',
  },
];

/** What each folder may do: nothing of it may be reported. */
const ALLOWED: Readonly<Record<string, string>> = {
  'shared/domain/two.ts':
    "import { one } from './one.ts';\n\nexport const two = (): number => one();\n",
  'shared/domain/assert.ts': 'export const invariant = 1;\n',
  'orchestrations/good.orchestration.ts': `import type { Phase } from '../shared/domain/phases.ts';
import { RETRY } from '../shared/policy/retry.ts';
import { INTENT_EVENT } from '../shared/contracts/orchestrations.ts';
import { step } from './support/good.ts';

export function* good(phase: Phase): Generator {
  yield step(RETRY, INTENT_EVENT, phase);
}
`,
  'orchestrations/support/good.ts':
    'export const step = (...parts: readonly unknown[]): unknown => parts;\n',
  'activities/good.ts': `import { createHash } from 'node:crypto';
import type { Clock } from '../shared/ports/messaging.ts';

export const good = (clock: Clock): unknown => [clock, createHash];
`,
  'functions/http/good.ts': importing('../../shared/contracts/http-api.ts'),
  'functions/app.ts': `import { a } from '../activities/good.ts';
import { b } from '../orchestrations/good.orchestration.ts';
import { c } from '../shared/adapters/azure/good.ts';

export const used: unknown = [a, b, c];
`,
  'functions/composition/good.ts': importing('../../shared/adapters/azure/good.ts'),
  'shared/adapters/azure/good.ts': importing('@azure/storage-blob'),
  // Its own folder of that name is not the lab.
  'agents/configuration-server/good.ts': importing('./hypervisors/local/local-hypervisor.ts'),
  'agents/process-server/good.ts': `import { randomBytes } from 'node:crypto';
import { COMMANDS } from '../../shared/contracts/commands.ts';

export const used: unknown = [randomBytes, COMMANDS];
`,
  'local/good.ts': importing('../functions/app.ts'),
};

const PLANTED: readonly Planted[] = [...IMPORTING, ...UNDETERMINISTIC, ...EVERYWHERE, ...OTHERS];

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
