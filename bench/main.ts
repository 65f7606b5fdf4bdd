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
import { measureSparse } from './measure/sparse.ts';
import { type Options, parseOptions, type Section } from './options.ts';
import { type Report, tableOf } from './report.ts';

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
  const wanted = (section: Section): boolean => sections.includes(section);
  try {
    const { initialBytes, rounds } = sizes;
    const initial = wanted('initial')
      ? await measureInitial(context, { sizeBytes: initialBytes, rounds })
      : undefined;
    const deltas = wanted('delta') ? await measureDelta(context, sizes.deltaDisksBytes) : undefined;
    const link = wanted('link') ? await measureLink(context, sizes.linkBytes) : undefined;
    const sparse = wanted('sparse') ? await measureSparse(context, sizes.sparseDisks) : undefined;
    const peaks = [initial, deltas, ...(sparse ?? [])].map((each) => each?.peakMemoryMiB ?? {});
    return {
      machine: {
        cpus: cpus().length,
        cpuModel: cpus()[0]?.model ?? 'unknown',
        node: process.version,
        loadBefore,
        loadAfter: loadAverage(),
      },
      ...(initial === undefined ? {} : { initial, cpuSecondsPerGiB: initial.cpuSecondsPerGiB }),
      ...(deltas === undefined ? {} : { delta: deltas.delta }),
      ...(link === undefined ? {} : { link, wirePerChangedByte: link.wirePerChangedByte }),
      ...(sparse === undefined ? {} : { sparse }),
      peakMemoryMiB: highestOf(peaks),
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
