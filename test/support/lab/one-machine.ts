import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { VmFile } from '../../../agents/configuration-server/hypervisors/local/vm-folder.ts';
import type { ArmState } from '../../../local/arm/state.ts';

const LOOK_MS = 10;
/** A VM that is being started or stopped may run already, or still. */
const MAY_RUN = ['running', 'starting', 'stopping'];

export interface Watched {
  readonly ranInAzure: boolean;
  readonly ranAtHome: boolean;
  /** It was seen off in Azure, or gone, at least once. */
  readonly leftAzure: boolean;
  /** A copy of it ran, cut off from everything. */
  readonly wasRehearsed: boolean;
  /** When both ran; empty is what everybody wants. */
  readonly both: readonly string[];
}

/** Looks at Azure and at the hypervisor's folder all the time: one identity must never run twice. */
export class MachineWatch {
  readonly #arm: () => ArmState;
  readonly #vmsFolder: string;
  readonly #vmName: string;
  readonly #timer: NodeJS.Timeout;
  #ranInAzure = false;
  #ranAtHome = false;
  #leftAzure = false;
  #wasRehearsed = false;
  readonly #both: string[] = [];

  constructor(arm: () => ArmState, labFolder: string, vmName: string) {
    this.#arm = arm;
    this.#vmsFolder = join(labFolder, 'site', 'vms');
    this.#vmName = vmName;
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  get inAzure(): boolean {
    const vm = this.#arm().virtualMachines.find(({ name }) => name === this.#vmName);
    return vm !== undefined && MAY_RUN.includes(vm.power);
  }

  /** A rehearsal's VM is cut off from everything and has no part in this. */
  get atHome(): boolean {
    return this.#siteVms().some(
      ({ name, powerState, isIsolated }) =>
        name === this.#vmName && powerState === 'on' && !isIsolated,
    );
  }

  get seen(): Watched {
    return {
      ranInAzure: this.#ranInAzure,
      ranAtHome: this.#ranAtHome,
      leftAzure: this.#leftAzure,
      wasRehearsed: this.#wasRehearsed,
      both: [...this.#both],
    };
  }

  stop(): Watched {
    clearInterval(this.#timer);
    return this.seen;
  }

  #look(): void {
    const [inAzure, atHome] = [this.inAzure, this.atHome];
    this.#ranInAzure ||= inAzure;
    this.#ranAtHome ||= atHome;
    this.#leftAzure ||= !inAzure;
    this.#wasRehearsed ||= this.#siteVms().some(
      ({ name, powerState, isIsolated }) =>
        name.includes(this.#vmName) && powerState === 'on' && isIsolated,
    );
    if (inAzure && atHome) this.#both.push(new Date().toISOString());
  }

  #siteVms(): readonly VmFile[] {
    return readFolder(this.#vmsFolder).flatMap((id) => {
      try {
        const text = readFileSync(join(this.#vmsFolder, id, 'vm.json'), 'utf8');
        return [JSON.parse(text) as VmFile];
      } catch {
        return [];
      }
    });
  }
}

function readFolder(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
