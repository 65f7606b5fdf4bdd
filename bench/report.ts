import type { LinkShape } from './lab/link.ts';
import type { DeltaFigures } from './measure/delta.ts';
import type { InitialFigures } from './measure/initial-figures.ts';
import { GIB, MIB } from './measure/context.ts';
import type { LinkFigures } from './measure/link.ts';
import type { ManyDisksFigures } from './measure/many-disks.ts';
import type { SparseFigures } from './measure/sparse.ts';
import { BARE, BARE_UNCHECKED } from './rivals.ts';

/** All figures of one run; a section that was left out is absent. */
export interface Report {
  readonly machine: {
    readonly cpus: number;
    readonly cpuModel: string;
    readonly node: string;
    /** One-minute load average before and after, the benchmark's own share included. */
    readonly loadBefore: number;
    readonly loadAfter: number;
  };
  readonly initial?: InitialFigures | undefined;
  /** The same where the site is at the other end of a link. */
  readonly initialOverLink?: (InitialFigures & LinkShape) | undefined;
  readonly delta?: readonly DeltaFigures[] | undefined;
  readonly link?: LinkFigures | undefined;
  readonly sparse?: readonly SparseFigures[] | undefined;
  readonly manyDisks?: readonly ManyDisksFigures[] | undefined;
  readonly wirePerChangedByte?: number | undefined;
  /** The highest of all sections; programs of rivals by their own names. */
  readonly peakMemoryMiB: Readonly<Record<string, number>>;
  readonly cpuSecondsPerGiB?: number | undefined;
}

type Row = readonly [name: string, value: string, remark: string];

/** The report as a table for people. */
export function tableOf(report: Report): string {
  const rows = [
    ...(report.initial === undefined ? [] : initialRows(report.initial, '')),
    ...(report.initialOverLink === undefined ? [] : overLinkRows(report.initialOverLink)),
    ...(report.delta ?? []).map(deltaRow),
    ...(report.link === undefined ? [] : linkRows(report.link)),
    ...(report.sparse ?? []).map(sparseRow),
    ...(report.manyDisks ?? []).map(manyDisksRow),
    ...Object.entries(report.peakMemoryMiB).map(memoryRow),
  ];
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map(([name, value, remark]) =>
    `${name.padEnd(widths[0] ?? 0)}  ${value.padStart(widths[1] ?? 0)}  ${remark}`.trimEnd(),
  );
  const { cpus, loadBefore, loadAfter } = report.machine;
  const machine = `${cpus} CPUs, load ${loadBefore} before and ${loadAfter} after`;
  return `${lines.join('\n')}\n${machine}\n`;
}

function overLinkRows(figures: InitialFigures & LinkShape): readonly Row[] {
  const { bitsPerSecond, delayMs } = figures;
  return initialRows(figures, `, link of ${bitsPerSecond / 1e6} Mbit/s, ${2 * delayMs} ms`);
}

function initialRows(initial: InitialFigures, way: string): readonly Row[] {
  const name = `initial, ${size(initial.diskBytes)}${way}`;
  const { cpuSecondsPerGiB, storageCpuSeconds } = initial;
  const ownRemark = `at work ${seconds(initial.workSeconds)}, of it seal ${seconds(initial.sealSeconds)}; storage CPU ${seconds(storageCpuSeconds['ours'] ?? 0)}`;
  return [
    [name, seconds(initial.seconds), ownRemark],
    ...Object.entries(initial.rivals).map(([rival, value]): Row => {
      const cpu = initial.rivalCpuSecondsPerGiB[rival] ?? 0;
      const remark = `${cpu.toFixed(2)} CPU s/GiB; storage CPU ${seconds(storageCpuSeconds[rival] ?? 0)}`;
      return [`  ${rival}`, seconds(value), remark];
    }),
    ['  raw read', seconds(initial.rawReadSeconds), ''],
    ...bareRows(initial),
    ['  ratio to the fastest rival', initial.ratioToFastestRival.toFixed(3), 'target: at most 1'],
    ['  ratio to the raw read', initial.ratioToRawRead.toFixed(3), ''],
    ['  proof by reading back', seconds(initial.proofSeconds), 'on top; verifyDisks of all blocks'],
    ['  CPU seconds a GiB', cpuSecondsPerGiB.toFixed(2), 'both programs'],
  ];
}

function bareRows({ bare }: InitialFigures): readonly Row[] {
  if (bare === null) return [];
  const cpu = (each: number): string => `${each.toFixed(2)} CPU s/GiB`;
  return [
    [`  ${BARE.name}`, seconds(bare.seconds), cpu(bare.cpuSecondsPerGiB)],
    [
      `  ${BARE_UNCHECKED.name}`,
      seconds(bare.uncheckedSeconds),
      cpu(bare.uncheckedCpuSecondsPerGiB),
    ],
    ['  ratio to the bare pipeline', bare.ratioToBare.toFixed(3), 'what all the rest costs'],
    ['  bare pipeline to the fastest', bare.bareToFastestRival.toFixed(3), 'above 1: out of reach'],
  ];
}

function deltaRow(delta: DeltaFigures): Row {
  const { diskBytes, changedShare, changedBytes } = delta;
  const name = `delta, ${size(diskBytes)}, ${changedShare * 100} % = ${size(changedBytes)}`;
  const rate = (delta.workSecondsPerChangedMiB * 1000).toFixed(1);
  const times = `at work ${seconds(delta.workSeconds)}, of it seal ${seconds(delta.sealSeconds)}`;
  return [name, seconds(delta.seconds), `${times}; ${rate} ms a changed MiB`];
}

function linkRows(link: LinkFigures): readonly Row[] {
  const { bitsPerSecond, roundTripMs, shareOfLimit, wirePerChangedByte, goodputBitsPerSecond } =
    link;
  const name = `link of ${bitsPerSecond / 1e6} Mbit/s, ${roundTripMs} ms`;
  const goodput = `${(goodputBitsPerSecond / 1e6).toFixed(1)} Mbit/s`;
  const share = `${(shareOfLimit * 100).toFixed(1)} % of the link`;
  return [
    [name, goodput, `${share}; ${size(link.changedBytes)} in ${seconds(link.seconds)}`],
    ['  wire bytes a changed byte', wirePerChangedByte.toFixed(4), 'target: at most 1.02'],
  ];
}

function sparseRow(sparse: SparseFigures): Row {
  const name = `sparse, ${size(sparse.diskBytes)}, ${sparse.ranges} ranges`;
  const { 'process-server': source = 0, 'master-target': target = 0 } = sparse.peakMemoryMiB;
  const times = `send ${seconds(sparse.sendSeconds)}, seal ${seconds(sparse.sealSeconds)}`;
  return [
    name,
    seconds(sparse.seconds),
    `${times}; ${source.toFixed(0)} + ${target.toFixed(0)} MiB`,
  ];
}

function manyDisksRow({ disks, diskBytes, ...figures }: ManyDisksFigures): Row {
  const { 'process-server': source = 0, 'master-target': target = 0 } = figures.peakMemoryMiB;
  const rate = `${(figures.bytesPerSecond / MIB).toFixed(0)} MiB/s`;
  return [
    `disks, ${disks} of ${size(diskBytes)} at once`,
    seconds(figures.seconds),
    `${rate}; ${source.toFixed(0)} + ${target.toFixed(0)} MiB`,
  ];
}

function memoryRow([program, mib]: readonly [string, number]): Row {
  const isOurs = program === 'process-server' || program === 'master-target';
  return [`peak memory, ${program}`, `${mib.toFixed(0)} MiB`, isOurs ? 'target: at most 256' : ''];
}

function seconds(value: number): string {
  return `${value.toFixed(2)} s`;
}

function size(bytes: number): string {
  if (bytes >= GIB * 1024) return `${bytes / GIB / 1024} TiB`;
  return bytes >= GIB ? `${+(bytes / GIB).toFixed(2)} GiB` : `${+(bytes / MIB).toFixed(2)} MiB`;
}
