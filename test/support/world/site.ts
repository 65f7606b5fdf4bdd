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
  disksAt: 'vm' | 'masterTarget';
  startedAt: Date | null;
}

/** What configuration server and master target keep about one replication. */
export interface SiteReplication {
  readonly replicationId: string;
  readonly vmId: string;
  readonly location: 'original' | 'alternate';
  isOpen: boolean;
  /** What was received but not sealed, by disk. */
  readonly staged: Map<string, { readonly pointId: string; readonly content: number }>;
  /** The last sealed point: its name, what the source held, what the disks at home hold. */
  sealed: { readonly pointId: string; readonly source: number; readonly content: number } | null;
  /** Set by a successful comparison, forgotten as soon as the disks change. */
  isVerified: boolean;
}

/** The original VM's disks are old: they come from before the failover. */
const ORIGINAL_CONTENT = 500_000;

/** The on-premises side: VMs and replications, without the programs that work on them. */
export class Site {
  readonly #timers: Timers;
  readonly #invariants: Invariants;
  readonly vms = new Map<string, SiteVm>();
  readonly replications = new Map<string, SiteReplication>();
  /** Boots that happened, by replication; a start of a VM that runs is none. */
  readonly boots: string[] = [];
  /** The storage writes something else than it was given. */
  isStorageFaulty = false;
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
      vmId: `vm-${name}-${this.vms.size + 1}`,
      name,
      isIsolated,
      writes: new GuestWrites(() => this.#timers.now(), content),
      disksAt: 'vm',
      startedAt: null,
    };
    this.vms.set(vm.vmId, vm);
    return vm;
  }

  /** Replaces what the disks of a VM hold; the VM has to be off. */
  overwrite(vm: SiteVm, content: number): void {
    const writes = new GuestWrites(() => this.#timers.now(), content);
    this.vms.set(vm.vmId, { ...vm, writes });
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
