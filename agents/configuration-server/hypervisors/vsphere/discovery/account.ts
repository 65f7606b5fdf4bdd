import { z } from 'zod';
import type { VsphereHypervisorConfig } from '../../../config.ts';
import { isFault } from '../vim/faults.ts';
import type { VimSession } from '../vim/session.ts';
import { booleanSchema, listSchema } from '../vim/values.ts';
import { read } from './property-readers.ts';

/** All that the driver and the master target need; documented for whoever makes the role. */
const NEEDED_PRIVILEGES: readonly string[] = [
  'Datastore.AllocateSpace',
  'Datastore.Browse',
  'Datastore.DeleteFile',
  'Datastore.FileManagement',
  'Global.CancelTask',
  'Global.Licenses',
  'Network.Assign',
  'Resource.AssignVMToPool',
  'VirtualMachine.Config.AddExistingDisk',
  'VirtualMachine.Config.AddNewDisk',
  'VirtualMachine.Config.AddRemoveDevice',
  'VirtualMachine.Config.AdvancedConfig',
  'VirtualMachine.Config.CPUCount',
  'VirtualMachine.Config.EditDevice',
  'VirtualMachine.Config.Memory',
  'VirtualMachine.Config.RemoveDisk',
  'VirtualMachine.Config.Settings',
  'VirtualMachine.GuestOperations.Execute',
  'VirtualMachine.GuestOperations.Query',
  'VirtualMachine.Interact.PowerOff',
  'VirtualMachine.Interact.PowerOn',
  'VirtualMachine.Inventory.Create',
  'VirtualMachine.Inventory.Delete',
  'VirtualMachine.State.CreateSnapshot',
  'VirtualMachine.State.RemoveSnapshot',
];

/** What the role CloudAdmin of Azure VMware Solution lacks of these; its licences are Microsoft's business. */
const NOT_IN_AVS: readonly string[] = ['Global.Licenses'];

export function neededPrivileges(siteKind: VsphereHypervisorConfig['siteKind']): readonly string[] {
  if (siteKind !== 'avs') return NEEDED_PRIVILEGES;
  return NEEDED_PRIVILEGES.filter((id) => !NOT_IN_AVS.includes(id));
}

export interface AccountFact {
  readonly userName: string;
  /** At the root of the inventory; `null` = the server does not tell. */
  readonly missingPrivileges: readonly string[] | null;
}

const answerSchema = listSchema(
  z.object({
    privAvailability: listSchema(z.object({ privId: z.string(), isGranted: booleanSchema })),
  }),
);

/** What the account may do. Privileges that are given further down only count as missing here. */
export async function readAccount(
  session: VimSession,
  needed: readonly string[],
): Promise<AccountFact> {
  const { authorizationManager, rootFolder } = await session.content();
  const userName = await session.userName();
  if (authorizationManager === undefined) return { userName, missingPrivileges: null };
  const question = { entities: [rootFolder], userName, privId: needed };
  const answer = await session
    .call('HasUserPrivilegeOnEntities', authorizationManager, question)
    .catch((error: unknown) => {
      if (isFault(error, 'NoPermission', 'MethodNotFound', 'NotSupported')) return null;
      throw error;
    });
  const entities = answer === null ? null : read(answerSchema, answer, null);
  if (entities === null) return { userName, missingPrivileges: null };
  const granted = new Set(
    entities.flatMap(({ privAvailability }) =>
      privAvailability.filter(({ isGranted }) => isGranted).map(({ privId }) => privId),
    ),
  );
  return { userName, missingPrivileges: needed.filter((id) => !granted.has(id)) };
}
