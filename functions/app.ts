import { app, type InvocationContext } from '@azure/functions';
import * as df from 'durable-functions';
import { callActivity, createActivities } from '../activities/create-activities.ts';
import type { ActivityDeps } from '../activities/support/deps.ts';
import { ACTIVITY_RETRY, type ActivityName } from '../shared/contracts/activities.ts';
import { runActivity } from './composition/activity-runner.ts';
import { createSharedDeps } from './composition/deps.ts';
import { durableOrchestrator } from './composition/durable-orchestrator.ts';
import { ORCHESTRATIONS } from './composition/orchestrations.ts';
import { readSettings } from './composition/settings.ts';
import { createJobControl } from './jobs/job-control.ts';
import { ROUTES } from './routes.ts';
import type { FunctionDeps } from './support/deps.ts';
import { answering } from './support/http.ts';
import { pruneRecords } from './timers/prune-records.ts';
import { startRehearsals } from './timers/rehearsals.ts';
import { keepReverseReplications } from './timers/reverse-replications.ts';
import { noteSilentAgents } from './timers/silent-agents.ts';

/** The composition root: everything the Function App consists of is registered here. */
const settings = readSettings(process.env);
const shared = createSharedDeps(settings);
const client = df.input.durableClient();

const depsOf = (context: InvocationContext): ActivityDeps & FunctionDeps => {
  const deps = { ...shared, orchestrator: durableOrchestrator(df.getClient(context)) };
  return { ...deps, jobControl: createJobControl(deps) };
};

for (const route of ROUTES) {
  app.http(route.name, {
    methods: [route.method],
    route: route.path,
    // With App Service Authentication people come without a key; then keys are checked by the route alone.
    authLevel:
      route.access.kind === 'role' && !shared.access.isSignInTrusted ? 'function' : 'anonymous',
    extraInputs: [client],
    handler: answering(route, depsOf),
  });
}

app.timer('rehearsals', {
  schedule: '%FAILBACK_REHEARSAL_SCHEDULE%',
  extraInputs: [client],
  handler: async (_timer, context) => startRehearsals(depsOf(context), context),
});

app.timer('silentAgents', {
  schedule: '0 * * * * *',
  handler: async () => noteSilentAgents(shared),
});

app.timer('reverseReplications', {
  schedule: '30 */5 * * * *',
  extraInputs: [client],
  handler: async (_timer, context) => keepReverseReplications(depsOf(context), context),
});

app.timer('pruneRecords', {
  schedule: '0 23 * * * *',
  handler: async (_timer, context) =>
    pruneRecords(
      {
        ...shared,
        keepDays: {
          events: settings.FAILBACK_KEEP_EVENTS_DAYS,
          preflights: settings.FAILBACK_KEEP_PREFLIGHTS_DAYS,
          idempotency: settings.FAILBACK_KEEP_IDEMPOTENCY_DAYS,
          commands: settings.FAILBACK_KEEP_COMMANDS_DAYS,
          points: settings.FAILBACK_KEEP_POINTS_DAYS,
        },
      },
      context,
    ),
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
