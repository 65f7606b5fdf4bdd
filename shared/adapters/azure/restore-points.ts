import { createHash } from 'node:crypto';
import type { RestorePoint, RestorePointCollection } from '@azure/arm-compute';
import { isSameDisk, refusalOfDisks } from '../../domain/attached-disks.ts';
import { Secret } from '../../domain/secret.ts';
import { FailbackError } from '../../errors/failback-error.ts';
import { SNAPSHOT_SAS_SECONDS } from '../../policy/limits.ts';
import type { AccessGrant, SnapshotRequest, SnapshotsTaken } from '../../ports/azure.ts';
import type { Clock } from '../../ports/messaging.ts';
import { findInAzure } from './azure-error.ts';
import type { SnapshotFacts } from './base-chain.ts';
import type { ArmClients } from './clients.ts';
import { ITEM_TAG } from './incremental-snapshots.ts';
import { grantWithinBudget } from './sas-budget.ts';
import type { SnapshotHandle } from './snapshot-name.ts';
import { managedDiskName } from './vm-disks.ts';

const GIB = 1024 ** 3;

export type PointHandle = Extract<SnapshotHandle, { kind: 'restorePoint' }>;
export type PointMode = 'ApplicationConsistent' | 'CrashConsistent';

/** A restore point that can be read, and its disk restore points by disk id. */
export interface TakenPoint {
  readonly point: RestorePoint;
  readonly takenAt: Date;
  readonly disks: Readonly<Record<string, PointHandle>>;
}

type Sizes = SnapshotsTaken['sizes'];

interface VmToCapture {
  readonly id: string;
  readonly location: string;
}

/** VM restore points: all managed disks of a VM at one instant. One collection for each item and VM. */
export class VmRestorePoints {
  readonly #arm: ArmClients;
  readonly #clock: Clock;

  constructor(arm: ArmClients, clock: Clock) {
    this.#arm = arm;
    this.#clock = clock;
  }

  /** The restore point of this `pointId`, in whichever mode it was got. */
  async find(request: SnapshotRequest): Promise<TakenPoint | null> {
    for (const mode of ['ApplicationConsistent', 'CrashConsistent'] as const) {
      const name = pointName(request.pointId, mode);
      const point = await this.#get(request.resourceGroup, collectionName(request), name);
      if (point?.provisioningState === 'Succeeded') return taken(request, point);
      const isUnderWay = point !== null && point.provisioningState !== 'Failed';
      if (isUnderWay) throw underWay(name, point.provisioningState);
    }
    return null;
  }

  /** Throws what the SDK throws: the caller knows which refusals matter. */
  async create(request: SnapshotRequest, vm: VmToCapture, mode: PointMode): Promise<TakenPoint> {
    const { resourceGroup, itemId } = request;
    const { restorePointCollections, restorePoints } = this.#arm.compute;
    const [collection, name] = [collectionName(request), pointName(request.pointId, mode)];
    const left = await this.#get(resourceGroup, collection, name);
    // What failed keeps its name and cannot be made again over it.
    if (left !== null) await restorePoints.delete(resourceGroup, collection, name);
    if ((await this.#collection(resourceGroup, collection)) === null) {
      await restorePointCollections.createOrUpdate(resourceGroup, collection, {
        location: vm.location,
        source: { id: vm.id },
        tags: { [ITEM_TAG]: itemId },
      });
    }
    // Application consistency is what Azure tries when no mode is named; naming it is refused.
    const parameters = mode === 'CrashConsistent' ? { consistencyMode: mode } : {};
    const created = await restorePoints.create(resourceGroup, collection, name, parameters);
    return taken(request, created);
  }

  /**
   * Bytes of the disks of a point, which itself knows whole GiB only: what the disks have now, where that fits. Azure
   * makes disks larger by whole GiB, so that what does not fit is as large as the point says.
   */
  async sizesOf(
    { resourceGroup, disks }: SnapshotRequest,
    { point, disks: handles }: TakenPoint,
  ): Promise<Sizes> {
    const inPoint = disksIn(point);
    const sizes = disks.map(async ({ id, diskName }) => {
      const { diskSizeGb = 0 } = inPoint.find(({ name }) => name === handles[id]?.disk) ?? {};
      const disk = await findInAzure(`read the disk ${diskName}`, async () =>
        this.#arm.compute.disks.get(resourceGroup, diskName),
      );
      const nowBytes = disk?.diskSizeBytes;
      const isAsNow = nowBytes !== undefined && Math.ceil(nowBytes / GIB) === diskSizeGb;
      return [id, isAsNow ? nowBytes : diskSizeGb * GIB] as const;
    });
    return Object.fromEntries((await Promise.all(sizes)).filter(([, bytes]) => bytes > 0));
  }

  async describe(resourceGroup: string, handle: PointHandle): Promise<SnapshotFacts | null> {
    const { collection, point, disk } = handle;
    const [found, owner] = await Promise.all([
      findInAzure(`read the disk restore point ${disk}`, async () =>
        this.#arm.compute.diskRestorePoint.get(resourceGroup, collection, point, disk),
      ),
      this.#get(resourceGroup, collection, point),
    ]);
    if (found === null || owner === null) return null;
    const size = disksIn(owner).find(({ name }) => name === disk);
    return {
      familyId: found.familyId,
      sourceUniqueId: found.sourceUniqueId,
      takenAt: found.timeCreated ?? owner.timeCreated,
      sizeBytes: (size?.diskSizeGb ?? 0) * GIB,
    };
  }

  async grantRead(resourceGroup: string, handle: PointHandle): Promise<AccessGrant | null> {
    const { collection, point, disk } = handle;
    const expiresAt = new Date(this.#clock.now().getTime() + SNAPSHOT_SAS_SECONDS * 1000);
    const granted = await grantWithinBudget(disk, async () =>
      this.#arm.compute.diskRestorePoint.grantAccess(resourceGroup, collection, point, disk, {
        access: 'Read',
        durationInSeconds: SNAPSHOT_SAS_SECONDS,
      }),
    );
    if (granted?.accessSAS === undefined) return null;
    return { url: new Secret(granted.accessSAS), expiresAt };
  }

  /** Returns as soon as Azure has accepted it. */
  async beginRevoke(resourceGroup: string, handle: PointHandle): Promise<void> {
    const { collection, point, disk } = handle;
    await findInAzure(`close the disk restore point ${disk}`, async () => {
      const { diskRestorePoint } = this.#arm.compute;
      await diskRestorePoint.revokeAccess(resourceGroup, collection, point, disk).submitted();
    });
  }

  /**
   * Ends access to all of the item's restore points and deletes those that are not named, with their
   * collection when none is left. A point whose access was not ended cannot be deleted.
   */
  async prune(
    resourceGroup: string,
    itemId: string,
    keep: readonly PointHandle[],
  ): Promise<number> {
    let deleted = 0;
    const { restorePoints, restorePointCollections } = this.#arm.compute;
    for (const { name: collection, points } of await this.#collectionsOf(resourceGroup, itemId)) {
      const kept = keep.filter((handle) => handle.collection === collection);
      const obsolete = points.filter((name) => !kept.some(({ point }) => point === name));
      // Side by side, because Azure takes seconds for each.
      await Promise.all(points.map((name) => this.#revokeAll(resourceGroup, collection, name)));
      await Promise.all(
        obsolete.map(async (name) =>
          findInAzure(`delete the restore point ${name}`, async () =>
            restorePoints.delete(resourceGroup, collection, name),
          ),
        ),
      );
      deleted += obsolete.length;
      if (kept.length > 0) continue;
      await findInAzure(`delete the restore points ${collection}`, async () =>
        restorePointCollections.delete(resourceGroup, collection),
      );
    }
    return deleted;
  }

  async #revokeAll(resourceGroup: string, collection: string, name: string): Promise<void> {
    const point = await this.#get(resourceGroup, collection, name);
    const { diskRestorePoint } = this.#arm.compute;
    await Promise.all(
      (point === null ? [] : disksIn(point)).map(async (disk) =>
        findInAzure(`close the disk restore point ${disk.name}`, async () =>
          diskRestorePoint.revokeAccess(resourceGroup, collection, name, disk.name),
        ),
      ),
    );
  }

  async #get(
    resourceGroup: string,
    collection: string,
    name: string,
  ): Promise<RestorePoint | null> {
    return findInAzure(`read the restore point ${name}`, async () =>
      this.#arm.compute.restorePoints.get(resourceGroup, collection, name),
    );
  }

  async #collection(resourceGroup: string, name: string): Promise<RestorePointCollection | null> {
    return findInAzure(`read the restore points ${name}`, async () =>
      this.#arm.compute.restorePointCollections.get(resourceGroup, name, {
        expand: 'restorePoints',
      }),
    );
  }

  async #collectionsOf(
    resourceGroup: string,
    itemId: string,
  ): Promise<readonly { readonly name: string; readonly points: readonly string[] }[]> {
    // With its resource group everything in it is gone.
    const names = await findInAzure(`list the restore points of ${itemId}`, async () => {
      const found: string[] = [];
      const all = this.#arm.compute.restorePointCollections.list(resourceGroup);
      for await (const { name, tags } of all) {
        if (tags?.[ITEM_TAG] === itemId && name !== undefined) found.push(name);
      }
      return found;
    });
    return Promise.all(
      (names ?? []).map(async (name) => {
        const collection = await this.#collection(resourceGroup, name);
        const points = collection?.restorePoints ?? [];
        return { name, points: points.flatMap((point) => point.name ?? []) };
      }),
    );
  }
}

/** A collection belongs to one VM for good, so an item that gets another VM needs another collection. */
function collectionName({ itemId, vmName }: SnapshotRequest): string {
  const hash = createHash('sha256').update(`${itemId}/${vmName}`).digest('hex').slice(0, 12);
  return `failback-${vmName.slice(0, 40)}-${hash}`;
}

function pointName(pointId: string, mode: PointMode): string {
  return mode === 'ApplicationConsistent' ? `${pointId}-app` : pointId;
}

interface CapturedDisk {
  readonly diskId: string;
  /** Of the disk restore point. */
  readonly name: string;
  readonly diskSizeGb: number;
  readonly source: NamedSource;
}

/** The disk that was captured, as far as the point says. */
type NamedSource = Parameters<typeof managedDiskName>[1];

function disksIn(point: RestorePoint): readonly CapturedDisk[] {
  const { osDisk, dataDisks = [] } = point.sourceMetadata?.storageProfile ?? {};
  const all = [
    { diskId: 'os', disk: osDisk },
    ...dataDisks.map((disk) => ({ diskId: `lun-${disk.lun}`, disk })),
  ];
  return all.flatMap(({ diskId, disk }) => {
    const name = disk?.diskRestorePoint?.id?.split('/').at(-1);
    if (disk === undefined || name === undefined) return [];
    return [{ diskId, name, diskSizeGb: disk.diskSizeGB ?? 0, source: disk }];
  });
}

/**
 * Throws where the point is of other disks than were asked for. A point that does not say of all its disks what they are
 * is taken at its word.
 */
function assertOfDisks(
  { resourceGroup, vmName, disks }: SnapshotRequest,
  { sourceMetadata }: RestorePoint,
): void {
  const { osDisk, dataDisks = [] } = sourceMetadata?.storageProfile ?? {};
  const sources: readonly NamedSource[] = [...(osDisk === undefined ? [] : [osDisk]), ...dataDisks];
  const names = sources.map((source) => managedDiskName(resourceGroup, source));
  const known = names.flatMap((diskName) => (diskName === undefined ? [] : [{ diskName }]));
  if (known.length < names.length || known.length === 0) return;
  const refusal = refusalOfDisks(vmName, disks, known);
  if (refusal !== null) throw refusal;
}

/** By what it is: another one may be at its place. By its place only where the point does not say what it is. */
function isCaptured(
  { diskId, source }: CapturedDisk,
  { disk, resourceGroup }: { readonly disk: RequestedDisk; readonly resourceGroup: string },
): boolean {
  const diskName = managedDiskName(resourceGroup, source);
  return diskName === undefined ? diskId === disk.id : isSameDisk({ diskName }, disk);
}

type RequestedDisk = SnapshotRequest['disks'][number];

function taken(request: SnapshotRequest, point: RestorePoint): TakenPoint {
  const { name, timeCreated } = point;
  const inPoint = disksIn(point);
  assertOfDisks(request, point);
  const { resourceGroup } = request;
  const disks = request.disks.flatMap((disk) => {
    const { id } = disk;
    const found = inPoint.find((each) => isCaptured(each, { disk, resourceGroup }));
    if (found === undefined || name === undefined) return [];
    const collection = collectionName(request);
    const handle: PointHandle = {
      kind: 'restorePoint',
      collection,
      point: name,
      disk: found.name,
    };
    return [[id, handle] as const];
  });
  if (disks.length < request.disks.length || timeCreated === undefined) {
    throw underWay(name ?? request.pointId, 'without some of the disks');
  }
  return { point, takenAt: timeCreated, disks: Object.fromEntries(disks) };
}

function underWay(name: string, state: string | undefined): FailbackError {
  const detail = `the restore point is ${state ?? 'under way'}`;
  return new FailbackError('FB-AZ-002', { operation: name, code: 'Incomplete', detail });
}
