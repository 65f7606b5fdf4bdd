import type { PowerState } from '../../../shared/contracts/activities.ts';
import type { AttachedDisk } from '../../../shared/domain/attached-disks.ts';
import type { AzureNetworkReading, AzureVmFacts } from '../../../shared/domain/azure-vm.ts';
import type { DiskSourceKind } from '../../../shared/domain/protected-item.ts';
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
  SnapshotsTaken,
  SourceAccess,
} from '../../../shared/ports/azure.ts';
import type { Clock } from '../../../shared/ports/messaging.ts';
import { must } from '../must.ts';

const GRANT_MS = 3_600_000;
const AFTER: Record<PowerAction, PowerState> = {
  powerOff: 'stopped',
  deallocate: 'deallocated',
  start: 'running',
};

const ABSENT: AzureVmFacts = {
  exists: false,
  whereabouts: null,
  vmId: null,
  powerState: 'absent',
  generation: null,
  isConfidential: null,
  locks: null,
  disks: [],
};

/** The network of every VM here. */
export const NETWORK = {
  virtualNetworkId: '/virtualNetworks/dr',
  connection: { kind: 'siteToSiteVpn', isConnected: true },
  linkBitsPerSecond: null,
  freeSubnetAddressCount: 11,
} as const satisfies AzureNetworkReading;

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

  /** The VM that a test knows to be there. */
  must(id: string): MemoryVm {
    return must(this.vms.get(id), `the VM ${id}`);
  }

  async describe(resourceGroup: string, vmName: string): Promise<AzureVmDescription | null> {
    return this.vms.get(key(resourceGroup, vmName))?.description ?? null;
  }

  async gatherFacts(resourceGroup: string, vmName: string): Promise<AzureVmFacts> {
    return this.vms.get(key(resourceGroup, vmName))?.facts ?? ABSENT;
  }

  async gatherNetwork(rg: string, vmName: string): Promise<AzureNetworkReading | null> {
    return this.vms.has(key(rg, vmName)) ? NETWORK : null;
  }

  async virtualNetworkOf(rg: string, vmName: string): Promise<string | null> {
    return this.vms.has(key(rg, vmName)) ? NETWORK.virtualNetworkId : null;
  }

  async powerState(resourceGroup: string, vmName: string): Promise<PowerState> {
    return this.vms.get(key(resourceGroup, vmName))?.power ?? 'absent';
  }

  async attachedDisks(rg: string, vmName: string): Promise<readonly AttachedDisk[] | null> {
    return this.vms.get(key(rg, vmName))?.description.disks ?? null;
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

interface MemorySnapshot {
  readonly resourceGroup: string;
  readonly itemId: string;
  readonly takenAt: Date;
  readonly kind: DiskSourceKind;
}

/** What Azure gives of what it is asked for. */
type Offer = Pick<SnapshotsTaken, 'consistency' | 'isOneInstant' | 'reasons'>;

/** Snapshots by name. Azure gives what it is asked for, unless the test says otherwise. */
export class MemorySnapshots implements DiskSnapshots {
  readonly taken = new Map<string, MemorySnapshot>();
  /** Bases that exist and yet must not be used, and why. */
  readonly refusals = new Map<string, string>();
  /** Snapshots that can be read by now. */
  readonly openReads = new Set<string>();
  /** Names whose access was ended, in order. */
  readonly released: string[] = [];
  /** Set by a test in which Azure gives less than it is asked for. */
  offer: Offer | null = null;
  /** Set by a test in which Azure tells how large the disks are. */
  sizes: SnapshotsTaken['sizes'] = {};
  readonly #offers = new Map<string, Offer>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** One that is there already. */
  put(name: string, snapshot: Partial<MemorySnapshot> = {}): void {
    const takenAt = this.#clock.now();
    const defaults = { resourceGroup: 'rg-dr', itemId: 'web-01', kind: 'managedDisk' } as const;
    this.taken.set(name, { ...defaults, takenAt, ...snapshot });
  }

  async take(request: SnapshotRequest): Promise<SnapshotsTaken> {
    const { resourceGroup, itemId, pointId, disks, consistency } = request;
    const names = disks.map(({ id }) => [id, `${pointId}-${id}`] as const);
    for (const { id, kind } of disks) {
      const name = `${pointId}-${id}`;
      if (!this.taken.has(name)) this.put(name, { resourceGroup, itemId, kind });
    }
    const times = names.map(([, name]) => this.taken.get(name)?.takenAt.getTime() ?? 0);
    // As in Azure, a point that is there is found as it was taken, whatever is asked for now.
    const all = { consistency, isOneInstant: true, reasons: [] };
    const offer = this.#offers.get(pointId) ?? this.offer ?? all;
    this.#offers.set(pointId, offer);
    const takenAt = new Date(Math.min(...times));
    return { takenAt, ...offer, snapshots: Object.fromEntries(names), sizes: this.sizes };
  }

  async prune(
    request: Parameters<DiskSnapshots['prune']>[0],
  ): Promise<{ readonly deleted: number }> {
    const { resourceGroup, itemId, keep } = request;
    const own = [...this.taken].filter(
      ([, it]) => it.resourceGroup === resourceGroup && it.itemId === itemId,
    );
    const obsolete = own.filter(([name]) => !keep.includes(name));
    for (const [name] of own) this.openReads.delete(name);
    for (const [name] of obsolete) this.taken.delete(name);
    return { deleted: obsolete.length };
  }

  async grantRead(
    resourceGroup: string,
    names: { readonly snapshot: string; readonly base: string | null },
  ): Promise<SourceAccess | null> {
    const source = this.#grant(resourceGroup, names.snapshot);
    if (source === null) return null;
    const kind = this.taken.get(names.snapshot)?.kind ?? 'managedDisk';
    if (names.base === null) return { kind, source, base: null, baseRefusal: null };
    const refusal = this.refusals.get(names.base);
    const base = refusal === undefined ? this.#grant(resourceGroup, names.base) : null;
    const baseRefusal = base === null ? (refusal ?? 'the base snapshot is gone') : null;
    return { kind, source, base, baseRefusal };
  }

  async release(_resourceGroup: string, names: readonly string[]): Promise<void> {
    this.released.push(...names);
    for (const name of names) this.openReads.delete(name);
  }

  #grant(resourceGroup: string, name: string): AccessGrant | null {
    if (this.taken.get(name)?.resourceGroup !== resourceGroup) return null;
    this.openReads.add(name);
    return grant(this.#clock, `https://md.example/${name}?sig=read-${name}`);
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
  readonly #clock: Clock;
  seedBytes = 4096;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The replica that a test knows to be there. */
  must(name: string): Replica {
    return must(this.replicas.get(name), `the replica ${name}`);
  }

  async beginSeed(request: Parameters<ReplicaDisks['beginSeed']>[0]): Promise<void> {
    if (this.replicas.has(request.replicaName)) return;
    this.replicas.set(request.replicaName, { copied: false, points: [] });
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
