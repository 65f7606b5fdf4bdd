import { closeSync, ftruncateSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { CommandOutput } from '../../shared/contracts/commands.ts';
import type { BenchSite, Done } from '../lab/site.ts';

const DISK_ID = 'os';
let count = 0;

/** One recovery point: what was sent, and the time from the first command to the last result. */
export interface PointFigures {
  readonly sent: CommandOutput<'replicateDisk'>;
  readonly seconds: number;
  /** Without the time that commands lay in the agents' queues. */
  readonly workSeconds: number;
  readonly sendSeconds: number;
  readonly sealSeconds: number;
}

interface Point {
  readonly url: () => Promise<string>;
  readonly baseUrl?: () => Promise<string>;
  /** Another port than the master target's own: a link stands before it. */
  readonly port?: number;
}

/** A disk on its way home to a new file of a site. */
export class Replication {
  readonly targetFile: string;
  readonly #site: BenchSite;
  readonly #sizeBytes: number;
  readonly #replicationId = `bench-${(count += 1)}`;
  #points = 0;

  private constructor(site: BenchSite, sizeBytes: number) {
    this.#site = site;
    this.#sizeBytes = sizeBytes;
    this.targetFile = join(site.folder, `${this.#replicationId}.raw`);
  }

  static async open(site: BenchSite, sizeBytes: number): Promise<Replication> {
    const replication = new Replication(site, sizeBytes);
    const { targetFile } = replication;
    const file = openSync(targetFile, 'w');
    ftruncateSync(file, sizeBytes);
    closeSync(file);
    const device = { kind: 'file', path: targetFile } as const;
    await site.masterTarget('openTarget', {
      replicationId: replication.#replicationId,
      disks: [{ diskId: DISK_ID, sizeBytes, device, isBlank: true }],
    });
    return replication;
  }

  /** Sends and seals the next recovery point. */
  async bring({ url, baseUrl, port = this.#site.port }: Point): Promise<PointFigures> {
    const baseSnapshotName = this.#snapshotName();
    this.#points += 1;
    const input = {
      replicationId: this.#replicationId,
      pointId: this.#pointId,
      diskId: DISK_ID,
      sizeBytes: this.#sizeBytes,
      snapshotName: this.#snapshotName(),
      masterTarget: { host: '127.0.0.1', port },
      ...(baseUrl === undefined ? {} : { baseSnapshotName }),
    };
    const sent = await this.#site.processServer(input, async () => ({
      sourceUrl: await url(),
      ...(baseUrl === undefined ? {} : { baseUrl: await baseUrl() }),
      expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
    }));
    const sealed = await this.#site.masterTarget('sealRecoveryPoint', {
      replicationId: this.#replicationId,
      pointId: this.#pointId,
      diskIds: [DISK_ID],
      takenAt: new Date().toISOString(),
      consistency: 'crashConsistent',
    });
    return {
      sent: sent.output,
      seconds: sent.seconds + sealed.seconds,
      workSeconds: sent.workSeconds + sealed.workSeconds,
      sendSeconds: sent.workSeconds,
      sealSeconds: sealed.workSeconds,
    };
  }

  /** The product's own proof: reads the target back and compares it with the digests of the source. */
  async verify(sampleShare = 1): Promise<Done<'verifyDisks'>> {
    const proof = await this.#site.masterTarget('verifyDisks', {
      replicationId: this.#replicationId,
      pointId: this.#pointId,
      sampleShare,
    });
    const [first] = proof.output.mismatches;
    if (first !== undefined) throw new Error(`verifyDisks: wrong at byte ${first.offset}.`);
    return proof;
  }

  /** Gives all its disk space back. */
  async remove(): Promise<void> {
    const replicationId = this.#replicationId;
    await this.#site.masterTarget('closeTarget', { replicationId, forget: true });
    rmSync(this.targetFile);
  }

  get #pointId(): string {
    return `point-${this.#points}`;
  }

  #snapshotName(): string {
    return `snapshot-${this.#points}`;
  }
}
