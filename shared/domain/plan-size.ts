import { MAX_KEPT_ERROR, MAX_KEPT_NOTE, MAX_KEPT_OUTPUT } from '../policy/limits.ts';
import { actionsOf, machinesOf, type PlanAction, type PlanDefinition } from './recovery-plan.ts';
import { asStored } from './stored-size.ts';

/** Names of properties, times, codes, ids of jobs. */
const MACHINE_FRAME = 180;
const ACTION_FRAME = 170;
const GROUP_FRAME = 110;
/** Key, decision, time and caller. */
const DECISION = 250;

/**
 * Characters that the record of a run grows to: its copy of the plan, and what it notes of every machine, group and
 * action where all of them fail once and are decided by a person.
 */
export function runRecordCharacters(
  definition: PlanDefinition,
  nameOf: (itemId: string) => string,
): number {
  const sum = (values: readonly number[]): number => values.reduce((all, each) => all + each, 0);
  const machines = machinesOf(definition).map(
    (id) => 2 * id.length + asStored(nameOf(id)).length + MACHINE_FRAME + MAX_KEPT_ERROR,
  );
  const groups = definition.groups.map(({ id }) => 2 * id.length + GROUP_FRAME + DECISION);
  const shared = definition.replicationGroups.map(({ id }) => id.length + GROUP_FRAME);
  return (
    asStored(definition).length +
    sum(machines) +
    sum(actionsOf(definition).map(ofAction)) +
    sum(groups) +
    sum(shared)
  );
}

function ofAction({ id, kind }: PlanAction): number {
  const note = kind === 'manual' ? MAX_KEPT_NOTE : 0;
  return 3 * id.length + ACTION_FRAME + MAX_KEPT_OUTPUT + 2 * DECISION + note;
}
