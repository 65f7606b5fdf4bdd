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
   * failing for.
   */
  async copy(disks: readonly DiskShape[], folder: string): Promise<readonly string[]> {
    const copied: string[] = [];
    for (const { id } of disks) {
      if (await this.#copyOne(id, `${folder}${id}.vmdk`)) copied.push(id);
    }
    return copied;
  }

  async #copyOne(diskId: string, destName: string): Promise<boolean> {
    const { session, placement } = this.#options;
    const sourceName = this.#files.get(diskId);
    const datacenter = await placement.datacenter();
    const self = await this.#manager();
    if (sourceName !== undefined) {
      const places = { sourceDatacenter: datacenter, destDatacenter: datacenter };
      // Over what a crash left of an earlier attempt.
      const parameters = { sourceName, destName, ...places, force: true };
      try {
        await runTask(session, 'CopyVirtualDisk_Task', { self, parameters });
        return true;
      } catch (error) {
        if (faultOf(error) === null) throw error;
      }
    }
    const parameters = { name: destName, datacenter };
    await runTask(session, 'DeleteVirtualDisk_Task', { self, parameters }).catch(
      (error: unknown) => {
        if (!isFault(error, 'FileNotFound')) throw error;
      },
    );
    return false;
  }

  async #manager(): Promise<MoRef> {
    const { virtualDiskManager } = await this.#options.session.content();
    return virtualDiskManager ?? { type: 'VirtualDiskManager', value: 'virtualDiskManager' };
  }
}
