import { ArmError, notFound } from './arm-error.ts';
import {
  type ArmContext,
  assertNotLocked,
  findDisk,
  LOCATION,
  member,
  resourceId,
  same,
  text,
} from './context.ts';
import { expiryOf } from './sas-expiry.ts';
import { type ArmRoute, IN_GROUP, name, ok, route } from './router.ts';
import type { DiskRecord, SnapshotRecord } from './state.ts';

const MAX_PER_WINDOW = 7;
const WINDOW_MS = 5 * 60_000;
const MAX_PER_DISK = 500;
const MAX_SAS_PER_FAMILY = 5;

export function snapshotRoutes(context: ArmContext): readonly ArmRoute[] {
  const path = `${IN_GROUP}Compute/snapshots`;
  const one = `${path}/{snapshot}`;
  return [
    route('snapshots.listByResourceGroup', 'GET', path, ({ names }) => {
      const group = (names['group'] ?? '').toLowerCase();
      const found = context.state.snapshots.filter(
        ({ resourceGroup, name: each }) =>
          resourceGroup.toLowerCase() === group && !each.startsWith(RESTORE_POINT_PREFIX),
      );
      return ok({ value: found.map((snapshot) => showSnapshot(context, snapshot)) });
    }),
    route('snapshots.get', 'GET', one, (request) =>
      ok(
        showSnapshot(
          context,
          findSnapshot(context, name(request, 'group'), name(request, 'snapshot')),
        ),
      ),
    ),
    route('snapshots.createOrUpdate', 'PUT', one, async (request) => {
      const group = name(request, 'group');
      assertNotLocked(context, group, 'change');
      const snapshot = await createSnapshot(
        context,
        group,
        name(request, 'snapshot'),
        request.body,
      );
      const operationId = context.operations.begin(async () => showSnapshot(context, snapshot));
      return { kind: 'accepted', operationId, body: showSnapshot(context, snapshot, 'Updating') };
    }),
    route('snapshots.update', 'PATCH', one, (request) => {
      const group = name(request, 'group');
      assertNotLocked(context, group, 'change');
      const snapshot = findSnapshot(context, group, name(request, 'snapshot'));
      snapshot.tags = tagsOf(request.body);
      context.save();
      return ok(showSnapshot(context, snapshot));
    }),
    route('snapshots.delete', 'DELETE', one, (request) => {
      const group = name(request, 'group');
      assertNotLocked(context, group, 'delete');
      const found = context.state.snapshots.find((s) => same(s, group, name(request, 'snapshot')));
      if (found === undefined) return { kind: 'none' };
      if (isOpen(context, found)) {
        const reason = `There is an active shared access signature outstanding for ${found.name}. Call EndGetAccess before deleting it.`;
        throw new ArmError(409, 'OperationNotAllowed', reason);
      }
      const operationId = context.operations.begin(async () => deleteSnapshot(context, found));
      return { kind: 'accepted', operationId };
    }),
    route('snapshots.grantAccess', 'POST', `${one}/beginGetAccess`, (request) => {
      const group = name(request, 'group');
      assertNotLocked(context, group, 'change');
      const snapshot = findSnapshot(context, group, name(request, 'snapshot'));
      return beginGrant(context, snapshot, request.body);
    }),
    route('snapshots.revokeAccess', 'POST', `${one}/endGetAccess`, (request) => {
      const group = name(request, 'group');
      return beginRevoke(context, findSnapshot(context, group, name(request, 'snapshot')));
    }),
  ];
}

/** Disk restore points are snapshots whose names say so; they are not listed among snapshots. */
export const RESTORE_POINT_PREFIX = 'restorepoint--';

/** By name, or by the id of the resource. */
export function findSnapshot(context: ArmContext, group: string, nameOrId: string): SnapshotRecord {
  const snapshotName = nameOrId.split('/').at(-1) ?? '';
  const found = context.state.snapshots.find((snapshot) => same(snapshot, group, snapshotName));
  if (found === undefined) throw notFound('Microsoft.Compute/snapshots', snapshotName);
  return found;
}

export function beginGrant(
  context: ArmContext,
  snapshot: SnapshotRecord,
  body: unknown,
): { kind: 'accepted'; operationId: string } {
  const expiresAt = expiryOf(context, body);
  assertSasBudget(context, snapshot);
  const operationId = context.operations.begin(async () => {
    const { diskUniqueId, blobSnapshot } = snapshot;
    const request = { permissions: 'r', expiresAt, blobSnapshot } as const;
    const sasUrl = await context.blobs.grant(diskUniqueId, request);
    const before = snapshot.access;
    const earlier = before === null ? [] : [before.sasUrl, ...(before.earlier ?? [])];
    snapshot.access = { sasUrl, expiresAt: expiresAt.toISOString(), earlier };
    context.save();
    return { accessSAS: sasUrl };
  });
  return { kind: 'accepted', operationId };
}

export function beginRevoke(
  context: ArmContext,
  snapshot: SnapshotRecord,
): { kind: 'accepted'; operationId: string } {
  const operationId = context.operations.begin(async () => {
    endAccess(context, snapshot);
    context.save();
    return null;
  });
  return { kind: 'accepted', operationId };
}

/** Ends every URL that was granted for it, not only the last. */
function endAccess(context: ArmContext, snapshot: SnapshotRecord): void {
  const { access } = snapshot;
  snapshot.access = null;
  if (access === null) return;
  for (const url of [access.sasUrl, ...(access.earlier ?? [])]) context.blobs.revoke(url);
}

export function isOpen(context: ArmContext, { access }: SnapshotRecord): boolean {
  return access !== null && access.expiresAt > context.now().toISOString();
}

/** Only five snapshots of a family can be read at a time. */
function assertSasBudget(context: ArmContext, snapshot: SnapshotRecord): void {
  const open = context.state.snapshots.filter(
    (each) => each !== snapshot && each.familyId === snapshot.familyId && isOpen(context, each),
  );
  if (open.length < MAX_SAS_PER_FAMILY) return;
  const reason = `Only ${MAX_SAS_PER_FAMILY} snapshots of a family can have an active SAS.`;
  throw new ArmError(409, 'OperationNotAllowed', reason);
}

async function createSnapshot(
  context: ArmContext,
  group: string,
  snapshotName: string,
  body: unknown,
): Promise<SnapshotRecord> {
  const existing = context.state.snapshots.find((each) => same(each, group, snapshotName));
  if (existing !== undefined) return existing;
  if (member(body, 'properties', 'incremental') !== true) {
    throw new ArmError(400, 'InvalidParameter', 'The lab only takes incremental snapshots.');
  }
  const source = text(body, 'properties', 'creationData', 'sourceResourceId') ?? '';
  const disk = findDisk(context, group, source.split('/').at(-1) ?? '');
  assertRate(context, disk);
  const snapshot = await takeSnapshot(context, disk, { snapshotName, tags: tagsOf(body) });
  disk.snapshotTimes.push(snapshot.timeCreated);
  context.save();
  return snapshot;
}

export function tagsOf(body: unknown): Readonly<Record<string, string>> {
  return (member(body, 'tags') ?? {}) as Readonly<Record<string, string>>;
}

interface NewSnapshot {
  readonly snapshotName: string;
  readonly tags: Readonly<Record<string, string>>;
  /** Snapshots and restore points of one disk are families of their own. */
  readonly family?: string;
}

export async function takeSnapshot(
  context: ArmContext,
  disk: DiskRecord,
  { snapshotName, tags, family = 'family' }: NewSnapshot,
): Promise<SnapshotRecord> {
  const snapshot: SnapshotRecord = {
    resourceGroup: disk.resourceGroup,
    name: snapshotName,
    diskName: disk.name,
    diskUniqueId: disk.uniqueId,
    familyId: `${family}-${disk.uniqueId}`,
    sizeBytes: disk.sizeBytes,
    blobSnapshot: await context.blobs.snapshot(disk.uniqueId),
    timeCreated: context.now().toISOString(),
    tags,
    access: null,
  };
  context.state.snapshots.push(snapshot);
  context.save();
  return snapshot;
}

/** Seven snapshots a disk in five minutes, 500 in all. */
function assertRate(context: ArmContext, disk: DiskRecord): void {
  const nowMs = context.now().getTime();
  disk.snapshotTimes = disk.snapshotTimes.filter((time) => nowMs - Date.parse(time) < WINDOW_MS);
  const [oldest] = disk.snapshotTimes;
  if (disk.snapshotTimes.length >= MAX_PER_WINDOW && oldest !== undefined) {
    const waitSeconds = Math.ceil((Date.parse(oldest) + WINDOW_MS - nowMs) / 1000);
    const reason = `At most ${MAX_PER_WINDOW} snapshots of a disk in five minutes.`;
    throw new ArmError(429, 'TooManyRequests', reason, waitSeconds);
  }
  const family = context.state.snapshots.filter((each) => each.diskUniqueId === disk.uniqueId);
  if (family.length >= MAX_PER_DISK) {
    const reason = `At most ${MAX_PER_DISK} incremental snapshots of a disk.`;
    throw new ArmError(409, 'OperationNotAllowed', reason);
  }
}

export async function deleteSnapshot(context: ArmContext, snapshot: SnapshotRecord): Promise<null> {
  const { state, blobs } = context;
  endAccess(context, snapshot);
  state.snapshots = state.snapshots.filter((each) => each !== snapshot);
  context.save();
  await blobs.deleteSnapshot(snapshot.diskUniqueId, snapshot.blobSnapshot);
  const sharesBlob = ({ diskUniqueId }: { diskUniqueId: string }): boolean =>
    diskUniqueId === snapshot.diskUniqueId;
  const diskIsThere = state.disks.some(({ uniqueId }) => uniqueId === snapshot.diskUniqueId);
  if (!diskIsThere && !state.snapshots.some(sharesBlob)) await blobs.delete(snapshot.diskUniqueId);
  return null;
}

function showSnapshot(
  context: ArmContext,
  snapshot: SnapshotRecord,
  provisioningState = 'Succeeded',
): object {
  const { resourceGroup, diskName } = snapshot;
  return {
    id: resourceId(context, resourceGroup, 'Compute/snapshots', snapshot.name),
    name: snapshot.name,
    type: 'Microsoft.Compute/snapshots',
    location: LOCATION,
    tags: snapshot.tags,
    properties: {
      incremental: true,
      incrementalSnapshotFamilyId: snapshot.familyId,
      diskSizeBytes: snapshot.sizeBytes,
      timeCreated: snapshot.timeCreated,
      completionPercent: 100,
      provisioningState,
      diskState: isOpen(context, snapshot) ? 'ActiveSAS' : 'Unattached',
      creationData: {
        createOption: 'Copy',
        sourceResourceId: resourceId(context, resourceGroup, 'Compute/disks', diskName),
        sourceUniqueId: snapshot.diskUniqueId,
      },
    },
  };
}
