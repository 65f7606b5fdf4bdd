import type { Snapshot } from '@azure/arm-compute';
import { Secret } from '../../domain/secret.ts';
import { FailbackError } from '../../errors/failback-error.ts';
import { SNAPSHOT_SAS_SECONDS } from '../../policy/limits.ts';
import type { AccessGrant, SnapshotRequest } from '../../ports/azure.ts';
import type { Clock } from '../../ports/messaging.ts';
import { callAzure, findInAzure } from './azure-error.ts';
import type { SnapshotFacts } from './base-chain.ts';
import type { ArmClients } from './clients.ts';
import { optional } from './optional.ts';
import { grantWithinBudget } from './sas-budget.ts';

/** Tag that says whose snapshot it is, so that leftovers are found and removed. */
export const ITEM_TAG = 'failback-item';

/** Tags of a snapshot that is the point itself, not only the base of a later one. */
const INSTANT_TAG = 'failback-instant';
const REASON_TAG = 'failback-reason';
const MAX_TAG_CHARACTERS = 256;

export interface DiskSnapshot {
  readonly diskId: string;
  readonly name: string;
  readonly takenAt: Date;
  readonly sizeBytes: number | undefined;
}

/** How the point came to be snapshots of single disks. */
export interface PointMark {
  readonly isOneInstant: boolean;
  readonly reason: string;
}

/** Incremental snapshots of managed disks, each for itself. */
export class IncrementalSnapshots {
  readonly #arm: ArmClients;
  readonly #clock: Clock;

  constructor(arm: ArmClients, clock: Clock) {
    this.#arm = arm;
    this.#clock = clock;
  }

  /** Those of the point that exist, and how they were marked if they are the point itself. */
  async find(
    request: SnapshotRequest,
  ): Promise<{ readonly snapshots: readonly DiskSnapshot[]; readonly mark: PointMark | null }> {
    const { resourceGroup, pointId, disks } = request;
    const found = await Promise.all(
      disks.map(async ({ id }) => {
        const snapshot = await this.#get(resourceGroup, nameOf(pointId, id));
        return { diskId: id, snapshot };
      }),
    );
    const existing = found.flatMap(({ diskId, snapshot }) =>
      snapshot === null ? [] : [{ snapshot: toDiskSnapshot(diskId, snapshot), raw: snapshot }],
    );
    const marks = existing.map(({ raw }) => raw.tags?.[INSTANT_TAG]);
    const isPoint = existing.length === disks.length && marks.every((mark) => mark !== undefined);
    return {
      snapshots: existing.map(({ snapshot }) => snapshot),
      mark: isPoint
        ? {
            isOneInstant: marks.every((mark) => mark === 'yes'),
            reason: existing[0]?.raw.tags?.[REASON_TAG] ?? '',
          }
        : null,
    };
  }

  async take(request: SnapshotRequest): Promise<readonly DiskSnapshot[]> {
    return Promise.all(request.disks.map(async (disk) => this.#takeOne(request, disk)));
  }

  /** Notes that these are the point, so that the same answer is given when it is taken again. */
  async mark(
    request: SnapshotRequest,
    snapshots: readonly DiskSnapshot[],
    mark: PointMark,
  ): Promise<void> {
    const { resourceGroup, itemId } = request;
    const tags = {
      [ITEM_TAG]: itemId,
      [INSTANT_TAG]: mark.isOneInstant ? 'yes' : 'no',
      [REASON_TAG]: mark.reason.slice(0, MAX_TAG_CHARACTERS),
    };
    for (const { name } of snapshots) {
      await callAzure(`tag the snapshot ${name}`, async () =>
        this.#arm.compute.snapshots.update(resourceGroup, name, { tags }),
      );
    }
  }

  async describe(resourceGroup: string, name: string): Promise<SnapshotFacts | null> {
    const snapshot = await this.#get(resourceGroup, name);
    if (snapshot === null) return null;
    return {
      familyId: snapshot.incrementalSnapshotFamilyId,
      sourceUniqueId: snapshot.creationData?.sourceUniqueId,
      takenAt: snapshot.timeCreated,
      sizeBytes: snapshot.diskSizeBytes ?? 0,
    };
  }

  async grantRead(resourceGroup: string, name: string): Promise<AccessGrant | null> {
    const expiresAt = new Date(this.#clock.now().getTime() + SNAPSHOT_SAS_SECONDS * 1000);
    const granted = await grantWithinBudget(name, async () =>
      this.#arm.compute.snapshots.grantAccess(resourceGroup, name, {
        access: 'Read',
        durationInSeconds: SNAPSHOT_SAS_SECONDS,
      }),
    );
    if (granted?.accessSAS === undefined) return null;
    return { url: new Secret(granted.accessSAS), expiresAt };
  }

  /** Returns as soon as Azure has accepted it. */
  async beginRevoke(resourceGroup: string, name: string): Promise<void> {
    await findInAzure(`close the snapshot ${name}`, async () => {
      await this.#arm.compute.snapshots.revokeAccess(resourceGroup, name).submitted();
    });
  }

  /** Ends access to all of the item's snapshots and deletes those that are not named. */
  async prune(resourceGroup: string, itemId: string, keep: ReadonlySet<string>): Promise<number> {
    const { snapshots } = this.#arm.compute;
    const all = await this.#listOfItem(resourceGroup, itemId);
    // Side by side, because Azure takes seconds for each.
    await Promise.all(
      all.map(async ({ name, diskState }) =>
        findInAzure(`remove the snapshot ${name}`, async () => {
          // An open snapshot cannot be deleted.
          if (diskState === 'ActiveSAS') await snapshots.revokeAccess(resourceGroup, name);
          if (!keep.has(name)) await snapshots.delete(resourceGroup, name);
        }),
      ),
    );
    return all.filter(({ name }) => !keep.has(name)).length;
  }

  async #takeOne(
    request: SnapshotRequest,
    disk: SnapshotRequest['disks'][number],
  ): Promise<DiskSnapshot> {
    const { resourceGroup, itemId, pointId } = request;
    const name = nameOf(pointId, disk.id);
    const existing = await this.#get(resourceGroup, name);
    if (existing !== null) return toDiskSnapshot(disk.id, existing);
    return callAzure(`take the snapshot ${name}`, async () => {
      const source = await this.#arm.compute.disks.get(resourceGroup, disk.diskName);
      const snapshot = await this.#arm.compute.snapshots.createOrUpdate(resourceGroup, name, {
        location: source.location,
        incremental: true,
        tags: { [ITEM_TAG]: itemId },
        creationData: { createOption: 'Copy', ...optional('sourceResourceId', source.id) },
      });
      return toDiskSnapshot(disk.id, snapshot);
    });
  }

  async #get(resourceGroup: string, name: string): Promise<Snapshot | null> {
    return findInAzure(`read the snapshot ${name}`, async () =>
      this.#arm.compute.snapshots.get(resourceGroup, name),
    );
  }

  async #listOfItem(
    resourceGroup: string,
    itemId: string,
  ): Promise<readonly { name: string; diskState: string | undefined }[]> {
    // With its resource group everything in it is gone.
    const listed = await findInAzure(`list the snapshots of ${itemId}`, async () => {
      const found: { name: string; diskState: string | undefined }[] = [];
      for await (const snapshot of this.#arm.compute.snapshots.listByResourceGroup(resourceGroup)) {
        const { name, tags, diskState } = snapshot;
        if (tags?.[ITEM_TAG] === itemId && name !== undefined) found.push({ name, diskState });
      }
      return found;
    });
    return listed ?? [];
  }
}

function nameOf(pointId: string, diskId: string): string {
  return `${pointId}-${diskId}`;
}

function toDiskSnapshot(diskId: string, snapshot: Snapshot): DiskSnapshot {
  const { name = '', timeCreated, provisioningState, diskSizeBytes: sizeBytes } = snapshot;
  const isDone = provisioningState === undefined || provisioningState === 'Succeeded';
  if (timeCreated !== undefined && isDone) return { diskId, name, takenAt: timeCreated, sizeBytes };
  const detail = `the snapshot is ${provisioningState ?? 'not dated'}`;
  throw new FailbackError('FB-AZ-002', { operation: name, code: 'Incomplete', detail });
}
