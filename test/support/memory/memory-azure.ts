import type { PowerState } from '../../../shared/contracts/activities.ts';
import type { AzureVmFacts } from '../../../shared/domain/azure-vm.ts';
import { Secret } from '../../../shared/domain/secret.ts';
import type {
  AccessGrant,
  AzureVirtualMachines,
  AzureVmDescription,
  DiskSnapshots,
  PowerAction,
  ProcessServerDeployments,
  ProcessServerRequest,
  ReplicaDisks,
  SnapshotRequest,
} from '../../../shared/ports/azure.ts';
import type { Clock } from '../../../shared/ports/messaging.ts';

const GRANT_MS = 3_600_000;
const AFTER: Record<PowerAction, PowerState> = {
  powerOff: 'stopped',
  deallocate: 'deallocated',
  start: 'running',
};

interface MemoryVm {
  description: AzureVmDescription;
  facts: AzureVmFacts;
  power: PowerState;
}

/** VMs by `<resource group>/<name>`; a change of power is done at once. */
export class MemoryVirtualMachines implements AzureVirtualMachines {
  readonly vms = new Map<string, MemoryVm>();
  /** Every change that was asked for, in order. */
  readonly asked: string[] = [];

  async describe(resourceGroup: string, vmName: string): Promise<AzureVmDescription | null> {
    return this.vms.get(key(resourceGroup, vmName))?.description ?? null;
  }

  async gatherFacts(resourceGroup: string, vmName: string): Promise<AzureVmFacts> {
    const absent = { exists: false, powerState: 'absent', isConfidential: null, locks: null };
    return this.vms.get(key(resourceGroup, vmName))?.facts ?? { ...absent, disks: [] };
  }

  async powerState(resourceGroup: string, vmName: string): Promise<PowerState> {
    return this.vms.get(key(resourceGroup, vmName))?.power ?? 'absent';
  }

  async beginPowerChange(rg: string, vmName: string, action: PowerAction): Promise<void> {
    this.asked.push(action);
    const vm = this.vms.get(key(rg, vmName));
    if (vm !== undefined) vm.power = AFTER[action];
  }

  async beginDelete(resourceGroup: string, vmName: string): Promise<void> {
    this.asked.push('delete');
    this.vms.delete(key(resourceGroup, vmName));
  }
}

/** Snapshots by name; each name is an instant of its own. */
export class MemorySnapshots implements DiskSnapshots {
  readonly taken = new Map<string, SnapshotRequest & { readonly takenAt: Date }>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async take(request: SnapshotRequest): Promise<{ readonly takenAt: Date }> {
    const known = this.taken.get(request.snapshotName);
    const snapshot = known ?? { ...request, takenAt: this.#clock.now() };
    this.taken.set(request.snapshotName, snapshot);
    return { takenAt: snapshot.takenAt };
  }

  async listOfItem(resourceGroup: string, itemId: string): Promise<readonly string[]> {
    return [...this.taken.values()]
      .filter((it) => it.resourceGroup === resourceGroup && it.itemId === itemId)
      .map(({ snapshotName }) => snapshotName);
  }

  async remove(_resourceGroup: string, snapshotName: string): Promise<void> {
    this.taken.delete(snapshotName);
  }

  async grantRead(resourceGroup: string, snapshotName: string): Promise<AccessGrant | null> {
    const known = this.taken.get(snapshotName);
    if (known?.resourceGroup !== resourceGroup) return null;
    return grant(this.#clock, `https://md.example/${snapshotName}?sig=read-${snapshotName}`);
  }
}

interface Replica {
  copied: boolean;
  readonly points: string[];
}

/** Replicas by name. A seed is pending until the test says that it is done or failed. */
export class MemoryReplicas implements ReplicaDisks {
  readonly replicas = new Map<string, Replica>();
  readonly failed = new Map<string, string>();
  readonly openReads = new Set<string>();
  readonly #clock: Clock;
  seedBytes = 4096;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async beginSeed(request: Parameters<ReplicaDisks['beginSeed']>[0]): Promise<void> {
    if (this.replicas.has(request.replicaName)) return;
    this.replicas.set(request.replicaName, { copied: false, points: [] });
    this.openReads.add(request.diskName);
  }

  async seedState(replicaName: string): ReturnType<ReplicaDisks['seedState']> {
    const detail = this.failed.get(replicaName) ?? '';
    const isCopied = this.replicas.get(replicaName)?.copied ?? false;
    return {
      state: detail === '' ? (isCopied ? 'done' : 'pending') : 'failed',
      copiedBytes: isCopied ? this.seedBytes : 0,
      totalBytes: this.seedBytes,
      detail,
    };
  }

  async endSeed(_resourceGroup: string, diskName: string): Promise<void> {
    this.openReads.delete(diskName);
  }

  async grantWrite(replicaName: string): Promise<AccessGrant> {
    return grant(this.#clock, `https://replica.example/${replicaName}?sig=write-${replicaName}`);
  }

  async seal(replicaName: string, pointId: string): Promise<void> {
    const replica = this.replicas.get(replicaName);
    if (replica === undefined) throw new Error(`the replica ${replicaName} was never begun`);
    if (!replica.points.includes(pointId)) replica.points.push(pointId);
  }

  finishSeeds(): void {
    for (const replica of this.replicas.values()) replica.copied = true;
  }
}

/** Process servers by `<resource group>/<name>`. */
export class MemoryProcessServers implements ProcessServerDeployments {
  readonly deployed = new Map<string, ProcessServerRequest>();

  async deploy(request: ProcessServerRequest): Promise<void> {
    this.deployed.set(key(request.resourceGroup, request.name), request);
  }

  async remove(resourceGroup: string, name: string): Promise<void> {
    this.deployed.delete(key(resourceGroup, name));
  }
}

function key(resourceGroup: string, name: string): string {
  return `${resourceGroup}/${name}`;
}

function grant(clock: Clock, url: string): AccessGrant {
  return { url: new Secret(url), expiresAt: new Date(clock.now().getTime() + GRANT_MS) };
}
