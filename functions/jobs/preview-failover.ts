import type { FailoverPreview } from '../../shared/contracts/http-api.ts';
import {
  dataLossMinutes,
  finalDeltaSeconds,
  refusalOfFailover,
} from '../../shared/domain/failover-choice.ts';
import { recommendedPoint } from '../../shared/domain/recommended-point.ts';
import { type ProtectedItem, resolveRecoveryPoint } from '../../shared/domain/protected-item.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import type { PowerState } from '../../shared/contracts/activities.ts';
import { HEARTBEAT_STALE_MS } from '../../shared/policy/limits.ts';
import { processServerName } from '../../shared/services/process-server-name.ts';
import type { FunctionDeps } from '../support/deps.ts';

/** What a failover of the job to that recovery point would cost now. Throws FB-REQ-002. */
export async function previewFailover(
  deps: FunctionDeps,
  jobId: string,
  recoveryPoint: string,
): Promise<FailoverPreview> {
  const { stores, clock } = deps;
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
    recommended: await recommendation(deps, item),
    refusal: refusal === null ? null : structuredClone(refusal.toRecord()),
  };
}

async function recommendation(
  deps: FunctionDeps,
  item: ProtectedItem,
): Promise<FailoverPreview['recommended']> {
  const power = await powerOf(deps, item);
  return recommendedPoint({
    isAzureVmThere: power === null ? null : power !== 'absent',
    isAzureVmOff: power === 'stopped' || power === 'deallocated',
    processServerSilentSince: await silentSince(deps, item),
    hasSealedPoint: resolveRecoveryPoint(item, 'latestProcessed') !== null,
  });
}

/** `null` when Azure does not answer: a preview must not fail because of it. */
async function powerOf(
  { vms }: FunctionDeps,
  { resourceGroup, vmName }: ProtectedItem,
): Promise<PowerState | null> {
  try {
    return await vms.powerState(resourceGroup, vmName);
  } catch (error) {
    if (error instanceof FailbackError) return null;
    throw error;
  }
}

/** When the process server of the machine was last heard of; `null` while it is heard. */
async function silentSince(
  { stores, clock }: FunctionDeps,
  { resourceGroup }: ProtectedItem,
): Promise<string | null> {
  const name = processServerName(resourceGroup);
  const agents = await stores.agents.list();
  const server = agents.find((each) => each.kind === 'processServer' && each.name === name);
  if (server === undefined) return 'never';
  const silentMs = clock.now().getTime() - Date.parse(server.heartbeatAt);
  return silentMs > HEARTBEAT_STALE_MS ? server.heartbeatAt : null;
}
