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
export const FORBIDDEN: Readonly<Record<string, readonly string[]>> = {
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
    what: 'an exclamation mark in a test',
    file: 'test/unit/an-exclamation-mark.test.ts',
    text: 'export const first = (items: readonly string[]): string => items[0]!;\n',
    rule: 'typescript(no-non-null-assertion)',
  },
  {
    what: 'two files that import each other',
    file: 'shared/domain/one.ts',
    text: "import { two } from './two.ts';\n\nexport const one = (): number => two();\n",
    rule: 'import(no-cycle)',
  },
];

/** What each folder may do: nothing of it may be reported. */
export const ALLOWED: Readonly<Record<string, string>> = {
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

/** What must be reported, each in a file of its own. */
export const PLANTED: readonly Planted[] = [
  ...IMPORTING,
  ...UNDETERMINISTIC,
  ...EVERYWHERE,
  ...OTHERS,
];
