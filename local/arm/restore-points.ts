import { ArmError, notFound } from './arm-error.ts';
import {
  type ArmContext,
  assertNotLocked,
  findDisk,
  findVm,
  LOCATION,
  resourceId,
  same,
  text,
} from './context.ts';
import { assertRestorePointAllowed, consistencyOf } from './restore-point-rules.ts';
import { type ArmRoute, IN_GROUP, name, ok, route } from './router.ts';
import {
  beginGrant,
  beginRevoke,
  deleteSnapshot,
  findSnapshot,
  isOpen,
  RESTORE_POINT_PREFIX,
  tagsOf,
  takeSnapshot,
} from './snapshots.ts';
import type { RestorePointCollectionRecord, RestorePointRecord } from './state.ts';

const GIB = 1024 ** 3;

/** VM restore points: all disks of one VM at one instant. */
export function restorePointRoutes(context: ArmContext): readonly ArmRoute[] {
  const collections = `${IN_GROUP}Compute/restorePointCollections`;
  const collection = `${collections}/{collection}`;
  const point = `${collection}/restorePoints/{point}`;
  return [
    route('restorePointCollections.list', 'GET', collections, (request) => {
      const group = name(request, 'group').toLowerCase();
      const found = context.state.restorePointCollections.filter(
        ({ resourceGroup }) => resourceGroup.toLowerCase() === group,
      );
      return ok({ value: found.map((each) => showCollection(context, each)) });
    }),
    route('restorePointCollections.createOrUpdate', 'PUT', collection, (request) => {
      const group = name(request, 'group');
      assertNotLocked(context, group, 'change');
      const source = text(request.body, 'properties', 'source', 'id') ?? '';
      const vm = findVm(context, group, source.split('/').at(-1) ?? '');
      const record = {
        resourceGroup: group,
        name: name(request, 'collection'),
        vmName: vm.name,
        tags: tagsOf(request.body),
      };
      const { state } = context;
      state.restorePointCollections = state.restorePointCollections.filter(
        (each) => !same(each, group, record.name),
      );
      state.restorePointCollections.push(record);
      context.save();
      return ok(showCollection(context, record));
    }),
    route('restorePointCollections.get', 'GET', collection, (request) => {
      const found = findCollection(context, request.names);
      const isExpanded = request.query.get('$expand') === 'restorePoints';
      return ok(showCollection(context, found, isExpanded));
    }),
    route('restorePointCollections.delete', 'DELETE', collection, (request) => {
      const { name: collectionName, resourceGroup } = findCollection(context, request.names);
      assertNotLocked(context, resourceGroup, 'delete');
      for (const each of pointsOf(context, resourceGroup, collectionName)) {
        assertClosed(context, each);
      }
      const operationId = context.operations.begin(async () => {
        for (const each of pointsOf(context, resourceGroup, collectionName)) {
          await deletePoint(context, each);
        }
        const { state } = context;
        state.restorePointCollections = state.restorePointCollections.filter(
          (each) => !same(each, resourceGroup, collectionName),
        );
        context.save();
        return null;
      });
      return { kind: 'accepted', operationId };
    }),
    route('restorePoints.create', 'PUT', point, async (request) => {
      const record = await createPoint(context, request.names, request.body);
      const operationId = context.operations.begin(async () => showPoint(context, record));
      return { kind: 'accepted', operationId, body: showPoint(context, record) };
    }),
    route('restorePoints.get', 'GET', point, (request) =>
      ok(showPoint(context, findPoint(context, request.names))),
    ),
    route('restorePoints.delete', 'DELETE', point, (request) => {
      const found = findPoint(context, request.names);
      assertNotLocked(context, found.resourceGroup, 'delete');
      assertClosed(context, found);
      const operationId = context.operations.begin(async () => deletePoint(context, found));
      return { kind: 'accepted', operationId };
    }),
    ...diskPointRoutes(context, point),
  ];
}

function diskPointRoutes(context: ArmContext, point: string): readonly ArmRoute[] {
  const disk = `${point}/diskRestorePoints/{disk}`;
  return [
    route('diskRestorePoints.get', 'GET', disk, (request) => {
      const snapshot = diskPoint(context, request.names);
      const { resourceGroup } = snapshot;
      return ok({
        id: snapshot.name,
        name: snapshot.name,
        properties: {
          timeCreated: snapshot.timeCreated,
          familyId: snapshot.familyId,
          sourceUniqueId: snapshot.diskUniqueId,
          sourceResourceId: resourceId(context, resourceGroup, 'Compute/disks', snapshot.diskName),
        },
      });
    }),
    route('diskRestorePoints.grantAccess', 'POST', `${disk}/beginGetAccess`, (request) => {
      assertNotLocked(context, name(request, 'group'), 'change');
      return beginGrant(context, diskPoint(context, request.names), request.body);
    }),
    route('diskRestorePoints.revokeAccess', 'POST', `${disk}/endGetAccess`, (request) =>
      beginRevoke(context, diskPoint(context, request.names)),
    ),
  ];
}

type Names = Readonly<Record<string, string>>;

/** A disk restore point is only found under the restore point that it is of. */
function diskPoint(context: ArmContext, names: Names): ReturnType<typeof findSnapshot> {
  const point = findPoint(context, names);
  const found = point.diskRestorePoints.find((each) => each.name === names['disk']);
  if (found === undefined) {
    throw notFound('Microsoft.Compute/diskRestorePoints', names['disk'] ?? '');
  }
  return findSnapshot(context, point.resourceGroup, found.name);
}

function assertClosed(
  context: ArmContext,
  { resourceGroup, diskRestorePoints }: RestorePointRecord,
): void {
  for (const { name: diskPointName } of diskRestorePoints) {
    if (!isOpen(context, findSnapshot(context, resourceGroup, diskPointName))) continue;
    const reason = 'There is an active shared access signature outstanding for disk restore point.';
    const advice = 'Call EndGetAccess before deleting the restore point.';
    throw new ArmError(409, 'DiskRestorePointUsedByCustomer', `${reason} ${advice}`);
  }
}

function findCollection(context: ArmContext, names: Names): RestorePointCollectionRecord {
  const { group = '', collection = '' } = names;
  const found = context.state.restorePointCollections.find((each) => same(each, group, collection));
  if (found === undefined) throw notFound('Microsoft.Compute/restorePointCollections', collection);
  return found;
}

function pointsOf(
  context: ArmContext,
  group: string,
  collection: string,
): readonly RestorePointRecord[] {
  return context.state.restorePoints.filter((each) =>
    same({ resourceGroup: each.resourceGroup, name: each.collection }, group, collection),
  );
}

function findPoint(context: ArmContext, names: Names): RestorePointRecord {
  const { group = '', collection = '', point = '' } = names;
  const found = pointsOf(context, group, collection).find((each) => each.name === point);
  if (found === undefined) throw notFound('Microsoft.Compute/restorePoints', point);
  return found;
}

async function createPoint(
  context: ArmContext,
  names: Names,
  body: unknown,
): Promise<RestorePointRecord> {
  const { resourceGroup, name: collection, vmName } = findCollection(context, names);
  const known = pointsOf(context, resourceGroup, collection).find(
    (each) => each.name === names['point'],
  );
  if (known !== undefined) {
    const reason = `Restore point ${known.name} exists; updating it is not allowed.`;
    throw new ArmError(409, 'OperationNotAllowed', reason);
  }
  const vm = findVm(context, resourceGroup, vmName);
  const isCrash = text(body, 'properties', 'consistencyMode')?.toLowerCase() === 'crashconsistent';
  assertRestorePointAllowed(context, vm, isCrash);
  const consistencyMode = consistencyOf(vm, isCrash);
  const pointName = names['point'] ?? '';
  return context.holdWrites(vm, async () => {
    const diskRestorePoints: RestorePointRecord['diskRestorePoints'][number][] = [];
    for (const { name: diskName, lun, caching = 'None' } of vm.disks) {
      const snapshotName = `${RESTORE_POINT_PREFIX}${pointName}-${diskName}`;
      const disk = findDisk(context, resourceGroup, diskName);
      await takeSnapshot(context, disk, { snapshotName, tags: {}, family: 'restore-points' });
      const { sizeBytes } = disk;
      diskRestorePoints.push({ name: snapshotName, diskName, lun, sizeBytes, caching });
    }
    const record: RestorePointRecord = {
      resourceGroup,
      collection,
      name: pointName,
      vmName,
      consistencyMode,
      timeCreated: context.now().toISOString(),
      diskRestorePoints,
    };
    context.state.restorePoints.push(record);
    context.save();
    return record;
  });
}

async function deletePoint(context: ArmContext, point: RestorePointRecord): Promise<null> {
  for (const { name: snapshotName } of point.diskRestorePoints) {
    await deleteSnapshot(context, findSnapshot(context, point.resourceGroup, snapshotName));
  }
  const { state } = context;
  state.restorePoints = state.restorePoints.filter((each) => each !== point);
  context.save();
  return null;
}

function collectionId(context: ArmContext, group: string, collection: string): string {
  return resourceId(context, group, 'Compute/restorePointCollections', collection);
}

function showCollection(
  context: ArmContext,
  record: RestorePointCollectionRecord,
  isExpanded = false,
): object {
  const { resourceGroup, vmName, tags = {} } = record;
  const points = isExpanded ? pointsOf(context, resourceGroup, record.name) : [];
  return {
    id: collectionId(context, resourceGroup, record.name),
    name: record.name,
    location: LOCATION,
    tags,
    properties: {
      ...(isExpanded ? { restorePoints: points.map((each) => showPoint(context, each)) } : {}),
      source: { id: resourceId(context, resourceGroup, 'Compute/virtualMachines', vmName) },
      provisioningState: 'Succeeded',
    },
  };
}

function showPoint(context: ArmContext, point: RestorePointRecord): object {
  const id = `${collectionId(context, point.resourceGroup, point.collection)}/restorePoints/${point.name}`;
  const shown = (disk: RestorePointRecord['diskRestorePoints'][number]): object => ({
    name: disk.diskName,
    caching: disk.caching,
    diskSizeGB: Math.ceil(disk.sizeBytes / GIB),
    ...(disk.lun === null ? {} : { lun: disk.lun }),
    diskRestorePoint: { id: `${id}/diskRestorePoints/${disk.name}` },
  });
  const [osDisk] = point.diskRestorePoints.filter(({ lun }) => lun === null);
  return {
    id,
    name: point.name,
    properties: {
      consistencyMode: point.consistencyMode,
      timeCreated: point.timeCreated,
      provisioningState: 'Succeeded',
      sourceMetadata: {
        ...hardwareOf(context, point),
        storageProfile: {
          ...(osDisk === undefined ? {} : { osDisk: shown(osDisk) }),
          dataDisks: point.diskRestorePoints.filter(({ lun }) => lun !== null).map(shown),
        },
      },
    },
  };
}

/** As it is now; a VM that is gone takes its size with it. */
function hardwareOf(context: ArmContext, { resourceGroup, vmName }: RestorePointRecord): object {
  const vm = context.state.virtualMachines.find((each) => same(each, resourceGroup, vmName));
  return vm === undefined ? {} : { hardwareProfile: { vmSize: vm.vmSize } };
}
