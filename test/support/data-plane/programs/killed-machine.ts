import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type {
  CommandInput,
  CommandName,
  CommandOutput,
} from '../../../../shared/contracts/commands.ts';
import { freePort } from '../../../../local/lab/free-port.ts';
import { must } from '../../must.ts';
import { LabDisk, type LabStorage } from '../lab-disk.ts';
import type { LabSite } from '../lab-site.ts';
import type { Random } from '../random.ts';
import { AgentChild } from './agent-child.ts';

export type Victim = 'processServer' | 'masterTarget';

const MIB = 1024 ** 2;
/** Of one the last block is short. */
const SIZES = { os: 3 * MIB + 512, data: 1.5 * MIB } as const;
type DiskId = keyof typeof SIZES;
export const DISK_IDS: readonly DiskId[] = ['os', 'data'];

/** By disk: snapshots that were taken at one instant. */
export type Snapshots = Readonly<Record<DiskId, string>>;

export type Repair = ReadonlyMap<DiskId, NonNullable<CommandInput<'replicateDisk'>['repair']>>;

interface Sending {
  readonly pointId: string;
  readonly snapshots: Snapshots;
  readonly base?: Snapshots | undefined;
  readonly repair?: Repair | undefined;
}

let count = 0;

/** A VM of two disks on its way home, with a process server and a master target that are made to be killed. */
export class KilledMachine {
  readonly sources: Readonly<Record<DiskId, LabDisk>>;
  /** Snapshots that each point stands for. */
  readonly #points = new Map<string, Snapshots>();
  readonly #replicationId = `killed-${(count += 1)}`;
  readonly #site: LabSite;
  readonly #port: number;
  readonly #running = new Map<Victim, Promise<AgentChild>>();
  /** What a disk holds instead of what it held at a point, until a newer point mends it. */
  readonly #damage = new Map<DiskId, { readonly pointId: string; readonly content: Buffer }>();

  private constructor(site: LabSite, port: number, sources: KilledMachine['sources']) {
    this.#site = site;
    this.#port = port;
    this.sources = sources;
    for (const diskId of DISK_IDS) {
      const handle = openSync(this.#file(diskId), 'w');
      ftruncateSync(handle, SIZES[diskId]);
      closeSync(handle);
    }
  }

  static async create(storage: LabStorage, site: LabSite): Promise<KilledMachine> {
    const os = await LabDisk.create(storage, SIZES.os);
    const data = await LabDisk.create(storage, SIZES.data);
    return new KilledMachine(site, await freePort(0), { os, data });
  }

  /** Both disks as they are now are what this point is to hold. */
  async snapshot(pointId: string): Promise<Snapshots> {
    const os = await this.sources.os.snapshot();
    const snapshots = { os, data: await this.sources.data.snapshot() };
    this.#points.set(pointId, snapshots);
    return snapshots;
  }

  snapshotsOf(pointId: string): Snapshots {
    return must(this.#points.get(pointId), pointId);
  }

  /** A point of the same instant, for blocks that are sent again. */
  standsForTheSame(pointId: string, as: string): void {
    this.#points.set(pointId, this.snapshotsOf(as));
  }

  async kill(victim: Victim): Promise<void> {
    const running = this.#running.get(victim);
    this.#running.delete(victim);
    await (await running)?.kill();
  }

  async killAll(): Promise<void> {
    await this.kill('processServer');
    await this.kill('masterTarget');
  }

  /** What a master target does first of all after its start. Returns the sealed point that it stands at. */
  async openTarget(): Promise<string | null> {
    const disks = DISK_IDS.map((diskId) => {
      const device = { kind: 'file', path: this.#file(diskId) } as const;
      return { diskId, sizeBytes: SIZES[diskId], device, isBlank: true };
    });
    return (await this.#atTarget('openTarget', { disks })).sealedPointId;
  }

  /** Sends both disks at once, or those that have something to be repaired. */
  async send({ pointId, snapshots, base, repair }: Sending): Promise<void> {
    await this.#program('masterTarget');
    const processServer = await this.#program('processServer');
    const diskIds = DISK_IDS.filter((diskId) => repair === undefined || repair.has(diskId));
    const sending = diskIds.map(async (diskId) => {
      const ranges = repair?.get(diskId);
      const input = {
        replicationId: this.#replicationId,
        pointId,
        diskId,
        sizeBytes: SIZES[diskId],
        snapshotName: snapshots[diskId],
        masterTarget: { host: '127.0.0.1', port: this.#port },
        ...(base === undefined ? {} : { baseSnapshotName: base[diskId] }),
        ...(ranges === undefined ? {} : { repair: ranges }),
      };
      const access = await this.sources[diskId].access(snapshots[diskId], base?.[diskId]);
      await processServer.run({ name: 'replicateDisk', input, access });
    });
    // One that failed does not leave the other one at work.
    for (const sent of await Promise.allSettled(sending)) {
      if (sent.status === 'rejected') throw sent.reason;
    }
  }

  async seal(pointId: string, repair?: Repair): Promise<readonly string[]> {
    const output = await this.#atTarget('sealRecoveryPoint', {
      pointId,
      diskIds: [...(repair?.keys() ?? DISK_IDS)],
      takenAt: new Date().toISOString(),
      consistency: 'crashConsistent',
    });
    return output.retainedPointIds;
  }

  async rewind(pointId: string): Promise<void> {
    await this.#atTarget('rewindToPoint', { pointId });
  }

  async mismatches(pointId: string): Promise<CommandOutput<'verifyDisks'>['mismatches']> {
    return (await this.#atTarget('verifyDisks', { pointId, sampleShare: 1 })).mismatches;
  }

  /** Behind the back of the master target, which stands at this point. Returns the disks that were hit. */
  damage(random: Random, pointId: string): readonly DiskId[] {
    const hit = DISK_IDS.filter((_diskId, index) => index === 0 || random.below(2) === 0);
    for (const diskId of hit) {
      const handle = openSync(this.#file(diskId), 'r+');
      for (let times = 1 + random.below(4); times > 0; times -= 1) {
        const bytes = random.bytes(1 + random.below(2000));
        writeSync(handle, bytes, 0, bytes.length, random.below(SIZES[diskId] - bytes.length));
      }
      closeSync(handle);
      this.#damage.set(diskId, { pointId, content: readFileSync(this.#file(diskId)) });
    }
    return hit;
  }

  /** Disks that do not hold, byte for byte, what belongs to the point; all together have to. */
  unequalAt(pointId: string): readonly DiskId[] {
    const snapshots = this.snapshotsOf(pointId);
    return DISK_IDS.filter((diskId) => {
      const damage = this.#damage.get(diskId);
      const expected =
        damage?.pointId === pointId
          ? damage.content
          : this.sources[diskId].contentOf(snapshots[diskId]);
      return !readFileSync(this.#file(diskId)).equals(expected);
    });
  }

  /** A newer point is whole: from now on the older one holds what it should, too. */
  forgetDamage(): void {
    this.#damage.clear();
  }

  #file(diskId: DiskId): string {
    return join(this.#site.folder, `${this.#replicationId}-${diskId}.raw`);
  }

  async #program(kind: Victim): Promise<AgentChild> {
    const running = this.#running.get(kind);
    if (running !== undefined) return running;
    const starting = this.#start(kind);
    this.#running.set(kind, starting);
    return starting;
  }

  async #start(kind: Victim): Promise<AgentChild> {
    const tls = await this.#site.certificate(kind);
    const { retentionFolder } = this.#site;
    return AgentChild.start({ kind, tls, retentionFolder, port: this.#port });
  }

  async #atTarget<N extends CommandName>(name: N, rest: object): Promise<CommandOutput<N>> {
    const masterTarget = await this.#program('masterTarget');
    const input = { replicationId: this.#replicationId, ...rest };
    return (await masterTarget.run({ name, input })) as CommandOutput<N>;
  }
}
