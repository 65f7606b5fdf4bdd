import type { ActivityHandler } from '../shared/contracts/activities.ts';
import type { StoreDeps } from './support/deps.ts';
import { appended, updateItem, updateJob } from './support/records.ts';

/**
 * Notes the sizes of disks that grew in Azure, once those at home are as large, and says so in the job. Idempotent: a
 * disk that has its size already stays as it is.
 */
export const createRecordGrowth = ({
  stores,
  clock,
}: Pick<StoreDeps, 'stores' | 'clock'>): ActivityHandler<'recordGrowth'> =>
  async function recordGrowth({ jobId, itemId, grown }) {
    await updateItem(stores, itemId, (item) => ({
      ...item,
      disks: item.disks.map((disk) => {
        const { toBytes } = grown.find(({ diskId }) => diskId === disk.id) ?? {};
        return toBytes === undefined ? disk : { ...disk, sizeBytes: toBytes };
      }),
    }));
    const sizes = grown.map(
      ({ diskId, fromBytes, toBytes }) => `${diskId} from ${fromBytes} to ${toBytes} bytes`,
    );
    const message = `Disks grew in Azure and were made as large on-premises: ${sizes.join(', ')}`;
    const at = clock.now().toISOString();
    await updateJob(stores, jobId, (job) => ({
      ...job,
      history: appended(job.history, { at, phase: job.phase, message }),
    }));
    return null;
  };
