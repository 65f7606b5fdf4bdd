import type { ProtectedItem, RecoveryPoint } from './protected-item.ts';

export const PLAN_RUN_KINDS = ['failback', 'rehearsal'] as const;
export type PlanRunKind = (typeof PLAN_RUN_KINDS)[number];

/** What happens to the rest of a plan when one machine or one action fails. */
export const FAILURE_POLICIES = ['stop', 'continue', 'rollBack'] as const;
export type FailurePolicy = (typeof FAILURE_POLICIES)[number];

interface ActionBase {
  /** Unique in the plan. */
  readonly id: string;
  readonly name: string;
  /** A webhook that moves production traffic has no place in a rehearsal. */
  readonly runsIn: readonly PlanRunKind[];
}

export type PlanAction = ActionBase &
  (
    | {
        readonly kind: 'webhook';
        readonly url: string;
        /** Name of the secret that signs the request; the secret itself is an application setting. */
        readonly secretName: string;
        readonly timeoutSeconds: number;
        readonly maxAttempts: number;
      }
    | {
        readonly kind: 'script';
        readonly configurationServer: string;
        /** Name of a file in the folder of allowed scripts. */
        readonly script: string;
        readonly arguments: Readonly<Record<string, string>>;
        readonly timeoutSeconds: number;
      }
    | { readonly kind: 'manual'; readonly instructions: string }
  );

export interface PlanGroup {
  readonly id: string;
  readonly name: string;
  readonly itemIds: readonly string[];
  /** Machines of the group that are on their way at the same time. */
  readonly maxParallel: number;
  readonly preActions: readonly PlanAction[];
  readonly postActions: readonly PlanAction[];
  /** Before the next group: seconds, or until a person goes on; `null` = none. */
  readonly pauseAfter: { readonly seconds: number } | 'untilResumed' | null;
}

/** Machines that share application-consistent points: their databases belong together. */
export interface PlanReplicationGroup {
  readonly id: string;
  readonly itemIds: readonly string[];
}

/** What a run carries out; a run keeps its own copy, so that a plan may be changed meanwhile. */
export interface PlanDefinition {
  readonly name: string;
  /** In the order in which they are failed over. */
  readonly groups: readonly PlanGroup[];
  readonly replicationGroups: readonly PlanReplicationGroup[];
  readonly onFailure: FailurePolicy;
  /** First copies, and commits, that are under way at the same time over all groups. */
  readonly maxParallel: number;
}

export interface RecoveryPlan {
  readonly id: string;
  readonly definition: PlanDefinition;
  readonly updatedAt: string;
  /** The run that has the plan now; a second one is refused. */
  readonly activeRunId: string | null;
}

export function machinesOf({ groups }: PlanDefinition): readonly string[] {
  return groups.flatMap(({ itemIds }) => itemIds);
}

export function actionsOf({ groups }: PlanDefinition): readonly PlanAction[] {
  return groups.flatMap(({ preActions, postActions }) => [...preActions, ...postActions]);
}

/** Everything that is wrong with a plan, for people; empty when nothing is. `known` = ids of protected items. */
export function problemsOfPlan(
  definition: PlanDefinition,
  known: ReadonlySet<string>,
): readonly string[] {
  const machines = machinesOf(definition);
  const { groups, replicationGroups } = definition;
  const shared = replicationGroups.flatMap(({ itemIds }) => itemIds);
  return [
    ...named('the machine {} is in more than one group', repeated(machines)),
    ...named(
      'there is no protected item {}',
      unique(machines).filter((id) => !known.has(id)),
    ),
    ...named('the group {} is there twice', repeated(groups.map(({ id }) => id))),
    ...named('the action {} is there twice', repeated(actionsOf(definition).map(({ id }) => id))),
    ...named(
      'the replication group {} is there twice',
      repeated(replicationGroups.map(({ id }) => id)),
    ),
    ...named('the machine {} is in more than one replication group', repeated(shared)),
    ...named(
      'the machine {} of a replication group is in no group of the plan',
      unique(shared).filter((id) => !machines.includes(id)),
    ),
  ];
}

/** Between the first and the last snapshot of one common point; more is no common instant any more. */
export const MAX_GROUP_SKEW_MS = 60_000;

type Member = Pick<ProtectedItem, 'id' | 'recoveryPoints'>;

/**
 * The newest application-consistent point that all members took together; `null` when there is none. Points
 * that a member no longer retains, or got crash-consistent only, are common to nobody.
 */
export function commonPoint(members: readonly Member[]): string | null {
  const [first, ...others] = members.map(consistentGroupPoints);
  if (first === undefined) return null;
  for (const [groupPointId, point] of [...first].toReversed()) {
    const points = [point, ...others.map((of) => of.get(groupPointId))];
    const times = points.flatMap((each) => (each === undefined ? [] : [Date.parse(each.takenAt)]));
    const isAtAll = times.length === members.length;
    if (isAtAll && Math.max(...times) - Math.min(...times) <= MAX_GROUP_SKEW_MS) {
      return groupPointId;
    }
  }
  return null;
}

/** The member's own point of that common point. */
export function pointOfGroup(member: Member, groupPointId: string): RecoveryPoint | null {
  return consistentGroupPoints(member).get(groupPointId) ?? null;
}

/** Oldest first. */
function consistentGroupPoints({
  recoveryPoints = [],
}: Member): ReadonlyMap<string, RecoveryPoint> {
  return new Map(
    recoveryPoints.flatMap((point) =>
      point.groupPointId !== undefined && point.consistency === 'applicationConsistent'
        ? [[point.groupPointId, point] as const]
        : [],
    ),
  );
}

function repeated(ids: readonly string[]): readonly string[] {
  const seen = new Set<string>();
  const twice = new Set<string>();
  for (const id of ids) (seen.has(id) ? twice : seen).add(id);
  return [...twice];
}

function unique(ids: readonly string[]): readonly string[] {
  return [...new Set(ids)];
}

function named(sentence: string, ids: readonly string[]): readonly string[] {
  return ids.map((id) => sentence.replace('{}', id));
}
