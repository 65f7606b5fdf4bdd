import { app, type InvocationContext } from '@azure/functions';
import * as df from 'durable-functions';
import { callActivity, createActivities } from '../../../activities/create-activities.ts';
import type { ActivityDeps } from '../../../activities/support/deps.ts';
import { AGENT_ROUTES } from '../../../functions/agent-api/routes.ts';
import { runActivity } from '../../../functions/composition/activity-runner.ts';
import { durableOrchestrator } from '../../../functions/composition/durable-orchestrator.ts';
import { ORCHESTRATIONS } from '../../../functions/composition/orchestrations.ts';
import { PLAN_RUN_ROUTES } from '../../../functions/http/plan-runs.ts';
import { RECOVERY_PLAN_ROUTES } from '../../../functions/http/recovery-plans.ts';
import { createJobControl } from '../../../functions/jobs/job-control.ts';
import type { FunctionDeps } from '../../../functions/support/deps.ts';
import { answering } from '../../../functions/support/http.ts';
import { ACTIVITY_RETRY, type ActivityName } from '../../../shared/contracts/activities.ts';
import { WORLD } from '../world.ts';

/** As functions/app.ts, with a world in memory in place of Azure. */
const client = df.input.durableClient();

const depsOf = (context: InvocationContext): ActivityDeps & FunctionDeps => {
  const deps = { ...WORLD.deps, orchestrator: durableOrchestrator(df.getClient(context)) };
  return { ...deps, jobControl: createJobControl(deps) };
};

for (const route of [...RECOVERY_PLAN_ROUTES, ...PLAN_RUN_ROUTES, ...AGENT_ROUTES]) {
  app.http(route.name, {
    methods: [route.method],
    route: route.path,
    authLevel: 'anonymous',
    extraInputs: [client],
    handler: answering(route, depsOf),
  });
}

for (const [name, orchestration] of Object.entries(ORCHESTRATIONS)) {
  df.app.orchestration(name, orchestration);
}

for (const name of Object.keys(ACTIVITY_RETRY) as ActivityName[]) {
  df.app.activity(name, {
    extraInputs: [client],
    handler: async (input: unknown, context) =>
      runActivity(() => callActivity(createActivities(depsOf(context)), name, input)),
  });
}
