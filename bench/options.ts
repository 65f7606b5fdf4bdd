import { parseArgs } from 'node:util';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const TIB = 1024 ** 4;

export const SECTIONS = ['initial', 'initial-link', 'delta', 'link', 'sparse', 'disks'] as const;
export type Section = (typeof SECTIONS)[number];

export interface Sizes {
  readonly initialBytes: number;
  readonly rounds: number;
  readonly deltaDisksBytes: readonly number[];
  readonly linkBytes: number;
  readonly sparseDisks: readonly { readonly sizeBytes: number; readonly pages: number }[];
  readonly manyDisks: { readonly counts: readonly number[]; readonly diskBytes: number };
}

export interface Options {
  readonly sections: readonly Section[];
  readonly sizes: Sizes;
  readonly jsonFile: string | undefined;
  /** Where the temporary folder is made; everything is written there. */
  readonly folder: string | undefined;
}

const FULL: Sizes = {
  initialBytes: GIB,
  rounds: 3,
  deltaDisksBytes: [GIB, 16 * GIB],
  linkBytes: 256 * MIB,
  sparseDisks: [
    { sizeBytes: 64 * GIB, pages: 20_000 },
    { sizeBytes: 4 * TIB, pages: 20_000 },
    { sizeBytes: 4 * TIB, pages: 1_000_000 },
  ],
  manyDisks: { counts: [1, 16, 60], diskBytes: 128 * MIB },
};

const QUICK: Sizes = {
  initialBytes: 256 * MIB,
  rounds: 3,
  deltaDisksBytes: [256 * MIB, GIB],
  linkBytes: 64 * MIB,
  sparseDisks: [
    { sizeBytes: 64 * GIB, pages: 10_000 },
    { sizeBytes: 4 * TIB, pages: 10_000 },
  ],
  manyDisks: { counts: [1, 16], diskBytes: 128 * MIB },
};

const HELP = `Measures the data plane against other tools, all on one disk in the lab's storage.

  npm run bench -- [--quick] [--only SECTION,...] [--initial-mib N] [--rounds N] [--sparse-pages N] [--folder DIR]
                   [--json FILE]

  --quick          smaller disks, for a look at the ratios
  --only           some of: ${SECTIONS.join(', ')}
  --initial-mib    size of the disk of the section initial
  --rounds         how often each program of the section initial runs; the median counts
  --sparse-pages   section sparse: only a disk of 4 TiB with so many pages
  --folder         where the temporary folder is made, instead of the system's
  --json           writes the figures to a file, too
`;

/** Throws with the help text when an option is wrong; `null` when only help was asked for. */
export function parseOptions(argv: readonly string[]): Options | null {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      'initial-mib': { type: 'string' },
      rounds: { type: 'string' },
      'sparse-pages': { type: 'string' },
      folder: { type: 'string' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return null;
  }
  const base = values.quick ? QUICK : FULL;
  const names = values.only?.split(',') ?? SECTIONS;
  const sections = SECTIONS.filter((section) => names.includes(section));
  if (sections.length !== names.length) throw new Error(`--only names no section.\n${HELP}`);
  const initialBytes = number(values['initial-mib'], base.initialBytes / MIB) * MIB;
  const rounds = number(values.rounds, base.rounds);
  const pages = values['sparse-pages'];
  const sparseDisks =
    pages === undefined ? base.sparseDisks : [{ sizeBytes: 4 * TIB, pages: number(pages, 0) }];
  const sizes = { ...base, initialBytes, rounds, sparseDisks };
  return { sections, sizes, jsonFile: values.json, folder: values.folder };
}

function number(text: string | undefined, otherwise: number): number {
  const value = Number(text ?? otherwise);
  if (Number.isInteger(value) && value > 0) return value;
  throw new Error(`${text} is not a positive whole number.\n${HELP}`);
}
