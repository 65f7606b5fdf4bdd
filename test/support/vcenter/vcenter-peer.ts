import { PeerProcess } from '../../../local/vcenter/peer-process.ts';
import { APP_ROOT } from '../lab/program.ts';
import type {
  PeerAccount,
  PeerBootedGuest,
  PeerDatastore,
  PeerDiskChange,
  PeerFailure,
  PeerGuestRecord,
  PeerGuests,
  PeerInventory,
  PeerReady,
  VcenterPeerOptions,
} from './peer-types.ts';

/** For hooks that start a peer: the first start on a machine builds it. */
export const PEER_START_TIMEOUT_MS = 300_000;

/** A running vCenter peer (test/peers/vcenter/README.md) and the switches a test has over it. */
export class VcenterPeer {
  readonly ready: PeerReady;
  /** What the peer wrote to standard error, for a test that fails. */
  readonly log: readonly string[];
  readonly #process: PeerProcess;

  private constructor(process: PeerProcess) {
    this.ready = process.ready;
    this.log = process.log;
    this.#process = process;
  }

  /** Builds the program when that is needed, starts it and waits until it answers. */
  static async start(options: VcenterPeerOptions = {}): Promise<VcenterPeer> {
    return new VcenterPeer(await PeerProcess.start(APP_ROOT, options));
  }

  async stop(): Promise<void> {
    await this.#process.stop();
  }

  /** Adds a user or changes one; open sessions of that user see the change. */
  /** Of the disk in `[datastore] folder/file.vmdk`. */
  async setDiskUuid(file: string, uuid: string): Promise<void> {
    await this.#control('uuid', { file, uuid });
  }

  /** Of the VM with that name or moid. One that is inaccessible or orphaned shows no configuration. */
  async setConnection(
    vm: string,
    state: 'connected' | 'disconnected' | 'inaccessible' | 'orphaned',
  ): Promise<void> {
    await this.#control('connection', { vm, state });
  }

  /** Properties that nobody is shown, by their paths; replaces what was said before. */
  async hide(paths: readonly string[]): Promise<void> {
    await this.#control('hidden', { paths });
  }

  async setAccount(account: PeerAccount): Promise<void> {
    await this.#control('account', account);
  }

  /** Ends every session, as an idle time or a restart does; gives how many there were. */
  async expireSessions(): Promise<number> {
    const { expired } = (await this.#control('sessions', {})) as { expired: number };
    return expired;
  }

  async setLicence(editionKey: string, name?: string): Promise<void> {
    await this.#control('licence', { editionKey, name });
  }

  /** Whether elements out of the schema's order are refused; they are, from the start. */
  async setStrict(isStrict: boolean): Promise<void> {
    await this.#control('strict', { isStrict });
  }

  async addFailure(failure: PeerFailure): Promise<void> {
    await this.#control('failure', failure);
  }

  /** Gives how many had calls left to fail. */
  async clearFailures(): Promise<number> {
    const { cleared } = (await this.#control('failures', {})) as { cleared: number };
    return cleared;
  }

  /** Milliseconds that tasks of a method take; `*` is every other one. Replaces what was said before. */
  async setTaskDelays(delaysMs: Readonly<Record<string, number>>): Promise<void> {
    await this.#control('delays', delaysMs);
  }

  /** Closes the API port and its connections for so long. */
  async startOutage(durationMs: number): Promise<void> {
    await this.#control('outage', { durationMs });
  }

  async endOutage(): Promise<void> {
    await this.#control('outage', { durationMs: 0 });
  }

  /** Gives the moids by name. */
  async addVms(inventory: PeerInventory): Promise<Readonly<Record<string, string>>> {
    return (await this.#control('inventory', inventory)) as Record<string, string>;
  }

  /** `hosts` are names; every host mounts it when left out. Gives the moid. */
  async addDatastore(datastore: PeerDatastore & { hosts?: readonly string[] }): Promise<string> {
    return ((await this.#control('datastore', datastore)) as { moid: string }).moid;
  }

  /** What a datastore reports instead of the size of the volume behind it. */
  async setDatastoreSize(name: string, capacityBytes: number, freeBytes: number): Promise<void> {
    await this.#control('size', { name, capacityBytes, freeBytes });
  }

  async setGuests(guests: PeerGuests): Promise<void> {
    await this.#control('guest', guests);
  }

  /** What was asked of the guest of a VM, by its name or moid. */
  async guestOf(vm: string): Promise<PeerGuestRecord> {
    return (await this.#control('guests', { vm })) as PeerGuestRecord;
  }

  /** The VMs whose tools run. */
  async bootedGuests(): Promise<readonly PeerBootedGuest[]> {
    return (await this.#control('booted', {})) as PeerBootedGuest[];
  }

  /** How often each method was called. */
  async calls(): Promise<Readonly<Record<string, number>>> {
    return (await this.#control('calls', {})) as Record<string, number>;
  }

  /** What reconfigurations did with disks, in their order. */
  async diskChanges(): Promise<readonly PeerDiskChange[]> {
    return (await this.#control('disks', {})) as PeerDiskChange[];
  }

  /** The serial console of a VM that QEMU boots, by name or moid. */
  async consoleOf(vm: string): Promise<{ readonly file: string; readonly text: string }> {
    return (await this.#control('console', { vm })) as { file: string; text: string };
  }

  async #control(name: string, body: unknown): Promise<unknown> {
    return this.#process.control(name, body);
  }
}
