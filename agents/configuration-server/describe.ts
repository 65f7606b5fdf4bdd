import type { CommandInput, CommandOutput } from '../../shared/contracts/commands.ts';
import type { Hypervisor, SiteSubject } from '../../shared/ports/hypervisor.ts';
import { AGENT_VERSION } from '../runtime/run-agent.ts';
import type { SiteDatabase } from './database.ts';
import { rehearsalName } from './target.ts';
import { findOriginalVm, type OriginalVm } from './original-vm.ts';

type SiteAnswer = CommandOutput<'describeSite'>;

/** What this server says of itself. */
export interface SelfDescription {
  readonly address: string;
  /** `null` = no backups are scheduled. */
  readonly backups: {
    readonly everySeconds: number;
    /** When the newest was taken, `null` when there is none. Throws when the folder cannot be read. */
    newestAt(): Date | null;
  } | null;
}

interface DescribeParts {
  readonly hypervisor: Hypervisor;
  readonly database: SiteDatabase;
  readonly self: SelfDescription;
}

/** Facts for preflight. Changes nothing. */
export async function describeSite(
  { hypervisor, database, self }: DescribeParts,
  input: CommandInput<'describeSite'>,
): Promise<SiteAnswer> {
  const { vmName, targetVmId, itemId } = input;
  const { isConnected } = await hypervisor.describe();
  const original = isConnected ? await findOriginalVm(hypervisor, vmName, targetVmId) : null;
  const site = await hypervisor.describe(subjectOf(input, original));
  return {
    hypervisor: hypervisor.kind,
    isConnected: site.isConnected,
    freeBytes: site.freeBytes,
    originalVm: original === null ? null : shown(original),
    restoresStaticAddresses: site.restoresStaticAddresses ?? null,
    configurationServer: {
      version: AGENT_VERSION,
      address: self.address,
      knowsItem: itemId === undefined ? null : database.knowsItem(itemId),
      ...backupFacts(self),
    },
    vsphere: site.vsphere ?? null,
    hyperv: site.hyperv ?? null,
    observedAt: new Date().toISOString(),
  };
}

function subjectOf(input: CommandInput<'describeSite'>, original: OriginalVm | null): SiteSubject {
  const { vmName, masterTarget, masterTargets, datastore, disks, isRehearsal } = input;
  return {
    vmName,
    ...(original === null ? {} : { originalVmId: original.vm.vmId }),
    ...(masterTarget === undefined ? {} : { masterTarget }),
    ...(masterTargets === undefined ? {} : { masterTargets }),
    ...(datastore === undefined ? {} : { datastore }),
    ...(disks === undefined ? {} : { disks }),
    ...(isRehearsal === true ? { newVmName: rehearsalName(vmName) } : {}),
  };
}

function shown({ vm, isRegistered }: OriginalVm): SiteAnswer['originalVm'] {
  return {
    isRegistered,
    vmId: vm.vmId,
    powerState: vm.powerState,
    snapshotCount: vm.snapshotCount,
    diskCount: vm.disks.length,
    firmware: vm.firmware ?? null,
  };
}

function backupFacts({
  backups,
}: SelfDescription): Pick<
  NonNullable<SiteAnswer['configurationServer']>,
  'backup' | 'backupSchedule'
> {
  if (backups === null) return { backup: { kind: 'none' }, backupSchedule: { kind: 'none' } };
  const backupSchedule = { kind: 'every', seconds: backups.everySeconds } as const;
  try {
    const newest = backups.newestAt();
    const none = { kind: 'none' } as const;
    const backup =
      newest === null ? none : ({ kind: 'taken', takenAt: newest.toISOString() } as const);
    return { backup, backupSchedule };
  } catch {
    // The volume of the backups is away, and with it what is known of them.
    return { backup: null, backupSchedule };
  }
}
