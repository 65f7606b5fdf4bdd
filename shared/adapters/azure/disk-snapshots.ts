import { Secret } from '../../domain/secret.ts';
import { FailbackError } from '../../errors/failback-error.ts';
import { SNAPSHOT_SAS_SECONDS } from '../../policy/limits.ts';
import type { AccessGrant, DiskSnapshots, SnapshotRequest } from '../../ports/azure.ts';
import type { Clock } from '../../ports/messaging.ts';
import { callAzure, findInAzure } from './azure-error.ts';
import type { ArmClients } from './clients.ts';

/** Tag that says whose snapshot it is, so that leftovers are found and removed. */
export const ITEM_TAG = 'failback-item';

export class ArmDiskSnapshots implements DiskSnapshots {
  readonly #arm: ArmClients;
  readonly #clock: Clock;

  constructor(arm: ArmClients, clock: Clock) {
    this.#arm = arm;
    this.#clock = clock;
  }

  async take(request: SnapshotRequest): Promise<{ readonly takenAt: Date }> {
    const { resourceGroup, itemId, diskName, snapshotName } = request;
    const { disks, snapshots } = this.#arm.compute;
    const existing = await findInAzure(`read the snapshot ${snapshotName}`, () =>
      snapshots.get(resourceGroup, snapshotName),
    );
    if (existing?.timeCreated !== undefined) return { takenAt: existing.timeCreated };
    return callAzure(`take the snapshot ${snapshotName}`, async () => {
      const disk = await disks.get(resourceGroup, diskName);
      const snapshot = await snapshots.createOrUpdate(resourceGroup, snapshotName, {
        location: disk.location,
        incremental: true,
        tags: { [ITEM_TAG]: itemId },
        creationData: { createOption: 'Copy', ...optional('sourceResourceId', disk.id) },
      });
      if (snapshot.timeCreated === undefined) {
        const detail = 'the snapshot has no time of creation';
        throw new FailbackError('FB-AZ-002', {
          operation: snapshotName,
          code: 'Incomplete',
          detail,
        });
      }
      return { takenAt: snapshot.timeCreated };
    });
  }

  async listOfItem(resourceGroup: string, itemId: string): Promise<readonly string[]> {
    return callAzure(`list the snapshots of ${itemId}`, async () => {
      const names: string[] = [];
      for await (const snapshot of this.#arm.compute.snapshots.listByResourceGroup(resourceGroup)) {
        const isOurs = snapshot.tags?.[ITEM_TAG] === itemId;
        if (isOurs && snapshot.name !== undefined) names.push(snapshot.name);
      }
      return names;
    });
  }

  async remove(resourceGroup: string, snapshotName: string): Promise<void> {
    const { snapshots } = this.#arm.compute;
    await findInAzure(`delete the snapshot ${snapshotName}`, async () => {
      await snapshots.revokeAccess(resourceGroup, snapshotName);
      await snapshots.delete(resourceGroup, snapshotName);
    });
  }

  async grantRead(resourceGroup: string, snapshotName: string): Promise<AccessGrant | null> {
    const expiresAt = new Date(this.#clock.now().getTime() + SNAPSHOT_SAS_SECONDS * 1000);
    const granted = await findInAzure(`open the snapshot ${snapshotName}`, () =>
      this.#arm.compute.snapshots.grantAccess(resourceGroup, snapshotName, {
        access: 'Read',
        durationInSeconds: SNAPSHOT_SAS_SECONDS,
      }),
    );
    if (granted?.accessSAS === undefined) return null;
    return { url: new Secret(granted.accessSAS), expiresAt };
  }
}

function optional<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: V });
}
