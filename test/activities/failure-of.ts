import { callActivity, createActivities } from '../../activities/create-activities.ts';
import type { ActivityName } from '../../shared/contracts/activities.ts';
import type { FailbackError } from '../../shared/errors/failback-error.ts';
import type { MemoryWorld } from '../support/memory/memory-world.ts';
import { CASES } from './cases.ts';

/** What an activity throws in this world on the input of its case; throws when it does not fail. */
export async function failureOf(world: MemoryWorld, name: ActivityName): Promise<FailbackError> {
  try {
    await callActivity(createActivities(world), name, CASES[name].input);
  } catch (error) {
    return error as FailbackError;
  }
  throw new Error(`${name} was expected to fail`);
}
