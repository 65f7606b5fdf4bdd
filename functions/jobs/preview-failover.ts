import type { FailoverPreview } from '../../shared/contracts/http-api.ts';
import {
  dataLossMinutes,
  finalDeltaSeconds,
  refusalOfFailover,
} from '../../shared/domain/failover-choice.ts';
import { isHeard } from '../../shared/domain/heartbeat.ts';
import { isSwitchedOff } from '../../shared/domain/power-state.ts';
import { recommendedPoint } from '../../shared/domain/recommended-point.ts';
import type { Job } from '../../shared/domain/job.ts';
import { type ProtectedItem, resolveRecoveryPoint } from '../../shared/domain/protected-item.ts';
import { refusalBySource, sourceLossOf } from '../../shared/domain/source-state.ts';
import { type ErrorRecord, FailbackError } from '../../shared/errors/failback-error.ts';
import { processServerName } from '../../shared/services/process-server-name.ts';
import type { FunctionDeps } from '../support/deps.ts';
import { sightOf } from './sight-of-source.ts';

/** What a failover of the job to that recovery point would cost now. Throws FB-REQ-002. */
export async function previewFailover(
  deps: FunctionDeps,
  jobId: string,
  recoveryPoint: string,
): Promise<FailoverPreview> {
  const { job, item } = await find(deps, jobId);
  const now = deps.clock.now();
  const point = recoveryPoint === 'latest' ? null : resolveRecoveryPoint(item, recoveryPoint);
  const sight = await sightOf(deps, item, job);
  const isFinalDeltaSent = recoveryPoint !== 'latestProcessed' && !isLost(job, sight);
  const deltaSeconds = isFinalDeltaSent ? finalDeltaSeconds(job) : 0;
  const { bootSeconds = null } = item;
  const refusal =
    refusalOfFailover(item, { phase: job.phase, recoveryPoint, now })?.toRecord() ??
    refusalOfLost(job, item, { recoveryPoint, sight });
  return {
    recoveryPoint,
    point,
    isFinalDeltaSent,
    expectedDataLossMinutes: dataLossMinutes(recoveryPoint, point, now),
    finalDeltaSeconds: deltaSeconds,
    downtimeSeconds:
      deltaSeconds === null || bootSeconds === null ? null : deltaSeconds + bootSeconds,
    recommended: await recommendation(deps, { job, item, sight }),
    refusal: refusal === null ? null : structuredClone(refusal),
  };
}

async function find(
  { stores }: FunctionDeps,
  jobId: string,
): Promise<{ readonly job: Job; readonly item: ProtectedItem }> {
  const job = (await stores.jobs.get(jobId))?.value;
  if (job === undefined) throw new FailbackError('FB-REQ-002', { kind: 'failback', id: jobId });
  const item = (await stores.items.get(job.itemId))?.value;
  if (item !== undefined) return { job, item };
  throw new FailbackError('FB-REQ-002', { kind: 'protected item', id: job.itemId });
}

/** An Azure that does not answer this once has lost nothing yet: a failover asks it again and again. */
function isLost(job: Job, { state }: Sight): boolean {
  if (state === 'there') return false;
  return state !== 'unreachable' || sourceLossOf(job) !== null;
}

type Sight = Awaited<ReturnType<typeof sightOf>>;

/** Before the gate is reached `latest` is a standing order: what it meets then is said then. */
function refusalOfLost(
  job: Job,
  item: ProtectedItem,
  { recoveryPoint, sight }: { readonly recoveryPoint: string; readonly sight: Sight },
): ErrorRecord | null {
  if (job.phase !== 'replicating' || !isLost(job, sight)) return null;
  const isUnreachableAccepted = job.unreachableAccepted !== undefined;
  return refusalBySource(item, sight, { recoveryPoint, isUnreachableAccepted });
}

async function recommendation(
  deps: FunctionDeps,
  { job, item, sight }: { readonly job: Job; readonly item: ProtectedItem; readonly sight: Sight },
): Promise<FailoverPreview['recommended']> {
  const { state, reason, power } = sight;
  const newest = resolveRecoveryPoint(item, 'latestProcessed');
  const choice = recommendedPoint({
    source: { state, reason },
    isLossNoted: sourceLossOf(job) !== null,
    isAzureVmOff: isSwitchedOff(power),
    processServerSilentSince: await silentSince(deps, item),
    hasSealedPoint: newest !== null,
  });
  const { recoveryPoint } = choice;
  const expectedDataLossMinutes =
    recoveryPoint === null ? null : dataLossMinutes(recoveryPoint, newest, deps.clock.now());
  return { ...choice, expectedDataLossMinutes };
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
  return isHeard(server, clock.now()) ? null : server.heartbeatAt;
}
