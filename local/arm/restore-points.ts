import { ArmError, notFound } from './arm-error.ts';
import { type ArmContext, findDisk, findVm, LOCATION, resourceId, same, text } from './context.ts';
import { type ArmRoute, IN_GROUP, name, ok, route } from './router.ts';
import {
  beginGrant,
  beginRevoke,
  deleteSnapshot,
  findSnapshot,
  RESTORE_POINT_PREFIX,
  takeSnapshot,
} from './snapshots.ts';
import type { RestorePointRecord } from './state.ts';

const MAX_PER_VM = 500;

/** VM restore points: all disks of one VM at one instant. */
export function restorePointRoutes(context: ArmContext): readonly ArmRoute[] {
  const collections = `${IN_GROUP}Compute/restorePointCollections`;
  const collection = `${collections}/{collection}`;
  const point = `${collection}/restorePoints/{point}`;
  const disk = `${point}/diskRestorePoints/{disk}`;
  return [
    route('restorePointCollections.createOrUpdate', 'PUT', collection, (request) => {
      const group = name(request, 'group');
      const source = text(request.body, 'properties', 'source', 'id') ?? '';
      const vm = findVm(context, group, source.split('/').at(-1) ?? '');
      const record = { resourceGroup: group, name: name(request, 'collection'), vmName: vm.name };
      const { state } = context;
      state.restorePointCollections = state.restorePointCollections.filter(
        (each) => !same(each, group, record.name),
      );
      state.restorePointCollections.push(record);
      context.save();
      return ok(showCollection(context, record));
    }),
    route('restorePointCollections.get', 'GET', collection, (request) =>
      ok(showCollection(context, findCollection(context, request.names))),
    ),
    route('restorePointCollections.delete', 'DELETE', collection, (request) => {
      const { name: collectionName, resourceGroup } = findCollection(context, request.names);
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
      const operationId = context.operations.begin(async () => deletePoint(context, found));
      return { kind: 'accepted', operationId };
    }),
    route('diskRestorePoints.get', 'GET', disk, (request) => {
      const snapshot = findSnapshot(context, name(request, 'group'), name(request, 'disk'));
      return ok({
        id: snapshot.name,
        name: snapshot.name,
        properties: {
          timeCreated: snapshot.timeCreated,
          familyId: snapshot.familyId,
          sourceUniqueId: snapshot.diskUniqueId,
        },
      });
    }),
    route('diskRestorePoints.grantAccess', 'POST', `${disk}/beginGetAccess`, (request) => {
      const snapshot = findSnapshot(context, name(request, 'group'), name(request, 'disk'));
      return beginGrant(context, snapshot, request.body);
    }),
    route('diskRestorePoints.revokeAccess', 'POST', `${disk}/endGetAccess`, (request) =>
      beginRevoke(context, findSnapshot(context, name(request, 'group'), name(request, 'disk'))),
    ),
  ];
}

type Names = Readonly<Record<string, string>>;

function findCollection(
  context: ArmContext,
  names: Names,
): { resourceGroup: string; name: string; vmName: string } {
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
  const existing = pointsOf(context, resourceGroup, collection);
  const known = existing.find((each) => each.name === names['point']);
  if (known !== undefined) return known;
  if (existing.length >= MAX_PER_VM) {
    throw new ArmError(409, 'OperationNotAllowed', `At most ${MAX_PER_VM} restore points of a VM.`);
  }
  const vm = findVm(context, resourceGroup, vmName);
  const pointName = names['point'] ?? '';
  const diskRestorePoints: { name: string; lun: number | null }[] = [];
  for (const { name: diskName, lun } of vm.disks) {
    const snapshotName = `${RESTORE_POINT_PREFIX}${pointName}-${diskName}`;
    await takeSnapshot(context, findDisk(context, resourceGroup, diskName), snapshotName, {});
    diskRestorePoints.push({ name: snapshotName, lun });
  }
  const record: RestorePointRecord = {
    resourceGroup,
    collection,
    name: pointName,
    vmName,
    consistencyMode: text(body, 'properties', 'consistencyMode') ?? 'ApplicationConsistent',
    timeCreated: context.now().toISOString(),
    diskRestorePoints,
  };
  context.state.restorePoints.push(record);
  context.save();
  return record;
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
  record: { resourceGroup: string; name: string; vmName: string },
): object {
  const { resourceGroup, vmName } = record;
  return {
    id: collectionId(context, resourceGroup, record.name),
    name: record.name,
    location: LOCATION,
    properties: {
      source: { id: resourceId(context, resourceGroup, 'Compute/virtualMachines', vmName) },
      provisioningState: 'Succeeded',
    },
  };
}

function showPoint(context: ArmContext, point: RestorePointRecord): object {
  const id = `${collectionId(context, point.resourceGroup, point.collection)}/restorePoints/${point.name}`;
  const shown = (disk: { name: string; lun: number | null }): object => ({
    name: disk.name,
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
        storageProfile: {
          ...(osDisk === undefined ? {} : { osDisk: shown(osDisk) }),
          dataDisks: point.diskRestorePoints.filter(({ lun }) => lun !== null).map(shown),
        },
      },
    },
  };
}
