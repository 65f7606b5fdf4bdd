import { setTimeout as delay } from 'node:timers/promises';
import { invariant } from '../../../../../shared/domain/assert.ts';
import { FailbackError } from '../../../../../shared/errors/failback-error.ts';
import { isTrue } from '../discovery/property-readers.ts';
import { isFault } from '../vim/faults.ts';
import { readProperties } from '../vim/properties.ts';
import type { VimSession } from '../vim/session.ts';
import type { Vm, VmAccess } from '../vm-access.ts';
import type { GuestAccount } from './guest-accounts.ts';
import { type GuestCommand, runInGuest } from './guest-programs.ts';

const READY = 'guest.guestOperationsReady';
const POWER_STATE = 'runtime.powerState';
const MAX_POLL_MS = 2_000;
/** More attempts with a wrong password would lock the account. */
const MAX_REFUSALS = 3;
/** So many pauses between refusals make up the whole time. */
const LOGIN_PAUSES = 12;

export interface GuestOptions {
  readonly session: VimSession;
  readonly vms: VmAccess;
  readonly account: GuestAccount | null;
  /** How long a running guest may keep us waiting until it carries out programs, all in all. */
  readonly readySeconds: number;
}

/** The way into the guest of one VM. Tools tell that they run before they take programs. */
export class GuestAccess {
  readonly #options: GuestOptions;
  #vm: Vm;
  #obstacle: string | null = null;
  #refusal: FailbackError | null = null;
  #leftMs: number;

  private constructor(options: GuestOptions, vm: Vm) {
    this.#options = options;
    this.#vm = vm;
    this.#leftMs = options.readySeconds * 1000;
  }

  /** Waits until the guest is ready, where that can help. */
  static async to(options: GuestOptions, vm: Vm): Promise<GuestAccess> {
    const access = new GuestAccess(options, vm);
    access.#obstacle = await access.#wait();
    return access;
  }

  /** As it was when the guest was ready. */
  get vm(): Vm {
    return this.#vm;
  }

  /** Why programs cannot be run; `null` = they can. */
  get obstacle(): string | null {
    return this.#obstacle;
  }

  /** As runInGuest. Once the guest refused the account for good it is not asked again. */
  async run(command: GuestCommand): Promise<number | null> {
    const { session, account } = this.#options;
    invariant(account !== null, 'Without an account there is an obstacle');
    let refusals = 0;
    for (;;) {
      if (this.#refusal !== null) throw this.#refusal;
      try {
        return await runInGuest({ session, account, vm: this.#vm.ref }, command);
      } catch (error) {
        const isRefused = isFault(error, 'InvalidGuestLogin');
        refusals += isRefused ? 1 : 0;
        if (refusals === MAX_REFUSALS && error instanceof FailbackError) this.#refusal = error;
        const isPassing = isRefused || isFault(error, 'GuestOperationsUnavailable');
        if (!isPassing || !(await this.#pause(isRefused))) throw error;
      }
    }
  }

  async #wait(): Promise<string | null> {
    const { session, vms, account, readySeconds } = this.#options;
    if (this.#vm.record.powerState !== 'on') return 'The guest cannot be reached while it is off.';
    if (account === null) return 'No account of the guest is configured.';
    for (;;) {
      const seen = await readProperties(session, this.#vm.ref, [READY, POWER_STATE]);
      if (seen.get(POWER_STATE) !== 'poweredOn') return 'The guest went off.';
      if (isTrue(seen.get(READY))) break;
      if (!(await this.#pause(false))) {
        return `Its tools did not take programs in ${readySeconds} seconds.`;
      }
    }
    this.#vm = await vms.again(this.#vm);
    return null;
  }

  /** False when no time is left. */
  async #pause(isRefused: boolean): Promise<boolean> {
    if (this.#leftMs <= 0) return false;
    const wholeMs = this.#options.readySeconds * 1000;
    const pauseMs = Math.min(this.#leftMs, wholeMs / LOGIN_PAUSES);
    const pausedMs = isRefused ? pauseMs : Math.min(pauseMs, MAX_POLL_MS);
    this.#leftMs -= pausedMs;
    await delay(pausedMs);
    return true;
  }
}
