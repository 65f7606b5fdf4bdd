import { Secret } from '../../../shared/domain/secret.ts';
import { FailbackError } from '../../../shared/errors/failback-error.ts';
import type {
  AccessGrant,
  DiskSnapshots,
  ReplicaDisks,
  SnapshotRequest,
} from '../../../shared/ports/azure.ts';
import type { AzureVm } from './azure-vm.ts';
import type { Timers } from './timers.ts';

interface Snapshot {
  readonly itemId: string;
  readonly content: number;
  readonly takenAt: Date;
}

interface Replica {
  content: number;
  readonly readyAtMs: number;
  sealedPointId: string | null;
}

type SeedState = Awaited<ReturnType<ReplicaDisks['seedState']>>;

/** Snapshots of the Azure VM's disks, each with what the disk held at that moment. */
export class AzureSnapshots implements DiskSnapshots {
  readonly #vm: AzureVm;
  readonly #timers: Timers;
  readonly #snapshots = new Map<string, Snapshot>();
  /** Every snapshot that was ever made; the same name again makes none. */
  readonly taken: string[] = [];

  constructor(vm: AzureVm, timers: Timers) {
    this.#vm = vm;
    this.#timers = timers;
  }

  get names(): readonly string[] {
    return [...this.#snapshots.keys()];
  }

  content(snapshotName: string): number {
    const snapshot = this.#snapshots.get(snapshotName);
    if (snapshot === undefined) throw new FailbackError('FB-AZ-004', { snapshotName });
    return snapshot.content;
  }

  async take({ itemId, snapshotName }: SnapshotRequest): Promise<{ readonly takenAt: Date }> {
    const existing = this.#snapshots.get(snapshotName);
    if (existing !== undefined) return { takenAt: existing.takenAt };
    const takenAt = this.#timers.now();
    this.#snapshots.set(snapshotName, { itemId, content: this.#vm.writes.content, takenAt });
    this.taken.push(snapshotName);
    return { takenAt };
  }

  async listOfItem(_resourceGroup: string, itemId: string): Promise<readonly string[]> {
    return this.names.filter((name) => this.#snapshots.get(name)?.itemId === itemId);
  }

  async remove(_resourceGroup: string, snapshotName: string): Promise<void> {
    this.#snapshots.delete(snapshotName);
  }

  async grantRead(_resourceGroup: string, snapshotName: string): Promise<AccessGrant | null> {
    if (!this.#snapshots.has(snapshotName)) return null;
    const url = new Secret(`https://disks/${snapshotName}?sig=secret`);
    return { url, expiresAt: new Date(this.#timers.now().getTime() + 3_600_000) };
  }
}

/** Page blobs that stay in Azure after the commit. */
export class AzureReplicas implements ReplicaDisks {
  readonly #vm: AzureVm;
  readonly #timers: Timers;
  readonly #replicas = new Map<string, Replica>();
  seedCopyMs = 20_000;
  /** Every copy fails from now on. */
  isBroken = false;
  readonly sealedPointIds: string[] = [];

  constructor(vm: AzureVm, timers: Timers) {
    this.#vm = vm;
    this.#timers = timers;
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

  async beginSeed({ replicaName }: { replicaName: string }): Promise<void> {
    if (this.#replicas.has(replicaName)) return;
    const readyAtMs = this.#timers.now().getTime() + this.seedCopyMs;
    const { content } = this.#vm.writes;
    this.#replicas.set(replicaName, { content, readyAtMs, sealedPointId: null });
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

  async endSeed(): Promise<void> {
    return undefined;
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
