import { app, type InvocationContext } from '@azure/functions';
import * as df from 'durable-functions';
import { callActivity, createActivities } from '../activities/create-activities.ts';
import { ACTIVITY_RETRY, type ActivityName } from '../shared/contracts/activities.ts';
import { AGENT_ROUTES } from './agent-api/routes.ts';
import { runActivity } from './composition/activity-runner.ts';
import { createSharedDeps } from './composition/deps.ts';
import { durableOrchestrator } from './composition/durable-orchestrator.ts';
import { ORCHESTRATIONS } from './composition/orchestrations.ts';
import { readSettings } from './composition/settings.ts';
import { FAILBACK_ROUTES } from './http/failbacks.ts';
import { PROTECTED_ITEM_ROUTES } from './http/protected-items.ts';
import { answering } from './support/http.ts';
import { startRehearsals } from './timers/rehearsals.ts';

/** The composition root: everything the Function App consists of is registered here. */
const shared = createSharedDeps(readSettings(process.env));
const client = df.input.durableClient();

const depsOf = (
  context: InvocationContext,
): typeof shared & {
  orchestrator: ReturnType<typeof durableOrchestrator>;
} => ({ ...shared, orchestrator: durableOrchestrator(df.getClient(context)) });

for (const route of [...FAILBACK_ROUTES, ...PROTECTED_ITEM_ROUTES, ...AGENT_ROUTES]) {
  app.http(route.name, {
    methods: [route.method],
    route: route.route,
    authLevel: route.authLevel,
    extraInputs: [client],
    handler: answering(route.handle, depsOf),
  });
}

app.timer('rehearsals', {
  schedule: '%FAILBACK_REHEARSAL_SCHEDULE%',
  extraInputs: [client],
  handler: async (_timer, context) => startRehearsals(depsOf(context), context),
});

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
