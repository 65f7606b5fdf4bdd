import { type Activities, callActivity } from '../../../activities/create-activities.ts';
import { runActivity } from '../../../functions/composition/activity-runner.ts';
import { ACTIVITY_RETRY, type ActivityName } from '../../../shared/contracts/activities.ts';

type Handler = (input: unknown) => Promise<unknown>;

/**
 * Every activity under its registered name, run as the composition root runs it. `activities` is asked at
 * each call: the durable host is there before what the activities work on.
 */
export function activityHandlers(activities: () => Activities): Record<string, Handler> {
  const names = Object.keys(ACTIVITY_RETRY) as ActivityName[];
  const handlerOf = (name: ActivityName) => async (input: unknown) =>
    runActivity(async () => callActivity(activities(), name, input));
  return Object.fromEntries(names.map((name) => [name, handlerOf(name)]));
}
