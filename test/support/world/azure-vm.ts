import type { PowerState } from '../../../shared/contracts/activities.ts';
import type { AttachedDisk } from '../../../shared/domain/attached-disks.ts';
import type { AzureNetworkReading, AzureVmFacts } from '../../../shared/domain/azure-vm.ts';
import type { ProtectedItem } from '../../../shared/domain/protected-item.ts';
import type {
  AzureVirtualMachines,
  AzureVmDescription,
  PowerAction,
} from '../../../shared/ports/azure.ts';
import { notFound } from './faults.ts';
import type { Timers } from './timers.ts';
import { AZURE_VM_ID } from './fixtures.ts';
import { GuestWrites } from './guest-writes.ts';
import type { Invariants } from './invariants.ts';

interface AzureVmParts {
  readonly timers: Timers;
  readonly invariants: Invariants;
  readonly item: ProtectedItem;
  /** Called when somebody asks for the deletion, before it happens. */
  readonly onDelete: () => void;
}

/** The one VM that runs in Azure, its power and what its guest writes. */
export class AzureVm implements AzureVirtualMachines {
  readonly #parts: AzureVmParts;
  readonly writes: GuestWrites;
  /** Every change that was asked for, in order. */
  readonly powerActions: PowerAction[] = [];
  deletions = 0;
  /** How long Azure takes for a change of power or a deletion. */
  operationMs = 8_000;
  /** What is attached; a test attaches more, or resizes. */
  disks: readonly ProtectedItem['disks'][number][];
  /** Azure accepts a shutdown and then never gets it done. */
  isStuck = false;
  #state: PowerState = 'running';
  #isDeleting = false;
  #order = 0;

  constructor(parts: AzureVmParts) {
    this.#parts = parts;
    this.disks = parts.item.disks;
    this.writes = new GuestWrites(() => parts.timers.now(), 1_000_000);
    this.writes.start();
  }

  get state(): PowerState {
    return this.#state;
  }

  async describe(_resourceGroup: string, vmName: string): Promise<AzureVmDescription | null> {
    const { item } = this.#parts;
    if (this.#state === 'absent' || vmName !== item.vmName) return null;
    return {
      vmId: AZURE_VM_ID,
      location: 'westeurope',
      osType: item.osType,
      firmware: 'efi',
      cpuCount: 2,
      memoryMiB: 4096,
      subnetId: '/subnets/failback',
      disks: this.disks.map((disk) => ({ kind: 'managedDisk', ...disk })),
    };
  }

  async gatherFacts(): Promise<AzureVmFacts> {
    const exists = this.#state !== 'absent';
    const safe = {
      isAdeEncrypted: false,
      isShared: false,
      isEphemeral: false,
      logicalSectorBytes: 512,
      isPrivateExportReachable: null,
    };
    const disks = this.disks.map(({ id, diskName, sizeBytes }) => ({
      id,
      diskName,
      sizeBytes,
      ...safe,
      networkAccessPolicy: 'AllowAll',
    }));
    const rest = {
      whereabouts: { kind: exists ? 'inPlace' : 'nowhere' } as const,
      vmId: exists ? AZURE_VM_ID : null,
      generation: 'V2' as const,
      powerState: this.#state,
      isConfidential: false,
      locks: [],
    };
    return { exists, ...rest, disks: exists ? disks : [] };
  }

  async gatherNetwork(): Promise<AzureNetworkReading | null> {
    if (this.#state === 'absent') return null;
    const connection = { kind: 'siteToSiteVpn', isConnected: true } as const;
    const virtualNetworkId = '/virtualNetworks/failback';
    return { virtualNetworkId, connection, linkBitsPerSecond: null, freeSubnetAddressCount: 11 };
  }

  /** Process servers are not VMs here. */
  async virtualNetworkOf(): Promise<string | null> {
    return null;
  }

  async powerState(): Promise<PowerState> {
    return this.#state;
  }

  async attachedDisks(): Promise<readonly AttachedDisk[] | null> {
    return this.#state === 'absent' ? null : this.disks;
  }

  /** The newest change wins; a guest that is asked to stop goes on writing until it has stopped. */
  async beginPowerChange(_group: string, vmName: string, action: PowerAction): Promise<void> {
    if (this.#state === 'absent') {
      throw notFound(action, vmName);
    }
    this.powerActions.push(action);
    if (action === 'start') this.#parts.invariants.azurePower(true);
    this.#state = 'changing';
    const isDone = !(this.isStuck && action === 'powerOff');
    this.#later(() => isDone && this.#reach(action));
  }

  async beginDelete(): Promise<void> {
    if (this.#state === 'absent' || this.#isDeleting) return;
    this.#isDeleting = true;
    this.#parts.onDelete();
    this.deletions += 1;
    this.#state = 'changing';
    this.#later(() => {
      this.#stop();
      this.#state = 'absent';
    });
  }

  /** Somebody deletes it, disks and all. */
  vanish(): void {
    this.#stop();
    this.#state = 'absent';
    this.#parts.invariants.isAzureLost = true;
  }

  #later(change: () => void): void {
    this.#order += 1;
    const order = this.#order;
    this.#parts.timers.after(this.operationMs, () => {
      if (order === this.#order) change();
    });
  }

  #reach(action: PowerAction): void {
    if (action === 'start') {
      this.#state = 'running';
      this.writes.start();
      return;
    }
    this.#stop();
    this.#state = action === 'powerOff' ? 'stopped' : 'deallocated';
  }

  #stop(): void {
    this.writes.stop();
    this.#parts.invariants.azurePower(false);
  }
}
