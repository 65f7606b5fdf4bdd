import type { ReplicationMode } from '../../../shared/contracts/commands.ts';
import { FailbackError } from '../../../shared/errors/failback-error.ts';
import { GuestWrites } from './guest-writes.ts';
import type { Invariants } from './invariants.ts';
import type { Timers } from './timers.ts';

/** A VM on-premises. */
export interface SiteVm {
  readonly vmId: string;
  readonly name: string;
  readonly isIsolated: boolean;
  readonly writes: GuestWrites;
  /** Bytes by disk. */
  readonly diskSizes: Map<string, number>;
  disksAt: 'vm' | 'masterTarget';
  startedAt: Date | null;
  snapshotCount: number;
}

/** A stretch of one disk. */
export interface DiskRange {
  readonly diskId: string;
  readonly offset: number;
  readonly length: number;
}

/** Received and not sealed yet: all of one disk at an instant, or only some stretches of it. */
export interface StagedDisk {
  readonly pointId: string;
  readonly content: number;
  readonly mode: ReplicationMode;
  readonly repair: readonly DiskRange[] | null;
}

export interface SealedPoint {
  readonly pointId: string;
  readonly takenAt: string;
  readonly consistency: 'crashConsistent' | 'applicationConsistent';
  /** What the source held. */
  readonly source: number;
}

/** What configuration server and master target keep about one replication. */
export interface SiteReplication {
  readonly replicationId: string;
  readonly vmId: string;
  readonly location: 'original' | 'alternate';
  isOpen: boolean;
  /** As the master target has them, and what those had that grew since the newest seal. */
  readonly openedSizes: Map<string, number>;
  readonly grownFrom: Map<string, number>;
  readonly staged: Map<string, StagedDisk>;
  /** The point that the disks stand at. */
  sealed: SealedPoint | null;
  /** Points that can be gone back to, oldest first. */
  older: readonly SealedPoint[];
  /** Stretches that the storage holds wrongly; a delta that does not write them leaves them so. */
  damaged: readonly DiskRange[];
  /** Set by a successful comparison, forgotten as soon as the disks change. */
  isVerified: boolean;
}

/** What the storage does to what is written to it. */
interface StorageFault {
  readonly blocks: readonly DiskRange[];
  /** False: it happens once. */
  readonly isLasting: boolean;
}

/** The original VM's disks are old: they come from before the failover. */
export const ORIGINAL_CONTENT = 500_000;

/** The on-premises side: VMs and replications, without the programs that work on them. */
export class Site {
  readonly #timers: Timers;
  readonly #invariants: Invariants;
  readonly vms = new Map<string, SiteVm>();
  readonly replications = new Map<string, SiteReplication>();
  /** Boots that happened, by replication; a start of a VM that runs is none. */
  readonly boots: string[] = [];
  /** Taken out of the inventory, by the replication that they made room for. */
  readonly leftOut = new Map<string, SiteVm>();
  /** The storage writes something else than it was given. */
  storageFault: StorageFault | null = null;
  /** Another program wrote to the disks while the master target had them: no delta fits on them. */
  isWrittenByOthers = false;
  /** What its datastore has left for disks that grow. */
  freeBytes = 1024 ** 4;
  /** Its configuration server does not reach it. */
  isHypervisorAway = false;
  /** How many points the master target keeps, the newest included. */
  retainedPoints = 24;
  /** Time from the boot until the mobility agent has registered; `null`: it never does. */
  agentRegistersAfterMs: number | null = 30_000;

  constructor(timers: Timers, invariants: Invariants, originalVmName: string | null) {
    this.#timers = timers;
    this.#invariants = invariants;
    if (originalVmName !== null) this.createVm(originalVmName, false, ORIGINAL_CONTENT);
  }

  findByName(name: string): SiteVm | null {
    return [...this.vms.values()].find((vm) => vm.name === name) ?? null;
  }

  createVm(name: string, isIsolated: boolean, content = 0): SiteVm {
    const vm: SiteVm = {
      vmId: `vm-${name}-${this.vms.size + this.leftOut.size + 1}`,
      name,
      isIsolated,
      writes: new GuestWrites(() => this.#timers.now(), content),
      diskSizes: new Map(),
      disksAt: 'vm',
      startedAt: null,
      snapshotCount: 0,
    };
    this.vms.set(vm.vmId, vm);
    return vm;
  }

  /** How many there were. */
  removeSnapshots(name: string): number {
    const vm = this.findByName(name);
    const removed = vm?.snapshotCount ?? 0;
    if (vm !== null) vm.snapshotCount = 0;
    return removed;
  }

  /** The disks become what the sealed point says, but for what is damaged. The VM has to be off. */
  apply(replication: SiteReplication): void {
    const { sealed, damaged, vmId } = replication;
    const vm = this.vms.get(vmId);
    if (sealed === null || vm === undefined) throw new Error(`${vmId} has nothing to be applied`);
    const content = damaged.length === 0 ? sealed.source : sealed.source - 1;
    const writes = new GuestWrites(() => this.#timers.now(), content);
    this.vms.set(vmId, { ...vm, writes });
    replication.isVerified = false;
  }

  /** What is wrong on the disks once something was written to them. */
  damageAfterWriting(left: readonly DiskRange[]): readonly DiskRange[] {
    if (this.storageFault === null) return left;
    const { blocks, isLasting } = this.storageFault;
    if (!isLasting) this.storageFault = null;
    return [...new Map([...left, ...blocks].map((each) => [JSON.stringify(each), each])).values()];
  }

  deleteVm(vmId: string): void {
    const vm = this.vms.get(vmId);
    if (vm !== undefined) this.powerOff(vm);
    this.vms.delete(vmId);
  }

  powerOn(vm: SiteVm, replication: SiteReplication): void {
    if (vm.disksAt !== 'vm') throw new FailbackError('FB-SITE-003', { vmName: vm.name });
    if (vm.writes.isRunning) return;
    this.#invariants.boot(replication.replicationId, replication.isVerified);
    this.boots.push(replication.replicationId);
    vm.writes.start();
    vm.startedAt = this.#timers.now();
    if (!vm.isIsolated) this.#invariants.homePower(true);
  }

  powerOff(vm: SiteVm): void {
    vm.writes.stop();
    vm.startedAt = null;
    if (!vm.isIsolated) this.#invariants.homePower(false);
  }

  replication(replicationId: string): SiteReplication {
    const found = this.replications.get(replicationId);
    if (found === undefined) throw new FailbackError('FB-SITE-001', { replicationId });
    return found;
  }

  vmOf(replicationId: string): SiteVm {
    const { vmId } = this.replication(replicationId);
    const vm = this.vms.get(vmId);
    if (vm === undefined) throw new FailbackError('FB-SITE-002', { vmName: vmId });
    return vm;
  }

  /** A replication that is open at the master target. */
  opened(replicationId: string): SiteReplication {
    const found = this.replications.get(replicationId);
    if (found?.isOpen !== true) throw new FailbackError('FB-JRN-001', { replicationId });
    return found;
  }
}
