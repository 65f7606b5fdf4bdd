import { errorRecord } from '../../shared/errors/failback-error.ts';
import { DEADLINE_MS, POLL_MS } from '../../shared/policy/deadlines.ts';
import { refuseIfCancelled } from './gate.ts';
import { callActivity, type Context, later, sleep, StepFailure, type Steps } from './steps.ts';

/** Deploys the process server (or finds one) and waits until it has registered. Returns its agent id. */
export function* readyProcessServer(
  context: Context,
  job: { readonly jobId: string; readonly itemId: string },
): Steps<string> {
  const { name } = yield* callActivity(context, 'ensureProcessServer', job);
  const deadline = later(context, DEADLINE_MS.processServerRegistration);
  for (;;) {
    const { agentId } = yield* callActivity(context, 'findAgent', { name });
    if (agentId !== null) return agentId;
    yield* refuseIfCancelled(context, job.jobId);
    if (context.df.currentUtcDateTime >= deadline) {
      const minutes = DEADLINE_MS.processServerRegistration / 60_000;
      throw new StepFailure(errorRecord('FB-ORC-004', { name, minutes }));
    }
    yield* sleep(context, POLL_MS.processServer);
  }
}
