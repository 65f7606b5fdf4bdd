import { refusalOfDisks } from '../../domain/attached-disks.ts';
import { redact } from '../../domain/secret.ts';
import { FailbackError } from '../../errors/failback-error.ts';
import type {
  AccessGrant,
  DiskSnapshots,
  SnapshotRequest,
  SnapshotsTaken,
  SourceAccess,
} from '../../ports/azure.ts';
import type { Clock } from '../../ports/messaging.ts';
import { callAzure } from './azure-error.ts';
import { refusalOfBase } from './base-chain.ts';
import type { ArmClients } from './clients.ts';
import {
  type DiskSnapshot,
  IncrementalSnapshots,
  type PointMark,
} from './incremental-snapshots.ts';
import { PageBlobSnapshots } from './page-blob-snapshots.ts';
import type { PageBlobs } from './page-blobs.ts';
import {
  doubtsAboutInstant,
  noMoreThanCrashConsistent,
  refusalOfConsistency,
  refusalOfRestorePoint,
} from './restore-point-limits.ts';
import { type TakenPoint, VmRestorePoints } from './restore-points.ts';
import { attachedDisksOf } from './vm-disks.ts';
import { formatName, isComparable, parseName, type SnapshotHandle } from './snapshot-name.ts';

/** A VM in one of these states writes nothing: snapshots taken one after another show one instant. */
const STILL: readonly string[] = ['PowerState/stopped', 'PowerState/deallocated'];

interface VmState {
  readonly id: string;
  readonly location: string;
  readonly isStill: boolean;
}

interface Parts {
  readonly arm: ArmClients;
  readonly blobs: PageBlobs;
  readonly clock: Clock;
  /** Where failures go that must not stop the caller. */
  readonly warn: (message: string) => void;
}

/**
 * The disks of a VM at one instant. A point of a replication is one snapshot a disk, because Azure makes
 * three restore points an hour only, and a delta needs a base of its own kind. A point that stands for
 * itself, or that asks applications, becomes a restore point; where it cannot, it says why.
 */
export class AzureDiskSnapshots implements DiskSnapshots {
  readonly #arm: ArmClients;
  readonly #warn: Parts['warn'];
  readonly #points: VmRestorePoints;
  readonly #snapshots: IncrementalSnapshots;
  readonly #blobs: PageBlobSnapshots;

  constructor({ arm, blobs, clock, warn }: Parts) {
    this.#arm = arm;
    this.#warn = warn;
    this.#points = new VmRestorePoints(arm, clock);
    this.#snapshots = new IncrementalSnapshots(arm, clock);
    this.#blobs = new PageBlobSnapshots(blobs, clock);
  }

  async take(request: SnapshotRequest): Promise<SnapshotsTaken> {
    if (request.disks.some(({ kind }) => kind === 'pageBlob')) return this.#takeBlobs(request);
    const known = await this.#points.find(request);
    if (known !== null) return this.#pointResult(request, known, '');
    const earlier = await this.#snapshots.find(request);
    if (earlier.mark !== null) return snapshotResult(earlier.snapshots, earlier.mark);
    const vm = await this.#vm(request);
    const isAsked = request.consistency === 'applicationConsistent';
    const isOneInstant = vm.isStill || request.disks.length === 1;
    const wantsPoint = isAsked || (request.isOneInstantWanted && !isOneInstant);
    let reason = isAsked ? 'The VM does not run, so no application can be asked' : '';
    if (wantsPoint && !vm.isStill) {
      const attempt = await this.#attempt(request, vm);
      if (attempt.point !== null) return this.#pointResult(request, attempt.point, attempt.reason);
      ({ reason } = attempt);
    }
    const snapshots = await this.#snapshots.take(request);
    const mark = { isOneInstant, reason };
    await this.#snapshots.mark(request, snapshots, mark);
    return snapshotResult(snapshots, mark);
  }

  async prune(
    request: Parameters<DiskSnapshots['prune']>[0],
  ): Promise<{ readonly deleted: number }> {
    const { resourceGroup, itemId, disks } = request;
    const handles = request.keep.map(parseName);
    const urls = disks.flatMap(({ kind, diskName }) => (kind === 'pageBlob' ? [diskName] : []));
    const points = handles.filter((each) => each.kind === 'restorePoint');
    const blobs = handles.filter((each) => each.kind === 'blob');
    const names = handles.flatMap((each) => (each.kind === 'snapshot' ? [each.name] : []));
    const deleted = [
      await this.#points.prune(resourceGroup, itemId, points),
      await this.#snapshots.prune(resourceGroup, itemId, new Set(names)),
      await this.#blobs.prune(urls, itemId, blobs),
    ];
    return { deleted: deleted.reduce((sum, count) => sum + count, 0) };
  }

  async grantRead(
    resourceGroup: string,
    names: { readonly snapshot: string; readonly base: string | null },
  ): Promise<SourceAccess | null> {
    const current = parseName(names.snapshot);
    const base = names.base === null ? null : await this.#base(resourceGroup, current, names.base);
    const source = await this.#grant(resourceGroup, current);
    if (source === null) return null;
    const kind = current.kind === 'blob' ? 'pageBlob' : 'managedDisk';
    if (base === null) return { kind, source, base: null, baseRefusal: null };
    if (typeof base === 'string') return { kind, source, base: null, baseRefusal: base };
    const granted = await this.#grant(resourceGroup, base);
    const baseRefusal = granted === null ? 'the base snapshot is gone' : null;
    return { kind, source, base: granted, baseRefusal };
  }

  async release(resourceGroup: string, names: readonly string[]): Promise<void> {
    for (const handle of names.map(parseName)) {
      try {
        if (handle.kind === 'snapshot') {
          await this.#snapshots.beginRevoke(resourceGroup, handle.name);
        } else if (handle.kind === 'restorePoint') {
          await this.#points.beginRevoke(resourceGroup, handle);
        }
      } catch (error) {
        const reason = redact(error instanceof Error ? error.message : String(error));
        this.#warn(`Access to ${formatName(handle)} stays open for now: ${reason}`);
      }
    }
  }

  /** The restore point, or why there is none; with one, why it is not what was asked for. */
  async #attempt(
    request: SnapshotRequest,
    vm: VmState,
  ): Promise<{ readonly point: TakenPoint | null; readonly reason: string }> {
    const reasons: string[] = [];
    if (request.consistency === 'applicationConsistent') {
      try {
        const point = await this.#points.create(request, vm, 'ApplicationConsistent');
        return { point, reason: '' };
      } catch (error) {
        reasons.push(refusalOfConsistency(error));
      }
    }
    let point: TakenPoint | null = null;
    if (request.isOneInstantWanted) {
      try {
        point = await this.#points.create(request, vm, 'CrashConsistent');
      } catch (error) {
        reasons.push(refusalOfRestorePoint(`take the restore point ${request.pointId}`, error));
      }
    }
    return { point, reason: reasons.join('; ') };
  }

  async #takeBlobs(request: SnapshotRequest): Promise<SnapshotsTaken> {
    const { disks, consistency } = request;
    if (disks.some(({ kind }) => kind === 'managedDisk')) {
      const detail = 'some disks are managed and some are page blobs';
      throw new FailbackError('FB-AZ-001', { operation: request.vmName, code: 'Mixed', detail });
    }
    const { isStill } = await this.#vm(request);
    const taken = await Promise.all(
      disks.map(async (disk) => ({ id: disk.id, ...(await this.#blobs.take(request, disk)) })),
    );
    const isOneInstant = isStill || disks.length === 1;
    return {
      takenAt: earliest(taken.map((each) => each.takenAt)),
      consistency: 'crashConsistent',
      isOneInstant,
      reasons: [
        ...(isOneInstant ? [] : ['Page blobs can only be taken one after another']),
        ...(consistency === 'crashConsistent' ? [] : ['Page blobs have no restore points']),
      ],
      snapshots: Object.fromEntries(taken.map(({ id, handle }) => [id, formatName(handle)])),
      sizes: sizesOf(taken.map(({ id: diskId, sizeBytes }) => ({ diskId, sizeBytes }))),
    };
  }

  async #pointResult(
    request: SnapshotRequest,
    taken: TakenPoint,
    reason: string,
  ): Promise<SnapshotsTaken> {
    const sizes = await this.#points.sizesOf(request, taken);
    return { ...pointResult(request, taken, reason), sizes };
  }

  /** What may be compared with, or why nothing may. */
  async #base(
    resourceGroup: string,
    current: SnapshotHandle,
    baseName: string,
  ): Promise<SnapshotHandle | string> {
    const base = parseName(baseName);
    if (!isComparable(current, base)) return 'the base snapshot is of another kind or series';
    if (current.kind === 'blob') {
      if (base.kind !== 'blob') return 'the base snapshot is of another kind or series';
      return (await this.#blobs.refusalOfBase(current, base)) ?? base;
    }
    const [is, was] = await Promise.all(
      [current, base].map(async (handle) => this.#describe(resourceGroup, handle)),
    );
    if (is === undefined || is === null) return 'the snapshot itself is gone';
    if (was === undefined || was === null) return 'the base snapshot is gone';
    return refusalOfBase(is, was) ?? base;
  }

  async #describe(
    resourceGroup: string,
    handle: SnapshotHandle,
  ): Promise<Parameters<typeof refusalOfBase>[0] | null> {
    if (handle.kind === 'snapshot') return this.#snapshots.describe(resourceGroup, handle.name);
    return handle.kind === 'restorePoint' ? this.#points.describe(resourceGroup, handle) : null;
  }

  async #grant(resourceGroup: string, handle: SnapshotHandle): Promise<AccessGrant | null> {
    switch (handle.kind) {
      case 'snapshot':
        return this.#snapshots.grantRead(resourceGroup, handle.name);
      case 'restorePoint':
        return this.#points.grantRead(resourceGroup, handle);
      case 'blob':
        return this.#blobs.grantRead(handle);
    }
  }

  /** Throws where the disks of the VM are not those that were asked for. */
  async #vm({ resourceGroup, vmName, disks }: SnapshotRequest): Promise<VmState> {
    const { virtualMachines } = this.#arm.compute;
    const vm = await callAzure(`read ${vmName}`, async () =>
      virtualMachines.get(resourceGroup, vmName, { expand: 'instanceView' }),
    );
    const refusal = refusalOfDisks(vmName, disks, attachedDisksOf(vm, resourceGroup));
    if (refusal !== null) throw refusal;
    const codes = vm.instanceView?.statuses?.map(({ code }) => code ?? '') ?? [];
    const isStill = codes.some((code) => STILL.includes(code));
    return { id: vm.id ?? '', location: vm.location, isStill };
  }
}

function pointResult(
  request: SnapshotRequest,
  { point, takenAt, disks }: TakenPoint,
  reason: string,
): Omit<SnapshotsTaken, 'sizes'> {
  const isApplication = point.consistencyMode === 'ApplicationConsistent';
  const isLess = request.consistency === 'applicationConsistent' && !isApplication;
  const doubts = doubtsAboutInstant(point.sourceMetadata ?? {});
  const why = reason === '' ? noMoreThanCrashConsistent(point.consistencyMode) : reason;
  return {
    takenAt,
    consistency: isApplication ? 'applicationConsistent' : 'crashConsistent',
    isOneInstant: isApplication || doubts.length === 0,
    reasons: [...(isLess ? [why] : []), ...(isApplication ? [] : doubts)],
    snapshots: Object.fromEntries(
      Object.entries(disks).map(([id, handle]) => [id, formatName(handle)]),
    ),
  };
}

function snapshotResult(
  snapshots: readonly DiskSnapshot[],
  { isOneInstant, reason }: PointMark,
): SnapshotsTaken {
  return {
    takenAt: earliest(snapshots.map((each) => each.takenAt)),
    consistency: 'crashConsistent',
    isOneInstant,
    reasons: reason === '' ? [] : [reason],
    snapshots: Object.fromEntries(
      snapshots.map(({ diskId, name }) => [diskId, formatName({ kind: 'snapshot', name })]),
    ),
    sizes: sizesOf(snapshots),
  };
}

function sizesOf(
  disks: readonly { readonly diskId: string; readonly sizeBytes: number | undefined }[],
): SnapshotsTaken['sizes'] {
  return Object.fromEntries(
    disks.flatMap(({ diskId, sizeBytes }) =>
      sizeBytes === undefined ? [] : [[diskId, sizeBytes]],
    ),
  );
}

function earliest(times: readonly Date[]): Date {
  return new Date(Math.min(...times.map((time) => time.getTime())));
}
