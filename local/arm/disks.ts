import { randomUUID } from 'node:crypto';
import { VHD_FOOTER_BYTES } from '../../shared/domain/vhd-footer.ts';
import { ArmError } from './arm-error.ts';
import {
  type ArmContext,
  assertNotLocked,
  findDisk,
  LOCATION,
  member,
  ownerOf,
  resourceId,
  same,
  text,
} from './context.ts';
import { expiryOf } from './sas-expiry.ts';
import { type ArmRoute, IN_GROUP, name, ok, route } from './router.ts';
import { findSnapshot } from './snapshots.ts';
import type { DiskRecord, SnapshotRecord } from './state.ts';

const GIB = 1024 ** 3;

export function diskRoutes(context: ArmContext): readonly ArmRoute[] {
  const path = `${IN_GROUP}Compute/disks`;
  const one = `${path}/{disk}`;
  return [
    route('disks.list', 'GET', path, ({ names }) => {
      const group = (names['group'] ?? '').toLowerCase();
      const found = context.state.disks.filter((d) => d.resourceGroup.toLowerCase() === group);
      return ok({ value: found.map((disk) => showDisk(context, disk)) });
    }),
    route('disks.get', 'GET', one, (request) =>
      ok(showDisk(context, findDisk(context, name(request, 'group'), name(request, 'disk')))),
    ),
    route('disks.createOrUpdate', 'PUT', one, async (request) => {
      const group = name(request, 'group');
      assertNotLocked(context, group, 'change');
      const disk = await createDisk(context, group, name(request, 'disk'), request.body);
      const operationId = context.operations.begin(async () => showDisk(context, disk));
      return { kind: 'accepted', operationId, body: showDisk(context, disk) };
    }),
    route('disks.delete', 'DELETE', one, (request) => {
      const group = name(request, 'group');
      assertNotLocked(context, group, 'delete');
      const disk = context.state.disks.find((each) => same(each, group, name(request, 'disk')));
      if (disk === undefined) return { kind: 'none' };
      if (ownerOf(context, disk) !== undefined) {
        throw new ArmError(409, 'OperationNotAllowed', `Disk ${disk.name} is attached to a VM.`);
      }
      const operationId = context.operations.begin(async () => deleteDisk(context, disk));
      return { kind: 'accepted', operationId };
    }),
    route('disks.grantAccess', 'POST', `${one}/beginGetAccess`, (request) => {
      const group = name(request, 'group');
      assertNotLocked(context, group, 'change');
      const disk = findDisk(context, group, name(request, 'disk'));
      assertExportable(context, disk);
      const operationId = context.operations.begin(async () => {
        const permissions = text(request.body, 'access') === 'Write' ? 'rw' : 'r';
        const expiresAt = expiryOf(context, request.body);
        const sasUrl = await context.blobs.grant(disk.uniqueId, { permissions, expiresAt });
        disk.access = { sasUrl, expiresAt: expiresAt.toISOString() };
        context.save();
        return { accessSAS: sasUrl };
      });
      return { kind: 'accepted', operationId };
    }),
    route('disks.revokeAccess', 'POST', `${one}/endGetAccess`, (request) => {
      const disk = findDisk(context, name(request, 'group'), name(request, 'disk'));
      const operationId = context.operations.begin(async () => {
        if (disk.access !== null) context.blobs.revoke(disk.access.sasUrl);
        disk.access = null;
        context.save();
        return null;
      });
      return { kind: 'accepted', operationId };
    }),
  ];
}

/** A disk of a VM that holds its host cannot be exported. */
function assertExportable(context: ArmContext, disk: DiskRecord): void {
  const owner = ownerOf(context, disk);
  if (disk.networkAccessPolicy === 'DenyAll') {
    throw new ArmError(409, 'OperationNotAllowed', `Export of ${disk.name} is denied by policy.`);
  }
  if (owner !== undefined && owner.power !== 'deallocated') {
    const reason = `Disk ${disk.name} is attached to the VM ${owner.name}, which is not deallocated.`;
    throw new ArmError(409, 'OperationNotAllowed', reason);
  }
}

async function createDisk(
  context: ArmContext,
  group: string,
  diskName: string,
  body: unknown,
): Promise<DiskRecord> {
  const existing = context.state.disks.find((disk) => same(disk, group, diskName));
  if (existing !== undefined) return existing;
  const creation = member(body, 'properties', 'creationData');
  const source = text(creation, 'sourceResourceId');
  const snapshot = source === undefined ? null : findSnapshot(context, group, source);
  const disk: DiskRecord = {
    resourceGroup: group,
    name: diskName,
    uniqueId: randomUUID(),
    sizeBytes: snapshot?.sizeBytes ?? askedSize(body),
    osType: osTypeOf(body),
    hyperVGeneration: text(body, 'properties', 'hyperVGeneration') === 'V2' ? 'V2' : 'V1',
    ...PLAIN_DISK,
    snapshotTimes: [],
  };
  await fillNewDisk(context, disk, { creation, snapshot });
  context.state.disks.push(disk);
  context.save();
  return disk;
}

/** What disks of the lab have in common unless a test says otherwise. */
export const PLAIN_DISK = {
  isAdeEncrypted: false,
  maxShares: 1,
  networkAccessPolicy: 'AllowAll',
  access: null,
} as const;

interface DiskOrigin {
  readonly creation: unknown;
  readonly snapshot: SnapshotRecord | null;
}

async function fillNewDisk(
  context: ArmContext,
  disk: DiskRecord,
  { creation, snapshot }: DiskOrigin,
): Promise<void> {
  const { blobs } = context;
  if (snapshot !== null) {
    const { diskUniqueId, blobSnapshot } = snapshot;
    const expiresAt = new Date(context.now().getTime() + 3_600_000);
    const url = await blobs.grant(diskUniqueId, { permissions: 'r', expiresAt, blobSnapshot });
    await blobs.copyFrom(disk.uniqueId, url);
  } else if (text(creation, 'createOption') === 'Import') {
    await blobs.copyFrom(disk.uniqueId, text(creation, 'sourceUri') ?? '');
  } else {
    await blobs.create(disk.uniqueId, disk.sizeBytes);
  }
}

function osTypeOf(body: unknown): 'Linux' | 'Windows' | null {
  const osType = text(body, 'properties', 'osType');
  return osType === 'Linux' || osType === 'Windows' ? osType : null;
}

/** Whole GiB, or for an upload the bytes with the footer. */
function askedSize(body: unknown): number {
  const upload = member(body, 'properties', 'creationData', 'uploadSizeBytes');
  if (upload !== undefined) return Number(upload) - VHD_FOOTER_BYTES;
  return Number(member(body, 'properties', 'diskSizeGB') ?? 0) * GIB;
}

export async function deleteDisk(context: ArmContext, disk: DiskRecord): Promise<null> {
  const { state } = context;
  state.disks = state.disks.filter((each) => each !== disk);
  context.save();
  // Incremental snapshots outlive their disk; the blob that holds them must as well.
  const isInUse = state.snapshots.some(({ diskUniqueId }) => diskUniqueId === disk.uniqueId);
  if (!isInUse) await context.blobs.delete(disk.uniqueId);
  return null;
}

function stateOf(context: ArmContext, disk: DiskRecord): string {
  if (disk.access !== null) return 'ActiveSAS';
  const owner = ownerOf(context, disk);
  if (owner === undefined) return 'Unattached';
  return owner.power === 'deallocated' ? 'Reserved' : 'Attached';
}

function showDisk(context: ArmContext, disk: DiskRecord): object {
  const owner = ownerOf(context, disk);
  const { resourceGroup, sizeBytes, osType } = disk;
  return {
    id: resourceId(context, resourceGroup, 'Compute/disks', disk.name),
    name: disk.name,
    type: 'Microsoft.Compute/disks',
    location: LOCATION,
    sku: { name: disk.sku ?? 'Premium_LRS' },
    ...(owner === undefined
      ? {}
      : {
          managedBy: resourceId(context, resourceGroup, 'Compute/virtualMachines', owner.name),
        }),
    properties: {
      uniqueId: disk.uniqueId,
      diskSizeBytes: sizeBytes,
      diskSizeGB: Math.ceil(sizeBytes / GIB),
      diskState: stateOf(context, disk),
      hyperVGeneration: disk.hyperVGeneration,
      networkAccessPolicy: disk.networkAccessPolicy,
      maxShares: disk.maxShares,
      provisioningState: 'Succeeded',
      creationData: {
        createOption: 'Empty',
        ...(disk.logicalSectorSize === undefined
          ? {}
          : { logicalSectorSize: disk.logicalSectorSize }),
      },
      ...(disk.diskAccessId === undefined ? {} : { diskAccessId: disk.diskAccessId }),
      ...(disk.securityType === undefined
        ? {}
        : { securityProfile: { securityType: disk.securityType } }),
      ...(osType === null ? {} : { osType }),
      ...(disk.isAdeEncrypted ? { encryptionSettingsCollection: { enabled: true } } : {}),
    },
  };
}
