import { isFailure, type MachineState, type PlanRun } from '../../shared/domain/plan-run.ts';
import { isPinSafe, type ProtectedItem } from '../../shared/domain/protected-item.ts';
import {
  commonPoint,
  type PlanReplicationGroup,
  pointOfGroup,
} from '../../shared/domain/recovery-plan.ts';
import { type ErrorRecord, errorRecord } from '../../shared/errors/failback-error.ts';
import { PLAN_CONCURRENCY } from '../../shared/policy/limits.ts';
import { inChunks } from '../../shared/services/in-chunks.ts';
import { pinPoint, unpinned } from '../../shared/services/pin-point.ts';
import { updateRecord } from '../../shared/services/update-record.ts';
import type { StoreDeps } from './deps.ts';
import { updateRun } from './plan-runs.ts';

type Stores = StoreDeps['stores'];
type Items = readonly ProtectedItem[];

interface Held {
  /** The members of a replication group that have no point in common; empty = all groups have one. */
  readonly apart: readonly { readonly item: ProtectedItem; readonly error: ErrorRecord }[];
  readonly isHeld: boolean;
}

/**
 * Fixes the common point of each replication group for the run, and pins every member's own point of it. A seal that
 * was under way may have dropped one all the same: before the first member goes down another common point is taken.
 */
export async function holdCommonPoints(stores: Stores, run: PlanRun, items: Items): Promise<Held> {
  if (run.recoveryPoint !== 'latestApplicationConsistent') return { apart: [], isHeld: true };
  const groupPoints: Record<string, string> = { ...run.groupPoints };
  const pins: { readonly itemId: string; readonly pointId: string }[] = [];
  for (const group of run.definition.replicationGroups) {
    const members = membersOf(run, group, items);
    if (members.length === 0) continue;
    const common = groupPointOf(run, group, members);
    if (common === null) {
      const machines = members.map(({ name }) => name).join(', ');
      const error = errorRecord('FB-RCV-012', { groupId: group.id, machines });
      return { apart: members.map((item) => ({ item, error })), isHeld: false };
    }
    groupPoints[group.id] = common;
    for (const member of members) {
      const point = pointOfGroup(member, common);
      if (point !== null) pins.push({ itemId: member.id, pointId: point.pointId });
    }
  }
  await updateRun(stores, run.id, (current) => ({ ...current, groupPoints }));
  const held = await inChunks(pins, PLAN_CONCURRENCY, async ({ itemId, pointId }) => {
    const item = await pinPoint(stores.items, itemId, pointId);
    return item === null || isHeldBy(item, pointId);
  });
  return { apart: [], isHeld: held.every(Boolean) };
}

/** Lets the points go of machines that the run leaves where they replicate. */
export async function releaseCommonPoints(stores: Stores, run: PlanRun): Promise<void> {
  if (Object.keys(run.groupPoints).length === 0) return;
  const members = run.definition.replicationGroups.flatMap(({ itemIds }) => itemIds);
  await inChunks(members, PLAN_CONCURRENCY, async (itemId) =>
    updateRecord(stores.items, itemId, (item) => {
      const isOurs = item.activeJobId === run.machines[itemId]?.jobId;
      // One that goes down by itself now needs its point yet, and frees it.
      return isOurs && item.phase === 'replicating' ? unpinned(item) : item;
    }),
  );
}

function membersOf(run: PlanRun, { itemIds }: PlanReplicationGroup, items: Items): Items {
  return items.filter(({ id }) => {
    const machine = run.machines[id];
    const isGoing = machine !== undefined && !isFailure(machine) && machine.isLeftBehind !== true;
    return isGoing && itemIds.includes(id);
  });
}

const BEYOND_GATE: readonly MachineState[] = ['failingOver', 'home', 'committing', 'done'];

/** The one that was fixed, for as long as all have it; once a member went there, it stays for the others. */
function groupPointOf(
  run: PlanRun,
  { id, itemIds }: PlanReplicationGroup,
  members: Items,
): string | null {
  const fixed = run.groupPoints[id];
  const states = itemIds.flatMap((itemId) => run.machines[itemId]?.state ?? []);
  const isBegun = states.some((state) => BEYOND_GATE.includes(state));
  const isFit =
    fixed !== undefined &&
    (isBegun || members.every((member) => pointOfGroup(member, fixed) !== null));
  return isFit ? fixed : commonPoint(members);
}

function isHeldBy(item: ProtectedItem, pointId: string): boolean {
  const isThere = (item.recoveryPoints ?? []).some((point) => point.pointId === pointId);
  return isThere && isPinSafe(item);
}
