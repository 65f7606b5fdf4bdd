import { refusalOfDisks } from '../../../shared/domain/attached-disks.ts';
import { Secret } from '../../../shared/domain/secret.ts';
import { FailbackError } from '../../../shared/errors/failback-error.ts';
import type {
  AccessGrant,
  Consistency,
  DiskSnapshots,
  ReplicaDisks,
  SnapshotRequest,
  SnapshotsTaken,
  SourceAccess,
} from '../../../shared/ports/azure.ts';
import type { AzureVm } from './azure-vm.ts';
import { notFound } from './faults.ts';
import type { Timers } from './timers.ts';

interface Snapshot {
  readonly itemId: string;
  /** Snapshots of one disk, of which five may be read at once. */
  readonly family: string;
  readonly pointId: string;
}

/** One instant of the VM, and what Azure gave of what it was asked for. */
export interface TakenPoint {
  readonly pointId: string;
  readonly asked: Consistency;
  readonly got: Consistency;
  readonly content: number;
  readonly takenAt: Date;
  readonly sizes: SnapshotsTaken['sizes'];
}

const MAX_READS_OF_FAMILY = 5;

interface Replica {
  content: number;
  readonly snapshotName: string;
  readonly isFailed: boolean;
  readonly readyAtMs: number;
  sealedPointId: string | null;
}

type SeedState = Awaited<ReturnType<ReplicaDisks['seedState']>>;

/** Snapshots of the Azure VM's disks, all of one point with what the disks held at that moment. */
export class AzureSnapshots implements DiskSnapshots {
  readonly #vm: AzureVm;
  readonly #timers: Timers;
  readonly #snapshots = new Map<string, Snapshot>();
  readonly #openReads = new Set<string>();
  /** Every snapshot that was ever made; the same name again makes none. */
  readonly taken: string[] = [];
  /** Every instant that was ever taken, oldest first; also those whose snapshots are gone. */
  readonly points: TakenPoint[] = [];
  /** Why no application-consistent snapshot can be had; `null`: it can. */
  inconsistentBecause: string | null = null;

  constructor(vm: AzureVm, timers: Timers) {
    this.#vm = vm;
    this.#timers = timers;
  }

  get names(): readonly string[] {
    return [...this.#snapshots.keys()];
  }

  /** Snapshots that somebody may read now. */
  get openReads(): readonly string[] {
    return [...this.#openReads];
  }

  content(snapshotName: string): number {
    const snapshot = this.#snapshots.get(snapshotName);
    if (snapshot === undefined) throw new FailbackError('FB-AZ-004', { snapshotName });
    return this.point(snapshot.pointId).content;
  }

  sizeOf(snapshotName: string): number {
    const { family = '', pointId = '' } = this.#snapshots.get(snapshotName) ?? {};
    return this.point(pointId).sizes[family] ?? 0;
  }

  point(pointId: string): TakenPoint {
    const point = this.points.find((each) => each.pointId === pointId);
    if (point === undefined) throw new Error(`${pointId} was never taken`);
    return point;
  }

  async take({ itemId, pointId, disks, consistency }: SnapshotRequest): Promise<SnapshotsTaken> {
    if (this.#vm.state === 'absent') throw notFound('read web-azure', pointId);
    const refusal = refusalOfDisks('web-azure', disks, this.#vm.disks);
    if (refusal !== null) throw refusal;
    if (!this.points.some((each) => each.pointId === pointId)) this.#take(pointId, consistency);
    for (const { id: family } of disks) {
      const name = `${pointId}-${family}`;
      if (this.#snapshots.has(name)) continue;
      this.#snapshots.set(name, { itemId, family, pointId });
      this.taken.push(name);
    }
    const { asked, got, takenAt } = this.point(pointId);
    const isLess = asked !== got && this.inconsistentBecause !== null;
    return {
      takenAt,
      consistency: got,
      isOneInstant: true,
      reasons: isLess ? [this.inconsistentBecause ?? ''] : [],
      snapshots: Object.fromEntries(disks.map(({ id }) => [id, `${pointId}-${id}`])),
      sizes: this.point(pointId).sizes,
    };
  }

  async prune({
    itemId,
    keep,
  }: Parameters<DiskSnapshots['prune']>[0]): Promise<{ readonly deleted: number }> {
    const own = this.names.filter((name) => this.#snapshots.get(name)?.itemId === itemId);
    const obsolete = own.filter((name) => !keep.includes(name));
    for (const name of own) this.#openReads.delete(name);
    for (const name of obsolete) this.#snapshots.delete(name);
    return { deleted: obsolete.length };
  }

  async grantRead(
    _resourceGroup: string,
    { snapshot, base }: { readonly snapshot: string; readonly base: string | null },
  ): Promise<SourceAccess | null> {
    const source = this.#grant(snapshot);
    if (source === null) return null;
    const ofBase = base === null ? null : this.#grant(base);
    const baseRefusal = base !== null && ofBase === null ? 'the base snapshot is gone' : null;
    return { kind: 'managedDisk', source, base: ofBase, baseRefusal };
  }

  async release(_resourceGroup: string, names: readonly string[]): Promise<void> {
    for (const name of names) this.#openReads.delete(name);
  }

  /** The resource group is deleted. */
  vanish(): void {
    this.#snapshots.clear();
    this.#openReads.clear();
  }

  #take(pointId: string, asked: Consistency): void {
    const got = this.inconsistentBecause === null ? asked : 'crashConsistent';
    const { content } = this.#vm.writes;
    const sizes = Object.fromEntries(this.#vm.disks.map(({ id, sizeBytes }) => [id, sizeBytes]));
    this.points.push({ pointId, asked, got, content, takenAt: this.#timers.now(), sizes });
  }

  #grant(name: string): AccessGrant | null {
    const snapshot = this.#snapshots.get(name);
    if (snapshot === undefined) return null;
    const { family } = snapshot;
    const open = this.openReads.filter((each) => this.#snapshots.get(each)?.family === family);
    if (open.length >= MAX_READS_OF_FAMILY && !open.includes(name)) {
      throw new FailbackError('FB-AZ-006', { snapshotName: name });
    }
    this.#openReads.add(name);
    const url = new Secret(`https://disks/${name}?sig=secret`);
    return { url, expiresAt: new Date(this.#timers.now().getTime() + 3_600_000) };
  }
}

/** Page blobs that stay in Azure after the commit. */
export class AzureReplicas implements ReplicaDisks {
  readonly #timers: Timers;
  readonly #snapshots: AzureSnapshots;
  readonly #replicas = new Map<string, Replica>();
  seedCopyMs = 20_000;
  /** Every copy fails from now on. */
  isBroken = false;
  readonly sealedPointIds: string[] = [];
  /** What each replica began with. */
  readonly seeds: number[] = [];

  constructor(timers: Timers, snapshots: AzureSnapshots) {
    this.#timers = timers;
    this.#snapshots = snapshots;
  }

  content(replicaName: string): number | null {
    return this.#replicas.get(replicaName)?.content ?? null;
  }

  write(replicaName: string, content: number): void {
    const replica = this.#replicas.get(replicaName);
    if (replica === undefined) {
      throw new FailbackError('FB-JRN-007', { status: 404, code: 'BlobNotFound' });
    }
    replica.content = content;
  }

  async beginSeed(request: Parameters<ReplicaDisks['beginSeed']>[0]): Promise<void> {
    const { replicaName, snapshotName } = request;
    const known = this.#replicas.get(replicaName);
    if (known?.snapshotName === snapshotName && !known.isFailed) return;
    const readyAtMs = this.#timers.now().getTime() + this.seedCopyMs;
    const content = this.#snapshots.content(snapshotName);
    this.seeds.push(content);
    const isFailed = this.isBroken;
    const seed = { content, snapshotName, isFailed, readyAtMs, sealedPointId: null };
    this.#replicas.set(replicaName, seed);
  }

  async seedState(replicaName: string): Promise<SeedState> {
    const replica = this.#replicas.get(replicaName);
    const totalBytes = 1024;
    if (replica === undefined) return { state: 'pending', copiedBytes: 0, totalBytes, detail: '' };
    if (this.isBroken) return { state: 'failed', copiedBytes: 1, totalBytes, detail: 'injected' };
    const isDone = replica.readyAtMs <= this.#timers.now().getTime();
    const copiedBytes = isDone ? totalBytes : 1;
    return { state: isDone ? 'done' : 'pending', copiedBytes, totalBytes, detail: '' };
  }

  async grantWrite(replicaName: string): Promise<AccessGrant> {
    const url = new Secret(`https://replicas/${replicaName}?sig=secret`);
    return { url, expiresAt: new Date(this.#timers.now().getTime() + 3_600_000) };
  }

  async seal(replicaName: string, pointId: string): Promise<void> {
    const replica = this.#replicas.get(replicaName);
    if (replica === undefined || replica.sealedPointId === pointId) return;
    replica.sealedPointId = pointId;
    this.sealedPointIds.push(pointId);
  }
}
