import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Link, type LinkShape } from '../lab/link.ts';
import { highest, type Usage } from '../lab/proc.ts';
import type { BenchSite } from '../lab/site.ts';
import { SourceDisk } from '../lab/source-disk.ts';
import { installedRivals, RAW_READ, type Rival, runRival } from '../rivals.ts';
import { type BenchContext, GIB, MIXED } from './context.ts';
import { median } from './median.ts';
import { type PointFigures, Replication } from './replication.ts';

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
  /** Of process server and master target together, a GiB of the disk. */
  readonly cpuSecondsPerGiB: number;
  readonly rivalCpuSecondsPerGiB: ByName;
  /** What the storage server used meanwhile. */
  readonly storageCpuSeconds: ByName;
  readonly peakMemoryMiB: ByName;
}

interface Sample {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly storageCpuSeconds: number;
}

interface OurSample extends Sample {
  readonly point: PointFigures;
  readonly proofSeconds: number | null;
}

interface Source {
  readonly disk: SourceDisk;
  readonly url: () => Promise<string>;
  readonly sha256: string;
}

interface InitialRequest {
  readonly sizeBytes: number;
  readonly rounds: number;
  /** Between Azure and the site; absent = both are one machine. */
  readonly link?: LinkShape;
}

/**
 * Initial replication against other tools, in turns on the same disk. Over a link each program has its place:
 * the process server stands in Azure and sends over the link, rivals run at the site and read over it.
 */
export async function measureInitial(
  context: BenchContext,
  { sizeBytes, rounds, link }: InitialRequest,
): Promise<InitialFigures> {
  const rivals = installedRivals();
  context.note(`initial: making a disk of ${sizeBytes / GIB} GiB`);
  const disk = await SourceDisk.create(context.storage, 'initial', sizeBytes);
  await disk.writeFirst(MIXED);
  const source = { disk, url: await disk.snapshot(), sha256: disk.sha256() };
  const ours: OurSample[] = [];
  const theirs = new Map(rivals.map((rival) => [rival.name, [] as Sample[]]));
  const peakMiB = new Map<string, number>();
  const site = await context.control.startSite();
  const way = await Way.open(context, site, link);
  try {
    for (let round = 1; round <= rounds; round += 1) {
      for (const rival of rivals) {
        ours.push(await runOurs(context, { source, site, way, isChecked: ours.length === 0 }));
        const isChecked = round === 1 && rival !== RAW_READ;
        const done = await runTheirs(context, { source, rival, way, isChecked }).catch(
          (error: unknown) => {
            // It is left out of this round; the run and the other rivals go on.
            context.note(`  ${error instanceof Error ? error.message : String(error)}`);
            return null;
          },
        );
        if (done === null) continue;
        theirs.get(rival.name)?.push(done.sample);
        for (const [name, mib] of rival === RAW_READ ? [] : done.usage.peakMiB) {
          raise(peakMiB, name, mib);
        }
      }
    }
    const { processServer, masterTarget } = site.usage();
    raise(peakMiB, 'process-server', highest(processServer));
    raise(peakMiB, 'master-target', highest(masterTarget));
  } finally {
    await way.close();
    await site.stop();
  }
  const { sizeBytes: diskBytes, dataBytes } = disk;
  await disk.delete();
  return {
    diskBytes,
    dataBytes,
    ...summary({ ours, theirs, diskBytes }),
    peakMemoryMiB: Object.fromEntries(peakMiB),
  };
}

async function runOurs(
  { storage, note }: BenchContext,
  work: {
    readonly source: Source;
    readonly site: BenchSite;
    readonly way: Way;
    readonly isChecked: boolean;
  },
): Promise<OurSample> {
  const { source, site, way, isChecked } = work;
  const replication = await Replication.open(site, source.disk.sizeBytes);
  settle();
  const [agentsBefore, storageBefore] = [cpuSecondsOf(site), storage.child.usage().cpuSeconds];
  const point = await replication.bring({ url: source.url, port: way.targetPort });
  const agentsAfter = cpuSecondsOf(site);
  const sourceSeconds = agentsAfter.processServer - agentsBefore.processServer;
  const targetSeconds = agentsAfter.masterTarget - agentsBefore.masterTarget;
  const cpuSeconds = sourceSeconds + targetSeconds;
  const storageCpuSeconds = storage.child.usage().cpuSeconds - storageBefore;
  const { seconds, workSeconds } = point;
  const cpu = `${sourceSeconds.toFixed(2)} + ${targetSeconds.toFixed(2)} CPU s`;
  note(`  ours: ${seconds.toFixed(2)} s, at work ${workSeconds.toFixed(2)} s, ${cpu}`);
  let proofSeconds: number | null = null;
  if (isChecked) {
    proofSeconds = (await replication.verify()).workSeconds;
    await assertSame('ours', replication.targetFile, source);
  }
  await replication.remove();
  return { seconds, cpuSeconds, storageCpuSeconds, point, proofSeconds };
}

async function runTheirs(
  { storage, folder, note }: BenchContext,
  work: {
    readonly source: Source;
    readonly rival: Rival;
    readonly way: Way;
    readonly isChecked: boolean;
  },
): Promise<{ readonly sample: Sample; readonly usage: Usage }> {
  const { source, rival, way, isChecked } = work;
  const target = join(folder, 'rival.raw');
  settle();
  const storageBefore = storage.child.usage().cpuSeconds;
  const environment = {
    URL: way.toStorage(await source.url()),
    OUT: target,
    SIZE: String(source.disk.sizeBytes),
  };
  const { seconds, usage } = await runRival(rival, environment);
  const storageCpuSeconds = storage.child.usage().cpuSeconds - storageBefore;
  note(`  ${rival.name}: ${seconds.toFixed(2)} s`);
  if (isChecked) await assertSame(rival.name, target, source);
  rmSync(target, { force: true });
  return { sample: { seconds, cpuSeconds: usage.cpuSeconds, storageCpuSeconds }, usage };
}

/** Where the programs reach each other: at once, or over a link. */
class Way {
  readonly targetPort: number;
  readonly #links: readonly Link[];
  readonly #storagePort: number | null;

  private constructor(targetPort: number, storagePort: number | null, links: readonly Link[]) {
    this.targetPort = targetPort;
    this.#storagePort = storagePort;
    this.#links = links;
  }

  static async open(
    { storage }: BenchContext,
    site: BenchSite,
    shape: LinkShape | undefined,
  ): Promise<Way> {
    if (shape === undefined) return new Way(site.port, null, []);
    const toTarget = await Link.start(site.port, shape);
    const toStorage = await Link.start(Number(new URL(storage.container.url).port), shape);
    return new Way(toTarget.port, toStorage.port, [toTarget, toStorage]);
  }

  toStorage(url: string): string {
    if (this.#storagePort === null) return url;
    const through = new URL(url);
    through.port = String(this.#storagePort);
    return through.href;
  }

  async close(): Promise<void> {
    await Promise.all(this.#links.map((link) => link.stop()));
  }
}

function summary(runs: {
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
  const { [RAW_READ.name]: rawReadSeconds = Number.NaN, ...rivals } = byName(
    ({ seconds }) => seconds,
  );
  const { [RAW_READ.name]: _raw, ...rivalCpu } = byName(({ cpuSeconds }) => cpuSeconds / diskGiB);
  const seconds = of(ours, (sample) => sample.seconds);
  return {
    seconds,
    workSeconds: of(ours, ({ point }) => point.workSeconds),
    sealSeconds: of(ours, ({ point }) => point.sealSeconds),
    proofSeconds: median(ours.flatMap(({ proofSeconds }) => proofSeconds ?? [])),
    rivals,
    ratioToFastestRival: seconds / Math.min(...Object.values(rivals)),
    rawReadSeconds,
    ratioToRawRead: seconds / rawReadSeconds,
    cpuSecondsPerGiB: of(ours, ({ cpuSeconds }) => cpuSeconds) / diskGiB,
    rivalCpuSecondsPerGiB: rivalCpu,
    storageCpuSeconds: {
      ours: of(ours, ({ storageCpuSeconds }) => storageCpuSeconds),
      ...byName(({ storageCpuSeconds }) => storageCpuSeconds),
    },
  };
}

/** What an earlier run left to be written is not to be paid by the next one. */
function settle(): void {
  execFileSync('sync');
}

function cpuSecondsOf(site: BenchSite): {
  readonly processServer: number;
  readonly masterTarget: number;
} {
  const { processServer, masterTarget } = site.usage();
  return { processServer: processServer.cpuSeconds, masterTarget: masterTarget.cpuSeconds };
}

async function assertSame(name: string, file: string, { sha256 }: Source): Promise<void> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file, { highWaterMark: 1024 ** 2 }), hash);
  const found = hash.digest('hex');
  if (found !== sha256)
    throw new Error(`${name} made another disk: ${found} instead of ${sha256}.`);
}

function raise(peaks: Map<string, number>, name: string, mib: number): void {
  peaks.set(name, Math.max(peaks.get(name) ?? 0, mib));
}
