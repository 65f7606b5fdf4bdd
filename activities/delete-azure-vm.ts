import type { ActivityHandler } from '../shared/contracts/activities.ts';
import { FailbackError } from '../shared/errors/failback-error.ts';
import type { ActivityDeps } from './support/deps.ts';
import { assertAllDisksKnown } from './support/known-disks.ts';
import { requireItem, requireJob } from './support/records.ts';
import { replicaName } from './support/replica.ts';

type Deps = Pick<ActivityDeps, 'stores' | 'vms' | 'replicas'>;

/**
 * Deletes the Azure VM with its disks and network interfaces. Refuses unless the job holds the proof
 * that the on-premises disks equal the source at shutdown and the replica is complete, and while the VM runs
 * (FB-ORC-014) or has a disk that nobody carried (FB-AZ-008). Idempotent.
 */
export const createDeleteAzureVm = (deps: Deps): ActivityHandler<'deleteAzureVm'> =>
  async function deleteAzureVm({ jobId, itemId }) {
    const item = await requireItem(deps.stores, itemId);
    const { resourceGroup, vmName, disks } = item;
    const { report } = await requireJob(deps.stores, jobId);
    const { proof } = report;
    if (proof === undefined || proof.mismatches !== 0 || proof.blocksCompared === 0) {
      throw new FailbackError('FB-AZ-005', { vmName, reason: 'no proof of equality in the job' });
    }
    for (const { id } of disks) {
      const { state } = await deps.replicas.seedState(replicaName(itemId, id));
      if (state === 'done') continue;
      throw new FailbackError('FB-AZ-005', { vmName, reason: `the replica of ${id} is ${state}` });
    }
    const actual = await deps.vms.powerState(resourceGroup, vmName);
    if (actual === 'absent') return null;
    // Not `changing`, which is also what a VM shows that is being deleted.
    if (actual === 'running') throw new FailbackError('FB-ORC-014', { vmName, actual });
    const azureVm = await deps.vms.describe(resourceGroup, vmName);
    if (azureVm !== null) assertAllDisksKnown(item, azureVm);
    const diskNames = disks.map(({ diskName }) => diskName);
    await deps.vms.beginDelete(resourceGroup, vmName, diskNames);
    return null;
  };
