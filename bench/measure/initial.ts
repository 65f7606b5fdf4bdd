import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Link, type LinkShape } from '../lab/link.ts';
import { highest, type Usage } from '../lab/proc.ts';
import type { BenchSite } from '../lab/site.ts';
import { SourceDisk } from '../lab/source-disk.ts';
import { installedRivals, RAW_READ, REFERENCES, type Rival, runRival } from '../rivals.ts';
import { type BenchContext, GIB, MIXED } from './context.ts';
import { type InitialFigures, type OurSample, type Sample, summary } from './initial-figures.ts';
import { Replication } from './replication.ts';

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
  // The bare pipeline does not know of a link: what it shows is what CPU time allows.
  const references = REFERENCES.filter((each) => link === undefined || each === RAW_READ);
  const programs = [...references, ...installedRivals()];
  context.note(`initial: making a disk of ${sizeBytes / GIB} GiB`);
  const disk = await SourceDisk.create(context.storage, 'initial', sizeBytes);
  await disk.writeFirst(MIXED);
  const source = { disk, url: await disk.snapshot(), sha256: disk.sha256() };
  const ours: OurSample[] = [];
  const theirs = new Map(programs.map((program) => [program.name, [] as Sample[]]));
  const peakMiB = new Map<string, number>();
  const site = await context.control.startSite();
  const way = await Way.open(context, site, link);
  try {
    for (let round = 1; round <= rounds; round += 1) {
      for (const rival of programs) {
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
        for (const [name, mib] of references.includes(rival) ? [] : done.usage.peakMiB) {
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
  let storageBefore = 0;
  const environment = {
    URL: way.toStorage(await source.url()),
    OUT: target,
    SIZE: String(source.disk.sizeBytes),
  };
  const { seconds, usage } = await runRival(rival, environment, () => {
    storageBefore = storage.child.usage().cpuSeconds;
  });
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
