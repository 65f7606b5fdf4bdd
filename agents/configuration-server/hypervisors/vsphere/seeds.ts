import type { DiskShape } from '../../../../shared/contracts/commands.ts';
import { pairDisks } from './disk-slots.ts';
import { obstacleOf } from './master-target-disks.ts';
import type { Placement } from './placement.ts';
import { faultOf, isFault } from './vim/faults.ts';
import type { VimSession } from './vim/session.ts';
import { runTask } from './vim/tasks.ts';
import type { MoRef } from './vim/values.ts';
import type { Vm } from './vm-access.ts';

interface SeedOptions {
  readonly session: VimSession;
  readonly placement: Placement;
  /** Whose disks are copied. */
  readonly seed: Vm;
  readonly wanted: readonly DiskShape[];
}

interface CopyPlaces {
  readonly sourceName: string;
  readonly sourceDatacenter: MoRef;
  readonly destName: string;
  readonly destDatacenter: MoRef;
}

/** Copies on the datastores themselves, so that nothing of them travels over the line. */
export class Seeds {
  readonly #options: SeedOptions;
  readonly #files: ReadonlyMap<string, string>;

  constructor(options: SeedOptions) {
    this.#options = options;
    const { seed, wanted } = options;
    const isAtRest = seed.record.powerState === 'off';
    const { known } = isAtRest ? pairDisks(seed.record, wanted) : { known: [] };
    this.#files = new Map(
      known.flatMap(({ diskId, disk }) => {
        const { sizeBytes } = wanted.find(({ id }) => id === diskId) ?? {};
        const isFit = disk.sizeBytes === sizeBytes && obstacleOf(disk) === null;
        return isFit && disk.file !== null ? [[diskId, disk.file]] : [];
      }),
    );
  }

  /**
   * Gives the ids of those that are there now; the others have to be made empty. A copy saves time and is not worth
   * failing for. Through a vCenter copies may take the whole size of a disk, whatever it holds: none are made where
   * there is no room for that.
   */
  async copy(
    disks: readonly DiskShape[],
    folder: string,
    target: MoRef,
  ): Promise<readonly string[]> {
    const { placement, seed } = this.#options;
    const sourceDatacenter = await placement.datacenterOf(seed.ref);
    const destDatacenter = await placement.datacenterOf(target);
    const isAlone = await this.#isAlone();
    const wholeBytes = disks
      .filter(({ id }) => this.#files.has(id))
      .reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const [, datastore = ''] = /^\[([^\]]*)\]/.exec(folder) ?? [];
    const freeBytes = isAlone ? null : await placement.freeBytes(datastore);
    const isRoom = freeBytes === null || freeBytes > wholeBytes;
    const copied: string[] = [];
    for (const { id } of disks) {
      const file = `${folder}${id}.vmdk`;
      // What a crash left of an earlier attempt: no server copies over it.
      await this.#delete(file, destDatacenter);
      const sourceName = isRoom ? this.#files.get(id) : undefined;
      if (sourceName === undefined) continue;
      const places = { sourceName, sourceDatacenter, destName: file, destDatacenter };
      if (await this.#copyOne(places, isAlone)) copied.push(id);
    }
    return copied;
  }

  async #copyOne(places: CopyPlaces, isAlone: boolean): Promise<boolean> {
    const { session } = this.#options;
    // Only a host by itself lets one say in which format.
    const thin = {
      _typeName: 'VirtualDiskSpec',
      diskType: 'thin',
      adapterType: 'lsiLogic',
    } as const;
    const parameters = { ...places, ...(isAlone ? { destSpec: thin } : {}) };
    try {
      await runTask(session, 'CopyVirtualDisk_Task', { self: await this.#manager(), parameters });
      return true;
    } catch (error) {
      if (faultOf(error) === null) throw error;
      await this.#delete(places.destName, places.destDatacenter);
      return false;
    }
  }

  async #delete(name: string, datacenter: MoRef): Promise<void> {
    const { session } = this.#options;
    const parameters = { name, datacenter };
    const self = await this.#manager();
    await runTask(session, 'DeleteVirtualDisk_Task', { self, parameters }).catch(
      (error: unknown) => {
        if (!isFault(error, 'FileNotFound')) throw error;
      },
    );
  }

  async #isAlone(): Promise<boolean> {
    return (await this.#options.session.content()).about.apiType === 'HostAgent';
  }

  async #manager(): Promise<MoRef> {
    const { virtualDiskManager } = await this.#options.session.content();
    return virtualDiskManager ?? { type: 'VirtualDiskManager', value: 'virtualDiskManager' };
  }
}
