import { BARE, BARE_UNCHECKED, RAW_READ, REFERENCES } from '../rivals.ts';
import { GIB } from './context.ts';
import { median } from './median.ts';
import type { PointFigures } from './replication.ts';

type ByName = Readonly<Record<string, number>>;

export interface InitialFigures {
  readonly diskBytes: number;
  readonly dataBytes: number;
  /** From sending the first command to the result of the seal. */
  readonly seconds: number;
  /** The same without the time that commands lay in queues. */
  readonly workSeconds: number;
  readonly sealSeconds: number;
  /** The proof by reading everything back, which comes on top. */
  readonly proofSeconds: number;
  readonly rivals: ByName;
  /** Ours by the fastest rival's: below 1 we are faster. */
  readonly ratioToFastestRival: number;
  readonly rawReadSeconds: number;
  readonly ratioToRawRead: number;
  /** `null` over a link. */
  readonly bare: BareFigures | null;
  /** Of process server and master target together, a GiB of the disk. */
  readonly cpuSecondsPerGiB: number;
  readonly rivalCpuSecondsPerGiB: ByName;
  /** What the storage server used meanwhile. */
  readonly storageCpuSeconds: ByName;
  readonly peakMemoryMiB: ByName;
}

/** The least that two programs of Node.js do to bring the disk over. */
interface BareFigures {
  readonly seconds: number;
  readonly cpuSecondsPerGiB: number;
  /** Without digests and TLS. */
  readonly uncheckedSeconds: number;
  readonly uncheckedCpuSecondsPerGiB: number;
  /** Ours by the bare pipeline's: what all the rest of the product costs. */
  readonly ratioToBare: number;
  /** The bare pipeline's by the fastest rival's: what is out of reach on this machine. */
  readonly bareToFastestRival: number;
}

export interface Sample {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly storageCpuSeconds: number;
}

export interface OurSample extends Sample {
  readonly point: PointFigures;
  readonly proofSeconds: number | null;
}

/** Medians of all rounds, and their ratios. */
export function summary(runs: {
  readonly ours: readonly OurSample[];
  readonly theirs: ReadonlyMap<string, readonly Sample[]>;
  readonly diskBytes: number;
}): Omit<InitialFigures, 'diskBytes' | 'dataBytes' | 'peakMemoryMiB'> {
  const { ours, theirs, diskBytes } = runs;
  const diskGiB = diskBytes / GIB;
  const of = <S>(samples: readonly S[], pick: (sample: S) => number): number =>
    median(samples.map(pick));
  const byName = (pick: (sample: Sample) => number): ByName =>
    Object.fromEntries(
      [...theirs].flatMap(([name, samples]) =>
        samples.length === 0 ? [] : [[name, of(samples, pick)]],
      ),
    );
  const all = byName((sample) => sample.seconds);
  const cpuPerGiB = byName(({ cpuSeconds }) => cpuSeconds / diskGiB);
  const seconds = of(ours, (sample) => sample.seconds);
  const rivals = withoutReferences(all);
  const fastest = Math.min(...Object.values(rivals));
  const { [RAW_READ.name]: rawReadSeconds = Number.NaN } = all;
  return {
    seconds,
    workSeconds: of(ours, ({ point }) => point.workSeconds),
    sealSeconds: of(ours, ({ point }) => point.sealSeconds),
    proofSeconds: median(ours.flatMap(({ proofSeconds }) => proofSeconds ?? [])),
    rivals,
    ratioToFastestRival: seconds / fastest,
    rawReadSeconds,
    ratioToRawRead: seconds / rawReadSeconds,
    bare: bareFigures({ seconds, fastest, all, cpuPerGiB }),
    cpuSecondsPerGiB: of(ours, ({ cpuSeconds }) => cpuSeconds) / diskGiB,
    rivalCpuSecondsPerGiB: withoutReferences(cpuPerGiB),
    storageCpuSeconds: {
      ours: of(ours, ({ storageCpuSeconds }) => storageCpuSeconds),
      ...byName(({ storageCpuSeconds }) => storageCpuSeconds),
    },
  };
}

function withoutReferences(figures: ByName): ByName {
  const names = REFERENCES.map(({ name }) => name);
  return Object.fromEntries(Object.entries(figures).filter(([name]) => !names.includes(name)));
}

function bareFigures(figures: {
  readonly seconds: number;
  readonly fastest: number;
  readonly all: ByName;
  readonly cpuPerGiB: ByName;
}): BareFigures | null {
  const { seconds, fastest, all, cpuPerGiB } = figures;
  const { [BARE.name]: bare, [BARE_UNCHECKED.name]: unchecked } = all;
  if (bare === undefined || unchecked === undefined) return null;
  return {
    seconds: bare,
    cpuSecondsPerGiB: cpuPerGiB[BARE.name] ?? Number.NaN,
    uncheckedSeconds: unchecked,
    uncheckedCpuSecondsPerGiB: cpuPerGiB[BARE_UNCHECKED.name] ?? Number.NaN,
    ratioToBare: seconds / bare,
    bareToFastestRival: bare / fastest,
  };
}
