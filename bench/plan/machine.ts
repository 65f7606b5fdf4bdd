import { VirtualClock } from '../../local/functions-host/support/clock.ts';
import type { CommandName } from '../../shared/contracts/commands.ts';
import type { ProtectedItem } from '../../shared/domain/protected-item.ts';
import { AzureReplicas, AzureSnapshots } from '../../test/support/world/azure-disks.ts';
import { AzureVm } from '../../test/support/world/azure-vm.ts';
import { dataPlaneEffects } from '../../test/support/world/data-commands.ts';
import { Invariants } from '../../test/support/world/invariants.ts';
import { configurationServerEffects } from '../../test/support/world/site-commands.ts';
import { Site } from '../../test/support/world/site.ts';
import { Timers } from '../../test/support/world/timers.ts';

/** The wall clock in place of the virtual one of the tests. */
export class WallTimers extends Timers {
  constructor() {
    super(new VirtualClock(new Date()));
  }

  override now(): Date {
    return new Date();
  }

  override after(milliseconds: number, callback: () => void): void {
    setTimeout(callback, milliseconds);
  }
}

/** One machine with its VM in Azure and its place at home, as the tests of the orchestrations have it. */
export class Machine {
  readonly item: ProtectedItem;
  readonly invariants = new Invariants();
  readonly vm: AzureVm;
  readonly snapshots: AzureSnapshots;
  readonly replicas: AzureReplicas;
  readonly #effects: Partial<Record<CommandName, (input: never) => unknown>>;

  constructor(item: ProtectedItem, timers: WallTimers) {
    this.item = item;
    const { invariants } = this;
    this.vm = new AzureVm({ timers, invariants, item, onDelete: () => undefined });
    this.snapshots = new AzureSnapshots(this.vm, timers);
    this.replicas = new AzureReplicas(timers, this.snapshots);
    const site = new Site(timers, invariants, item.target.vmName);
    const { snapshots, replicas } = this;
    this.#effects = {
      ...configurationServerEffects(site, timers),
      ...dataPlaneEffects({ site, snapshots, replicas, timers }),
    };
  }

  /** What an agent would do. Throws FailbackError for what it would report as failed. */
  perform(name: CommandName, input: unknown): unknown {
    const effect = this.#effects[name];
    if (effect === undefined) throw new Error(`no agent here knows ${name}`);
    return effect(input as never);
  }
}
