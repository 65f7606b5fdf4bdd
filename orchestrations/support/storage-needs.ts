import type { CommandOutput } from '../../shared/contracts/commands.ts';
import type { MasterTargetNeeds } from '../../shared/domain/choose-master-target.ts';
import type { PreflightOperation } from '../../shared/domain/preflight/gathered.ts';

type Site = Pick<CommandOutput<'describeSite'>, 'originalVm' | 'vsphere'>;
type StorageNeeds = Pick<MasterTargetNeeds, 'datastores' | 'isOnVsan' | 'biosUuid'>;
type Place = Pick<
  NonNullable<NonNullable<Site['vsphere']>['placement']>,
  'datastore' | 'datastoreType'
>;

/**
 * What a master target has to reach: the disks of the original VM, or the place of a new one. A rehearsal works on a
 * new VM, whatever there is of the original one.
 */
export function storageNeeds(
  operation: PreflightOperation,
  { originalVm, vsphere }: Site,
): StorageNeeds {
  if (originalVm !== null && operation !== 'rehearsal') {
    const original = vsphere?.originalVm;
    return needsOf(original?.disks ?? null, original?.biosUuid ?? null);
  }
  const placement = vsphere?.placement ?? null;
  return needsOf(placement === null ? null : [placement], null);
}

function needsOf(places: readonly Place[] | null, biosUuid: string | null): StorageNeeds {
  const types = places?.map(({ datastoreType }) => datastoreType) ?? [null];
  return {
    datastores: [...new Set(places?.flatMap(({ datastore }) => datastore ?? []))],
    isOnVsan: types.includes('vSAN') || (types.includes(null) ? null : false),
    biosUuid,
  };
}
