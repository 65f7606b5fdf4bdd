import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child } from './lab/child.ts';
import { loadAverage } from './lab/proc.ts';
import { BenchControlPlane } from './lab/site.ts';
import { startStorage } from './lab/storage.ts';
import type { BenchContext } from './measure/context.ts';
import { measureDelta } from './measure/delta.ts';
import { measureInitial } from './measure/initial.ts';
import { measureLink } from './measure/link.ts';
import { measureManyDisks } from './measure/many-disks.ts';
import { measureSparse } from './measure/sparse.ts';
import { type Options, parseOptions, type Section } from './options.ts';
import { type Report, tableOf } from './report.ts';

/** A circuit as sites commonly have one to Azure. */
const SITE_LINK = { bitsPerSecond: 1_000_000_000, delayMs: 5 };

/** Notes of how far it is go to the standard error output, so that the other one has the table only. */
const note = (text: string): void => void process.stderr.write(`${text}\n`);

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (options === null) return;
  const folder = mkdtempSync(join(options.folder ?? tmpdir(), 'failback-bench-'));
  const cleanUp = async (): Promise<void> => {
    await Child.stopAll();
    rmSync(folder, { recursive: true, force: true });
  };
  const interrupted = (): void => void cleanUp().finally(() => process.exit(130));
  process.once('SIGINT', interrupted);
  process.once('SIGTERM', interrupted);
  try {
    const report = await measure(options, folder);
    process.stdout.write(tableOf(report));
    const { jsonFile } = options;
    if (jsonFile !== undefined) writeFileSync(jsonFile, `${JSON.stringify(report, null, 2)}\n`);
  } finally {
    await cleanUp();
  }
}

async function measure({ sections, sizes }: Options, folder: string): Promise<Report> {
  const loadBefore = loadAverage();
  const storage = await startStorage(join(folder, 'storage'));
  const control = await BenchControlPlane.start(join(folder, 'sites'));
  const context: BenchContext = { storage, control, folder, note };
  const when = async <T>(section: Section, work: () => Promise<T>): Promise<T | undefined> =>
    sections.includes(section) ? work() : undefined;
  try {
    const { initialBytes: sizeBytes, rounds } = sizes;
    const initial = await when('initial', () => measureInitial(context, { sizeBytes, rounds }));
    const overLink = await when('initial-link', () =>
      measureInitial(context, { sizeBytes, rounds: 1, link: SITE_LINK }),
    );
    const deltas = await when('delta', () => measureDelta(context, sizes.deltaDisksBytes));
    const link = await when('link', () => measureLink(context, sizes.linkBytes));
    const sparse = await when('sparse', () => measureSparse(context, sizes.sparseDisks));
    const manyDisks = await when('disks', () => measureManyDisks(context, sizes.manyDisks));
    const peaks = [initial, overLink, deltas, ...(sparse ?? []), ...(manyDisks ?? [])];
    return {
      machine: {
        cpus: cpus().length,
        cpuModel: cpus()[0]?.model ?? 'unknown',
        node: process.version,
        loadBefore,
        loadAfter: loadAverage(),
      },
      initial,
      cpuSecondsPerGiB: initial?.cpuSecondsPerGiB,
      initialOverLink: overLink && { ...SITE_LINK, ...overLink },
      delta: deltas?.delta,
      link,
      wirePerChangedByte: link?.wirePerChangedByte,
      sparse,
      manyDisks,
      peakMemoryMiB: highestOf(peaks.map((each) => each?.peakMemoryMiB ?? {})),
    };
  } finally {
    await control.stop();
  }
}

function highestOf(peaks: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const highest: Record<string, number> = {};
  for (const [program, mib] of peaks.flatMap((each) => Object.entries(each))) {
    highest[program] = Math.max(highest[program] ?? 0, mib);
  }
  return highest;
}

main().then(
  // What the control plane's clients keep open must not hold the program.
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(
      `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    process.exit(1);
  },
);
