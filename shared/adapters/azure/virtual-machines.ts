import type { VirtualMachine } from '@azure/arm-compute';
import type { PowerState } from '../../contracts/activities.ts';
import type { AttachedDisk } from '../../domain/attached-disks.ts';
import type { AzureNetworkReading, AzureVmFacts } from '../../domain/azure-vm.ts';
import { FailbackError } from '../../errors/failback-error.ts';
import type { AzureVirtualMachines, AzureVmDescription, PowerAction } from '../../ports/azure.ts';
import { VHD_FOOTER_BYTES } from '../../domain/vhd-footer.ts';
import { callAzure, findInAzure } from './azure-error.ts';
import type { ArmClients } from './clients.ts';
import type { PageBlobs } from './page-blobs.ts';
import { attachedDisksOf, disksOf } from './vm-disks.ts';
import { type DiskDetails, factsOfMissingVm, factsOfVm } from './vm-facts.ts';
import { readNetwork, subnetOf, virtualNetworkIdOf } from './vm-network.ts';

const POWER_STATES: Readonly<Record<string, PowerState>> = {
  'PowerState/running': 'running',
  'PowerState/stopped': 'stopped',
  'PowerState/deallocated': 'deallocated',
};

/** The VM in Azure through Azure Resource Manager. */
export class ArmVirtualMachines implements AzureVirtualMachines {
  readonly #arm: ArmClients;
  readonly #blobs: PageBlobs;

  constructor(arm: ArmClients, blobs: PageBlobs) {
    this.#arm = arm;
    this.#blobs = blobs;
  }

  async describe(resourceGroup: string, vmName: string): Promise<AzureVmDescription | null> {
    const vm = await this.#find(resourceGroup, vmName);
    if (vm === null) return null;
    const [disks, size, subnetId] = await Promise.all([
      this.#disks(resourceGroup, vm),
      this.#size(vm),
      subnetOf(this.#arm.network, vm),
    ]);
    const os = disks.find(({ isOsDisk }) => isOsDisk)?.managed;
    return {
      vmId: vm.vmId ?? null,
      location: vm.location,
      osType: vm.storageProfile?.osDisk?.osType === 'Windows' ? 'Windows' : 'Linux',
      firmware: os?.hyperVGeneration === 'V2' ? 'efi' : 'bios',
      ...size,
      subnetId,
      disks: disks.map(({ id, isOsDisk, diskName, kind, sizeBytes }) => {
        return { id, isOsDisk, diskName, kind, sizeBytes };
      }),
    };
  }

  async gatherFacts(
    resourceGroup: string,
    vmName: string,
    recordedVmId: string | null,
  ): Promise<AzureVmFacts> {
    const vm = await this.#find(resourceGroup, vmName);
    if (vm === null) return factsOfMissingVm(this.#arm, recordedVmId);
    const [disks, powerState] = await Promise.all([
      this.#disks(resourceGroup, vm),
      this.powerState(resourceGroup, vmName),
    ]);
    return factsOfVm(this.#arm, { resourceGroup, vm, disks, powerState, recordedVmId });
  }

  async gatherNetwork(resourceGroup: string, vmName: string): Promise<AzureNetworkReading | null> {
    const vm = await this.#find(resourceGroup, vmName);
    if (vm === null) return null;
    const { network } = this.#arm;
    return readNetwork(network, await subnetOf(network, vm));
  }

  async virtualNetworkOf(resourceGroup: string, vmName: string): Promise<string | null> {
    const vm = await this.#find(resourceGroup, vmName);
    return vm === null ? null : virtualNetworkIdOf(await subnetOf(this.#arm.network, vm));
  }

  async powerState(resourceGroup: string, vmName: string): Promise<PowerState> {
    const view = await findInAzure(`read the state of ${vmName}`, () =>
      this.#arm.compute.virtualMachines.instanceView(resourceGroup, vmName),
    );
    if (view === null) return 'absent';
    const code = view.statuses?.find((status) => status.code?.startsWith('PowerState/'))?.code;
    return POWER_STATES[code ?? ''] ?? 'changing';
  }

  async attachedDisks(
    resourceGroup: string,
    vmName: string,
  ): Promise<readonly AttachedDisk[] | null> {
    const vm = await this.#find(resourceGroup, vmName);
    return vm === null ? null : attachedDisksOf(vm, resourceGroup);
  }

  async beginPowerChange(
    resourceGroup: string,
    vmName: string,
    action: PowerAction,
  ): Promise<void> {
    await callAzure(`${action} ${vmName}`, async () => {
      await this.#arm.compute.virtualMachines[action](resourceGroup, vmName).submitted();
    });
  }

  async beginDelete(
    resourceGroup: string,
    vmName: string,
    diskNames: readonly string[],
  ): Promise<void> {
    const vm = await this.#find(resourceGroup, vmName);
    if (vm === null) return;
    const { storageProfile, networkProfile } = vm;
    // The API's default is Detach, which would leave disks and interfaces behind, billed.
    const osDisk = storageProfile?.osDisk;
    const marked = <T extends VmDisk>(disk: T): T => withDeletion(disk, diskNames);
    await callAzure(`delete ${vmName}`, async () => {
      const machines = this.#arm.compute.virtualMachines;
      await machines.update(resourceGroup, vmName, {
        storageProfile: {
          ...(osDisk === undefined ? {} : { osDisk: marked(osDisk) }),
          dataDisks: (storageProfile?.dataDisks ?? []).map((disk) => marked(disk)),
        },
        networkProfile: {
          networkInterfaces: (networkProfile?.networkInterfaces ?? []).map((nic) => ({
            ...nic,
            deleteOption: 'Delete',
          })),
        },
      });
      await machines.delete(resourceGroup, vmName).submitted();
    });
  }

  async #find(resourceGroup: string, vmName: string): Promise<VirtualMachine | null> {
    return findInAzure(`read ${vmName}`, () =>
      this.#arm.compute.virtualMachines.get(resourceGroup, vmName),
    );
  }

  async #disks(resourceGroup: string, vm: VirtualMachine): Promise<readonly DiskDetails[]> {
    return Promise.all(
      disksOf(vm).map(async (named) => {
        const { diskName, kind } = named;
        if (kind === 'pageBlob')
          return { ...named, managed: null, ...(await this.#blob(diskName)) };
        const managed = await callAzure(`read the disk ${diskName}`, () =>
          this.#arm.compute.disks.get(resourceGroup, diskName),
        );
        const sizeBytes = managed.diskSizeBytes ?? (managed.diskSizeGB ?? 0) * 1024 ** 3;
        return { ...named, managed, sizeBytes };
      }),
    );
  }

  /** The blob holds the disk and after it the footer of a fixed VHD. */
  async #blob(url: string): Promise<{ readonly sizeBytes: number }> {
    const { contentLength = 0 } = await callAzure(`read the page blob ${url}`, () =>
      this.#blobs.at(url).client.getProperties(),
    );
    return { sizeBytes: contentLength - VHD_FOOTER_BYTES };
  }

  async #size(vm: VirtualMachine): Promise<{ cpuCount: number; memoryMiB: number }> {
    const vmSize = vm.hardwareProfile?.vmSize ?? '';
    return callAzure(`look up the size ${vmSize}`, async () => {
      for await (const size of this.#arm.compute.virtualMachineSizes.list(vm.location)) {
        if (size.name === vmSize) {
          return { cpuCount: size.numberOfCores ?? 1, memoryMiB: size.memoryInMB ?? 1024 };
        }
      }
      const detail = `${vm.location} does not offer it`;
      throw new FailbackError('FB-AZ-001', {
        operation: `size ${vmSize}`,
        code: 'NotFound',
        detail,
      });
    });
  }
}

interface VmDisk {
  readonly name?: string;
  readonly vhd?: unknown;
}

/**
 * Page blobs belong to whoever keeps the storage account: Azure does not delete them with a VM. A disk that is not
 * named stays, whatever was said of it when it was attached.
 */
function withDeletion<T extends VmDisk>(disk: T, diskNames: readonly string[]): T {
  if (disk.vhd !== undefined) return disk;
  const isNamed = diskNames.includes(disk.name ?? '');
  return { ...disk, deleteOption: isNamed ? 'Delete' : 'Detach' };
}
