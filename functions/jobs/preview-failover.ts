import type { FailoverPreview } from '../../shared/contracts/http-api.ts';
import {
  dataLossMinutes,
  finalDeltaSeconds,
  refusalOfFailover,
} from '../../shared/domain/failover-choice.ts';
import { resolveRecoveryPoint } from '../../shared/domain/protected-item.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import type { FunctionDeps } from '../support/deps.ts';

/** What a failover of the job to that recovery point would cost now. Throws FB-REQ-002. */
export async function previewFailover(
  { stores, clock }: FunctionDeps,
  jobId: string,
  recoveryPoint: string,
): Promise<FailoverPreview> {
  const job = (await stores.jobs.get(jobId))?.value;
  if (job === undefined) throw new FailbackError('FB-REQ-002', { kind: 'failback', id: jobId });
  const item = (await stores.items.get(job.itemId))?.value;
  if (item === undefined) {
    throw new FailbackError('FB-REQ-002', { kind: 'protected item', id: job.itemId });
  }
  const now = clock.now();
  const point = recoveryPoint === 'latest' ? null : resolveRecoveryPoint(item, recoveryPoint);
  const isFinalDeltaSent = recoveryPoint !== 'latestProcessed';
  const deltaSeconds = isFinalDeltaSent ? finalDeltaSeconds(job) : 0;
  const { bootSeconds = null } = item;
  const refusal = refusalOfFailover(item, { phase: job.phase, recoveryPoint, now });
  return {
    recoveryPoint,
    point,
    isFinalDeltaSent,
    expectedDataLossMinutes: dataLossMinutes(recoveryPoint, point, now),
    finalDeltaSeconds: deltaSeconds,
    downtimeSeconds:
      deltaSeconds === null || bootSeconds === null ? null : deltaSeconds + bootSeconds,
    refusal: refusal === null ? null : structuredClone(refusal.toRecord()),
  };
}
