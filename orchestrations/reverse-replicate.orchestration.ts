import type { FailbackInput } from '../shared/contracts/orchestrations.ts';
import type { SiteBinding } from '../shared/contracts/activities.ts';
import type { CommandOutput } from '../shared/contracts/commands.ts';
import { errorRecord } from '../shared/errors/failback-error.ts';
import type { Result } from '../shared/errors/result.ts';
import { DEADLINE_MS, POLL_MS } from '../shared/policy/deadlines.ts';
import { refuseIfCancelled } from './support/gate.ts';
import { enterPhase } from './support/phase.ts';
import { replicateToAzureOnce } from './support/reverse.ts';
import { tryCommand } from './support/run-command.ts';
import {
  asResult,
  callActivity,
  type Context,
  later,
  sleep,
  StepFailure,
  type Steps,
} from './support/steps.ts';

/** Protects the machine towards Azure again: wait for its agent, send the first delta, keep going. */
export function* reverseReplicateOrchestration(context: Context): Steps<Result<null>> {
  const input = context.df.getInput<FailbackInput>();
  return yield* asResult(reverseReplicate(context, input));
}

function* reverseReplicate(
  context: Context,
  { jobId, itemId, startAt }: FailbackInput,
): Steps<null> {
  const job = { jobId, itemId };
  const subject = { ...job, isRehearsal: false };
  const site = yield* callActivity(context, 'bindSite', job);
  // A run that takes up a broken first delta stays in its phase; the agent is looked for all the same.
  const phase = startAt === 'reverseReplicating' ? startAt : 'waitingForAgent';
  yield* enterPhase(context, subject, phase, {
    message: 'Waiting for the mobility agent of the machine to register',
    task: 'waitForAgent',
    state: 'running',
  });
  const agent = yield* waitForAgent(context, jobId, site);
  yield* callActivity(context, 'recordReport', {
    jobId,
    report: { agentRegisteredAt: agent.registeredAt },
  });

  yield* enterPhase(context, subject, 'reverseReplicating', {
    message: 'Sending what changed on-premises to the replica in Azure',
    task: 'reverseReplicate',
  });
  const point = `${jobId}-r0`;
  const check = (): Steps<void> => refuseIfCancelled(context, jobId);
  const figures = yield* replicateToAzureOnce(context, { ...job, point, site, check });
  yield* callActivity(context, 'recordReport', {
    jobId,
    report: {
      reverseComparedBytes: figures.comparedBytes,
      reverseChangedBytes: figures.changedBytes,
    },
  });
  yield* callActivity(context, 'retireProcessServer', job);
  yield* enterPhase(context, subject, 'protected', {
    message: 'The machine runs on-premises and replicates towards Azure',
  });
  yield* callActivity(context, 'startReverseReplication', job);
  return null;
}

/** "Agent not installed" is normal for up to 15 minutes after the boot; any other failure is not. */
function* waitForAgent(
  context: Context,
  jobId: string,
  site: SiteBinding,
): Steps<CommandOutput<'checkMobilityAgent'>> {
  const deadline = later(context, DEADLINE_MS.agentRegistration);
  for (let attempt = 0; ; attempt += 1) {
    const checked = yield* tryCommand(context, {
      jobId,
      step: `check-agent-${attempt}`,
      agentId: site.configurationServerId,
      name: 'checkMobilityAgent',
      input: { replicationId: site.item.id },
      deadlineMs: DEADLINE_MS.quickCommand,
    });
    // Who lets the machine go has the job end.
    yield* refuseIfCancelled(context, jobId);
    if (checked.ok) return checked.value;
    if (checked.error.code !== 'FB-AGENT-001') throw new StepFailure(checked.error);
    if (context.df.currentUtcDateTime >= deadline) {
      const minutes = DEADLINE_MS.agentRegistration / 60_000;
      const vmName = site.item.target.vmName;
      throw new StepFailure(errorRecord('FB-ORC-007', { vmName, minutes }));
    }
    yield* sleep(context, POLL_MS.agent);
  }
}
