import { createHash } from 'node:crypto';
import { FailbackError } from '../../../../shared/errors/failback-error.ts';
import { PATHS, readRecord } from './discovery/kinds.ts';
import type { VmRecord } from './discovery/records.ts';
import { isFault } from './vim/faults.ts';
import { waitForOwnTasks } from './vim/own-tasks.ts';
import { type ManagedObject, readProperties, retrieve, selectView } from './vim/properties.ts';
import type { VimSession } from './vim/session.ts';
import { understand } from './vim/understand.ts';
import { moRefSchema, type MoRef, type VimObject } from './vim/values.ts';
import { runTask } from './vim/tasks.ts';
import { type LocatedVm, locate, PLACE_PATHS } from './vm-places.ts';

export interface Vm {
  readonly ref: MoRef;
  readonly record: VmRecord;
}

/** What discovery last knew. */
interface KnownVms {
  withInstanceUuid(instanceUuid: string): { readonly id: string; readonly record: VmRecord } | null;
}

/**
 * The VMs of one server as they are right now: nothing here comes from the database, but that a VM which the server
 * does not find any more is there all the same.
 */
export class VmAccess {
  readonly #session: VimSession;
  readonly #datacenter: string | undefined;
  readonly #known: KnownVms | null;

  /** With the name of a datacenter, VMs of other ones are not found by their name. */
  constructor(session: VimSession, datacenter?: string, known: KnownVms | null = null) {
    this.#session = session;
    this.#datacenter = datacenter;
    this.#known = known;
  }

  /**
   * `vmId` is the instance UUID, which stays when a VM is registered anew. Throws FB-VSPHERE-021 for one that is in the
   * inventory and cannot be read: it is not gone, and nobody may make another one in its place.
   */
  async find(vmId: string): Promise<Vm | null> {
    const ref = await this.#refOf(vmId);
    return ref === null ? null : this.read(ref);
  }

  /** For those who change it: as it is once no task of ours changes it any more. */
  async findAtRest(vmId: string): Promise<Vm | null> {
    const ref = await this.#refOf(vmId);
    return ref === null ? null : this.atRest(ref);
  }

  /**
   * As `findAtRest`. Throws FB-SITE-002 when there is none, and FB-VSPHERE-010 while its host is away: what the server
   * says of it may be long past.
   */
  async require(vmId: string): Promise<Vm> {
    const found = await this.findAtRest(vmId);
    if (found === null) throw new FailbackError('FB-SITE-002', { vmName: vmId });
    const { name: object, connection } = found.record;
    if (connection === 'hostAway') {
      const values = { object, method: 'the look at its state', reason: 'it is disconnected.' };
      throw new FailbackError('FB-VSPHERE-010', values);
    }
    return found;
  }

  /** Read only then: a task that ends between a reading and the look at the tasks makes that reading old. */
  async atRest(ref: MoRef): Promise<Vm | null> {
    await waitForOwnTasks(this.#session, ref);
    return this.read(ref);
  }

  /** As it is now. Throws FB-SITE-002 when it is gone. */
  async again({ ref, record }: Vm): Promise<Vm> {
    const now = await this.read(ref);
    if (now === null) throw new FailbackError('FB-SITE-002', { vmName: record.name });
    return now;
  }

  /** Throws FB-SITE-011 when several have that name. */
  async findNamed(name: string): Promise<Vm | null> {
    const found = locate(await this.objects(PLACE_PATHS), name, this.#datacenter);
    const [only] = found;
    if (found.length > 1) {
      throw new FailbackError('FB-SITE-011', { vmName: name, places: placesOf(found) });
    }
    return only === undefined ? null : this.read(only.ref);
  }

  async findMasterTarget(name: string): Promise<Vm | null> {
    return (await this.findMasterTargets([name]))[0] ?? null;
  }

  /** Names without a VM are left out. Throws FB-VSPHERE-013 for a name that several VMs have. */
  async findMasterTargets(names: readonly string[]): Promise<readonly Vm[]> {
    const all = await this.objects(PLACE_PATHS);
    const found = names.flatMap((name) => {
      const ofName = locate(all, name, this.#datacenter);
      if (ofName.length < 2) return ofName;
      const { address } = this.#session;
      const values = { kind: 'VM of a master target', name, address, known: placesOf(ofName) };
      throw new FailbackError('FB-VSPHERE-013', values);
    });
    const vms = await Promise.all(found.map(({ ref }) => this.read(ref)));
    return vms.filter((vm) => vm !== null);
  }

  async read(ref: MoRef): Promise<Vm | null> {
    try {
      const properties = await readProperties(this.#session, ref, PATHS['VirtualMachine'] ?? []);
      return { ref, record: readRecord<'vm'>('VirtualMachine', properties) };
    } catch (error) {
      // It went away between the two questions.
      if (isFault(error, 'ManagedObjectNotFound')) return null;
      throw error;
    }
  }

  /** All objects of these types with these properties. */
  async objects(
    paths: Readonly<Record<string, readonly string[]>>,
  ): Promise<readonly ManagedObject[]> {
    return this.#allOf(paths).catch(async (error: unknown) => {
      // The view went with the session that it was made in.
      if (!isFault(error, 'ManagedObjectNotFound')) throw error;
      return this.#allOf(paths);
    });
  }

  async #refOf(vmId: string): Promise<MoRef | null> {
    if (!isUuid(vmId)) return null;
    const { searchIndex } = await this.#session.content();
    const question = { uuid: vmId, vmSearch: true, instanceUuid: true };
    const answer = await this.#session.call('FindByUuid', searchIndex, question);
    if (answer === undefined || answer === '') {
      await this.#refuseUnreadable(vmId);
      return null;
    }
    return understand(moRefSchema, answer, {
      address: this.#session.address,
      method: 'FindByUuid',
    });
  }

  async #refuseUnreadable(vmId: string): Promise<void> {
    const known = this.#known?.withInstanceUuid(vmId) ?? null;
    if (known === null) return;
    const now = await this.read({ type: 'VirtualMachine', value: known.id });
    // It is gone, or it is another one by now.
    if (now === null || now.record.instanceUuid !== null) return;
    throw new FailbackError('FB-VSPHERE-021', { vmName: known.record.name });
  }

  async #allOf(
    paths: Readonly<Record<string, readonly string[]>>,
  ): Promise<readonly ManagedObject[]> {
    const { rootFolder, viewManager } = await this.#session.content();
    const parameters = { container: rootFolder, type: Object.keys(paths), recursive: true };
    const answer = await this.#session.call('CreateContainerView', viewManager, parameters);
    const where = { address: this.#session.address, method: 'CreateContainerView' };
    const view = understand(moRefSchema, answer, where);
    try {
      return await retrieve(this.#session, selectView(view, paths));
    } finally {
      await this.#session.call('DestroyView', view, {}).catch(() => undefined);
    }
  }

  async reconfigure(
    { ref }: Vm,
    spec: Omit<VimObject<'VirtualMachineConfigSpec'>, '_typeName'>,
  ): Promise<void> {
    const whole = { _typeName: 'VirtualMachineConfigSpec', ...spec } as const;
    await runTask(this.#session, 'ReconfigVM_Task', { self: ref, parameters: { spec: whole } });
  }
}

const placesOf = (vms: readonly LocatedVm[]): string => vms.map(({ place }) => place).join(', ');

/** The id that a VM has because it was made for this key: whoever repeats the creation finds it by that. */
export function vmIdFor(creationKey: string): string {
  const digest = createHash('sha256').update(`azure-failback:${creationKey}`).digest();
  // Marked as a UUID made from a name (version 8, the variant of RFC 9562).
  digest.writeUInt8((digest.readUInt8(6) & 0x0f) | 0x80, 6);
  digest.writeUInt8((digest.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = digest.toString('hex');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20, 32),
  ].join('-');
}

function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}
