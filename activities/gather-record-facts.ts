import type { ActivityHandler } from '../shared/contracts/activities.ts';
import type {
  AgentStanding,
  MasterTargetStanding,
  Placement,
} from '../shared/domain/preflight/gathered.ts';
import {
  directionOf,
  masterTargetOf,
  type ProtectedItem,
  rpoSeconds,
} from '../shared/domain/protected-item.ts';
import { isHeard } from '../shared/domain/heartbeat.ts';
import type { Job } from '../shared/domain/job.ts';
import { type MeasuredRate, sentBytesPerSecond } from '../shared/domain/transfer-rate.ts';
import type { AgentRecord } from '../shared/ports/stores.ts';
import type { StoreDeps } from './support/deps.ts';
import { processServerName } from '../shared/services/process-server-name.ts';
import { requireItem } from './support/records.ts';

/** Enough to know the line by; each is a read. */
const MAX_MEASURED_OTHERS = 5;

/** What the preflight rules need to know from our own tables. Reads only. */
export const createGatherRecordFacts = (deps: StoreDeps): ActivityHandler<'gatherRecordFacts'> =>
  async function gatherRecordFacts({ itemId, placement }) {
    const item = placed(await requireItem(deps.stores, itemId), placement);
    const [agents, items] = await Promise.all([
      deps.stores.agents.list(),
      deps.stores.items.list(),
    ]);
    const now = deps.clock.now();
    const standing = (kind: AgentRecord['kind'], name: string): AgentStanding | null => {
      const agent = agents.find((each) => each.kind === kind && each.name === name);
      return agent === undefined ? null : standingOf(agent, now);
    };
    const server = processServerName(item.resourceGroup);
    const others = items.filter(
      (other) => other.id !== itemId && processServerName(other.resourceGroup) === server,
    );
    const { masterTarget } = item.target;
    const measuredRate = await rateOf(deps, item, others);
    return {
      item,
      configurationServer: standing('configurationServer', item.target.configurationServer),
      masterTarget: masterTarget === undefined ? null : standing('masterTarget', masterTarget),
      ...(masterTarget === undefined
        ? { masterTargets: masterTargetsOf({ agents, items, item, now }) }
        : {}),
      processServer: standing('processServer', server),
      rpoSeconds: directionOf(item.phase) === 'none' ? 'none' : (rpoSeconds(item, now) ?? 'none'),
      changeBytesPerDay: item.changeBytesPerDay ?? null,
      measuredRate,
      otherChangeBytesPerDay: sumOfRates(others),
    };
  };

interface Tables {
  readonly agents: readonly AgentRecord[];
  readonly items: readonly ProtectedItem[];
  readonly item: ProtectedItem;
  readonly now: Date;
}

function masterTargetsOf({ agents, items, item, now }: Tables): readonly MasterTargetStanding[] {
  const onTheirWay = items.filter((other) => other.id !== item.id && isOnItsWay(other));
  return agents.flatMap((agent) => {
    const standing = agent.kind === 'masterTarget' ? standingOf(agent, now) : null;
    if (standing === null) return [];
    const committedDiskCount = onTheirWay
      .filter((other) => masterTargetOf(other) === agent.name)
      .reduce((sum, { disks }) => sum + disks.length, 0);
    return [{ ...standing, load: agent.load ?? null, committedDiskCount }];
  });
}

/** Of one that is home, disks are attached for the moment of a delta only. */
function isOnItsWay({ phase, activeJobId }: ProtectedItem): boolean {
  return activeJobId !== null || (phase !== 'failedOver' && phase !== 'protected');
}

function placed(item: ProtectedItem, placement: Placement): ProtectedItem {
  const chosen = Object.entries(placement).filter(([, choice]) => choice !== undefined);
  return { ...item, target: { ...item.target, ...Object.fromEntries(chosen) } };
}

/** One that was retired keeps its record, without a heartbeat. */
function standingOf(agent: AgentRecord, now: Date): AgentStanding | null {
  const { id, name, version, address, heartbeatAt } = agent;
  if (Date.parse(heartbeatAt) === 0 || agent.isRetired === true) return null;
  return { id, name, version, address, heartbeatAt, isConnected: isHeard(agent, now) };
}

/** Of machines that are on the move now; others change nothing that has to be carried. */
function sumOfRates(items: readonly ProtectedItem[]): number {
  const moving = items.filter(({ activeJobId }) => activeJobId !== null);
  return moving.reduce((sum, item) => sum + (item.changeBytesPerDay ?? 0), 0);
}

/** Of the machine's own last job, or else of the last jobs of others behind the same process server. */
async function rateOf(
  { stores }: StoreDeps,
  item: ProtectedItem,
  others: readonly ProtectedItem[],
): Promise<MeasuredRate | null> {
  const cyclesOf = async (items: readonly ProtectedItem[]): Promise<Job['cycles']> => {
    const ids = items.flatMap(({ activeJobId, lastJobId }) => activeJobId ?? lastJobId ?? []);
    const jobs = await Promise.all(ids.map(async (id) => stores.jobs.get(id)));
    return jobs.flatMap((job) => job?.value.cycles ?? []);
  };
  const own = sentBytesPerSecond(await cyclesOf([item]));
  if (own !== null) return { of: 'machine', bytesPerSecond: own };
  const latest = others
    .toSorted((a, b) => (b.lastRecoveryPointAt ?? '').localeCompare(a.lastRecoveryPointAt ?? ''))
    .slice(0, MAX_MEASURED_OTHERS);
  const theirs = sentBytesPerSecond(await cyclesOf(latest));
  return theirs === null ? null : { of: 'processServer', bytesPerSecond: theirs };
}
