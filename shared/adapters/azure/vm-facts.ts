import type { Disk, VirtualMachine } from '@azure/arm-compute';
import type { PowerState } from '../../contracts/activities.ts';
import type { AzureVmFacts } from '../../domain/azure-vm.ts';
import type { AzureVmSection } from '../../domain/preflight/facts/azure-vm.ts';
import type { Known } from '../../domain/preflight/facts/known.ts';
import { callAzure, findInAzure, unlessRefused } from './azure-error.ts';
import type { ArmClients } from './clients.ts';
import { parseResourceId } from './resource-id.ts';
import type { NamedDisk } from './vm-disks.ts';
import { isEndpointReachable, subnetOf, virtualNetworkIdOf } from './vm-network.ts';

/** A disk of the VM, with what is known of it wherever it is kept. */
export interface DiskDetails extends NamedDisk {
  readonly sizeBytes: number;
  /** `null` for page blobs, which have no resource of their own. */
  readonly managed: Disk | null;
}

/** These have 4096-byte sectors unless they were made with others. */
const LARGE_SECTOR_SKUS: readonly string[] = ['PremiumV2_LRS', 'UltraSSD_LRS'];

const ADE_PUBLISHER = 'Microsoft.Azure.Security';

interface VmReading {
  readonly resourceGroup: string;
  readonly vm: VirtualMachine;
  readonly disks: readonly DiskDetails[];
  readonly powerState: PowerState;
  readonly recordedVmId: string | null;
}

export async function factsOfMissingVm(
  arm: ArmClients,
  recordedVmId: string | null,
): Promise<AzureVmFacts> {
  return {
    exists: false,
    whereabouts: await findElsewhere(arm, recordedVmId),
    vmId: null,
    powerState: 'absent',
    generation: null,
    isConfidential: null,
    locks: null,
    disks: [],
  };
}

export async function factsOfVm(arm: ArmClients, reading: VmReading): Promise<AzureVmFacts> {
  const { resourceGroup, vm, disks, powerState, recordedVmId } = reading;
  const vmId = vm.vmId ?? null;
  const isRecorded = recordedVmId === null || recordedVmId === vmId;
  const [whereabouts, locks, generation, shown] = await Promise.all([
    isRecorded ? ({ kind: 'inPlace' } as const) : findElsewhere(arm, recordedVmId),
    unlessRefused(async () => locksOn(arm, resourceGroup, { vm, disks })),
    unlessRefused(async () => generationOf(arm, resourceGroup, reading)),
    Promise.all(disks.map(async (disk) => factsOfDisk(arm, vm, disk))),
  ]);
  return {
    exists: true,
    whereabouts,
    vmId,
    powerState,
    generation,
    isConfidential: isConfidential(vm, disks),
    locks,
    disks: shown,
  };
}

/** A VM keeps its `vmId` when it is moved; its name and group are looked for nowhere else. */
async function findElsewhere(
  arm: ArmClients,
  recordedVmId: string | null,
): Promise<AzureVmSection['whereabouts']> {
  if (recordedVmId === null) return null;
  return unlessRefused(() =>
    callAzure('look for the VM in the subscription', async () => {
      for await (const { vmId, id = '' } of arm.compute.virtualMachines.listAll()) {
        if (vmId === recordedVmId) {
          return { kind: 'moved', resourceGroup: parseResourceId(id).resourceGroup } as const;
        }
      }
      return { kind: 'nowhere' } as const;
    }),
  );
}

/** Locks of the resource group, the VM, its disks and interfaces; those of neighbours do not matter. */
async function locksOn(
  { locks }: ArmClients,
  resourceGroup: string,
  { vm, disks }: Pick<VmReading, 'vm' | 'disks'>,
): Promise<readonly string[]> {
  const interfaces = vm.networkProfile?.networkInterfaces ?? [];
  const ids = [
    vm.id,
    ...disks.map(({ managed }) => managed?.id),
    ...interfaces.map(({ id }) => id),
  ];
  const scopes = ids.flatMap((id) => (id === undefined ? [] : [id.toLowerCase()]));
  return callAzure(`list the locks of ${resourceGroup}`, async () => {
    const names: string[] = [];
    for await (const {
      id = '',
      name = '',
      level,
    } of locks.managementLocks.listAtResourceGroupLevel(resourceGroup)) {
      const scope = id.toLowerCase().split('/providers/microsoft.authorization/')[0] ?? '';
      const isOnGroup = !scope.includes('/providers/');
      if (isOnGroup || scopes.includes(scope)) names.push(`${name} (${level})`);
    }
    return names;
  });
}

/** The OS disk says it; where that is a page blob, only the running VM does. */
async function generationOf(
  { compute }: ArmClients,
  resourceGroup: string,
  { vm, disks }: Pick<VmReading, 'vm' | 'disks'>,
): Promise<AzureVmSection['generation']> {
  const vmName = vm.name ?? '';
  const known = disks.find(({ isOsDisk }) => isOsDisk)?.managed?.hyperVGeneration;
  const told =
    known ??
    (
      await callAzure(`read the state of ${vmName}`, () =>
        compute.virtualMachines.instanceView(resourceGroup, vmName),
      )
    ).hyperVGeneration;
  return told === 'V1' || told === 'V2' ? told : null;
}

/** The VM says what it is; a disk that was encrypted for a confidential VM stays so. */
function isConfidential(vm: VirtualMachine, disks: readonly DiskDetails[]): boolean {
  const isDiskConfidential = disks.some(({ managed }) =>
    managed?.securityProfile?.securityType?.startsWith('ConfidentialVM'),
  );
  return vm.securityProfile?.securityType === 'ConfidentialVM' || isDiskConfidential;
}

async function factsOfDisk(
  arm: ArmClients,
  vm: VirtualMachine,
  disk: DiskDetails,
): Promise<AzureVmFacts['disks'][number]> {
  const { id, diskName, isOsDisk, sizeBytes, managed } = disk;
  return {
    id,
    diskName,
    sizeBytes,
    logicalSectorBytes: sectorBytes(managed),
    isAdeEncrypted: isAdeEncrypted(vm, disk),
    isShared: (managed?.maxShares ?? 1) > 1,
    isEphemeral: isOsDisk && vm.storageProfile?.osDisk?.diffDiskSettings !== undefined,
    networkAccessPolicy: managed?.networkAccessPolicy ?? 'AllowAll',
    isPrivateExportReachable: await isPrivateExportReachable(arm, vm, managed),
  };
}

function sectorBytes(managed: Disk | null): number {
  const isLarge = LARGE_SECTOR_SKUS.includes(managed?.sku?.name ?? '');
  return managed?.creationData?.logicalSectorSize ?? (isLarge ? 4096 : 512);
}

/**
 * Azure Disk Encryption is noted at the disk, or where that is a page blob, at the VM. Its extension counts as
 * well: while it is there, it may encrypt at any time what is not encrypted yet.
 */
function isAdeEncrypted(vm: VirtualMachine, { managed }: DiskDetails): boolean {
  const hasExtension = (vm.resources ?? []).some(
    ({ publisher, typePropertiesType: type = '' }) =>
      publisher === ADE_PUBLISHER && type.startsWith('AzureDiskEncryption'),
  );
  const isNoted =
    managed === null
      ? vm.storageProfile?.osDisk?.encryptionSettings?.enabled
      : managed.encryptionSettingsCollection?.enabled;
  return hasExtension || (isNoted ?? false);
}

/** Asked only for disks that are exported through a private endpoint. */
async function isPrivateExportReachable(
  { compute, network }: ArmClients,
  vm: VirtualMachine,
  managed: Disk | null,
): Promise<Known<boolean>> {
  if (managed?.networkAccessPolicy !== 'AllowPrivate') return null;
  const { diskAccessId } = managed;
  if (diskAccessId === undefined) return false;
  const { resourceGroup, name } = parseResourceId(diskAccessId);
  return unlessRefused(async () => {
    const access = await findInAzure(`read the disk access ${name}`, () =>
      compute.diskAccesses.get(resourceGroup, name),
    );
    const virtualNetworkId = virtualNetworkIdOf(await subnetOf(network, vm));
    for (const connection of access?.privateEndpointConnections ?? []) {
      const endpointId = connection.privateEndpoint?.id;
      const isApproved = connection.privateLinkServiceConnectionState?.status === 'Approved';
      if (endpointId === undefined || !isApproved) continue;
      if (await isEndpointReachable(network, virtualNetworkId, endpointId)) return true;
    }
    return false;
  });
}
