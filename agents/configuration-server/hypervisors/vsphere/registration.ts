import { z } from 'zod';
import { FailbackError } from '../../../../shared/errors/failback-error.ts';
import type { InventoryTables } from '../../inventory-tables.ts';
import type { VmRecord } from './discovery/records.ts';
import type { Placement } from './placement.ts';
import { isFault } from './vim/faults.ts';
import { waitForOwnTasks } from './vim/own-tasks.ts';
import type { VimSession } from './vim/session.ts';
import { runTask } from './vim/tasks.ts';
import { understand } from './vim/understand.ts';
import { listSchema, moRefSchema } from './vim/values.ts';
import type { Vm, VmAccess } from './vm-access.ts';

interface RegistrationOptions {
  readonly session: VimSession;
  readonly vms: VmAccess;
  readonly placement: Placement;
  readonly tables: InventoryTables;
}

const foundSchema = z.object({ file: listSchema(z.object({ path: z.string() })) });

/** VMs that are taken out of the inventory while their files stay on the datastore, and put back. */
export class Registration {
  readonly #options: RegistrationOptions;

  constructor(options: RegistrationOptions) {
    this.#options = options;
  }

  /** As it was when it was last seen; `null` when it is in the inventory, or its files are gone. */
  async find({ vmId, name }: { vmId?: string; name: string }): Promise<VmRecord | null> {
    const { tables } = this.#options;
    const known = vmId === undefined ? tables.departedNamed(name) : [tables.departed(vmId)];
    const found: VmRecord[] = [];
    for (const record of known) {
      if (record !== null && (await this.#isLeft(record))) found.push(record);
    }
    const [only] = found;
    return only === undefined || found.length > 1 ? null : only;
  }

  /** Throws FB-SITE-008 and FB-SITE-009 as the port says. */
  async register(vmId: string, masterTarget: Vm): Promise<void> {
    const { session, vms, placement, tables } = this.#options;
    const former = tables.departed(vmId);
    if (former === null) throw new FailbackError('FB-SITE-008', { vmId });
    const { folder, pool, host } = await placement.formerPlace(former, masterTarget);
    // What was asked for by a call whose answer was lost.
    await waitForOwnTasks(session, folder);
    if ((await vms.find(vmId)) !== null) return;
    const { name, vmxFile } = former;
    const path = vmxFile ?? '';
    const parameters = { path, name, asTemplate: false, pool, host };
    try {
      const method = 'RegisterVM_Task';
      const result = await runTask(session, method, { self: folder, parameters });
      const ref = understand(moRefSchema, result, { address: session.address, method });
      const actual = (await vms.read(ref))?.record.instanceUuid ?? null;
      if (actual === vmId) return;
      await session.call('UnregisterVM', ref, {});
      throw new FailbackError('FB-SITE-009', {
        vmName: name,
        file: path,
        vmId,
        actual: actual ?? '(none)',
      });
    } catch (error) {
      if (isFault(error, 'FileNotFound', 'NotFound')) {
        throw new FailbackError('FB-SITE-008', { vmId }, { cause: error });
      }
      // A request whose answer was lost may arrive after those that look for what it made.
      const isOurs = isFault(error, 'AlreadyExists', 'DuplicateName') && (await vms.find(vmId));
      if (!isOurs) throw error;
    }
  }

  /** Where it was is written down first: without that nobody could put it back. */
  async unregister({ ref, record }: Vm): Promise<void> {
    const { session, tables } = this.#options;
    tables.putDeparted(record, new Date().toISOString());
    await session.call('UnregisterVM', ref, {}).catch((error: unknown) => {
      if (!isFault(error, 'ManagedObjectNotFound')) throw error;
    });
  }

  async #isLeft({ instanceUuid, vmxFile }: VmRecord): Promise<boolean> {
    const { vms, tables } = this.#options;
    if (instanceUuid === null || vmxFile === null) return false;
    // Under another id it is another VM, which nobody may take.
    const isTaken = tables
      .all('vm')
      .some(({ record }) => record.vmxFile === vmxFile && record.instanceUuid !== instanceUuid);
    if (isTaken) return false;
    return (await vms.find(instanceUuid)) === null && (await this.#isThere(vmxFile));
  }

  async #isThere(file: string): Promise<boolean> {
    const { session, placement } = this.#options;
    const [, datastore = '', folder = '', name = ''] =
      /^\[([^\]]*)\] (?:(.*)\/)?([^/]*)$/.exec(file) ?? [];
    const self = await placement.browserOf(datastore);
    if (self === null) return false;
    const parameters = {
      datastorePath: `[${datastore}] ${folder}`,
      searchSpec: { _typeName: 'HostDatastoreBrowserSearchSpec', matchPattern: [name] },
    } as const;
    try {
      const result = await runTask(session, 'SearchDatastore_Task', { self, parameters });
      const where = { address: session.address, method: 'SearchDatastore_Task' };
      return understand(foundSchema, result, where).file.some(({ path }) => path === name);
    } catch (error) {
      if (isFault(error, 'FileNotFound', 'InvalidDatastorePath')) return false;
      throw error;
    }
  }
}
