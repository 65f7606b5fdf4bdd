import type { ProtectedItemView } from '../../shared/contracts/http-api.ts';
import { type AgentHeartbeat, assessHealth, type Health } from '../../shared/domain/health.ts';
import { isTerminal, type Job } from '../../shared/domain/job.ts';
import { stageOf } from '../../shared/domain/phases.ts';
import {
  allowedOperations,
  OPERATIONS,
  refusalOf,
} from '../../shared/domain/protected-item-operations.ts';
import {
  directionOf,
  masterTargetOf,
  type ProtectedItem,
  rpoSeconds,
} from '../../shared/domain/protected-item.ts';
import { HEARTBEAT_STALE_MS, RPO_THRESHOLD_MINUTES } from '../../shared/policy/limits.ts';
import type { AgentRecord, CommandRecord } from '../../shared/ports/stores.ts';
import type { FunctionDeps } from '../support/deps.ts';
import { heldUpBy } from './progress.ts';

type Deps = Pick<FunctionDeps, 'stores' | 'clock'>;

/** Items as people see them: where they stand, how they are, what may be asked for and why the rest may not. */
export async function viewItems(
  deps: Deps,
  items: readonly ProtectedItem[],
): Promise<ProtectedItemView[]> {
  const agents = await deps.stores.agents.list();
  return Promise.all(items.map(async (item) => show(deps, item, agents)));
}

export async function viewItem(deps: Deps, item: ProtectedItem): Promise<ProtectedItemView> {
  return show(deps, item, await deps.stores.agents.list());
}

async function show(
  deps: Deps,
  item: ProtectedItem,
  agents: readonly AgentRecord[],
): Promise<ProtectedItemView> {
  const { stores, clock } = deps;
  const { activeJobId } = item;
  const [lastJob, open] = await Promise.all([
    findJob(deps, item.lastJobId ?? activeJobId),
    activeJobId === null ? [] : stores.commands.listOpen(activeJobId),
  ]);
  const isActive = lastJob !== null && lastJob.id === activeJobId && !isTerminal(lastJob.state);
  const { health, errors } = healthOf(deps, item, { agents, lastJob, open });
  return {
    id: item.id,
    name: item.name,
    origin: item.origin,
    phase: item.phase,
    stage: stageOf(item.phase),
    direction: directionOf(item.phase),
    osType: item.osType,
    vmName: item.vmName,
    resourceGroup: item.resourceGroup,
    disks: item.disks.map((disk) => ({ ...disk })),
    rpoSeconds: rpoSeconds(item, clock.now()),
    rpoThresholdMinutes: item.rpoThresholdMinutes ?? RPO_THRESHOLD_MINUTES,
    activeJobId,
    onPremisesVmId: item.onPremisesVmId,
    azureVmId: item.azureVmId ?? null,
    failover: item.failoverRecord ?? null,
    health,
    healthErrors: [...errors],
    ...operationsOf(item, isActive ? lastJob : null),
  };
}

function operationsOf(
  item: ProtectedItem,
  job: Job | null,
): Pick<ProtectedItemView, 'allowedOperations' | 'refusedOperations'> {
  const refusedOperations = OPERATIONS.flatMap((operation) => {
    const refusal = refusalOf(operation, item, job);
    return refusal === null ? [] : [{ operation, code: refusal.code, message: refusal.message }];
  });
  return { allowedOperations: [...allowedOperations(item, job)], refusedOperations };
}

interface Around {
  readonly agents: readonly AgentRecord[];
  readonly lastJob: Job | null;
  readonly open: readonly CommandRecord[];
}

function healthOf({ clock }: Deps, item: ProtectedItem, around: Around): Health {
  const { agents, lastJob, open } = around;
  return assessHealth({
    item,
    now: clock.now(),
    agents: neededAgents(item, agents, open),
    lastJob,
    heldUpBy: heldUpBy(open),
    defaultRpoThresholdMinutes: RPO_THRESHOLD_MINUTES,
    heartbeatStaleMs: HEARTBEAT_STALE_MS,
  });
}

/** The two at the site, and whoever has work for the item now: that is how a process server comes in. */
function neededAgents(
  item: ProtectedItem,
  agents: readonly AgentRecord[],
  open: readonly CommandRecord[],
): readonly AgentHeartbeat[] {
  const masterTarget = masterTargetOf(item);
  const atSite = [
    { kind: 'configurationServer', name: item.target.configurationServer },
    ...(masterTarget === null ? [] : [{ kind: 'masterTarget', name: masterTarget }]),
  ].map(({ kind, name }) => {
    const agent = agents.find((each) => each.kind === kind && each.name === name);
    return { kind, name, heartbeatAt: agent?.heartbeatAt ?? null };
  });
  const busy = agents.filter(
    ({ id, kind }) => kind === 'processServer' && open.some(({ agentId }) => agentId === id),
  );
  return [...atSite, ...busy];
}

async function findJob({ stores }: Deps, id: string | null): Promise<Job | null> {
  return id === null ? null : ((await stores.jobs.get(id))?.value ?? null);
}
