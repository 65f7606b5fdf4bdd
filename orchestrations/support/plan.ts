import {
  type OrchestrationContracts,
  type OrchestrationInput,
  partInstanceId,
} from '../../shared/contracts/orchestrations.ts';
import { errorRecord } from '../../shared/errors/failback-error.ts';
import { callOrchestration, type Context, StepFailure, type Steps } from './steps.ts';

type Gate = OrchestrationInput<'planGate'>;
type Decision = OrchestrationContracts['planGate']['output'];

/** Waits at the gate. A cancel is thrown as FB-RCV-007: it leads to the rollback from wherever it comes. */
export function* passGate(context: Context, gate: Gate): Steps<Decision> {
  const instanceId = partInstanceId(context.df.instanceId, gate.key);
  const decided = yield* callOrchestration(context, 'planGate', gate, instanceId);
  if (decided.decision === 'cancel') throw new StepFailure(errorRecord('FB-RCV-007'));
  return decided;
}

/**
 * Drives a stage to its end. Where a machine failed and the plan says stop, a person decides: resume goes on
 * without the machine. Every such gate has a key of its own, also in a run that is taken up again. `name` is unique
 * in the orchestration.
 */
export function* runStage(
  context: Context,
  input: OrchestrationInput<'planStage'>,
  name = input.groupId === null ? input.stage : `${input.stage}-${input.groupId}`,
): Steps<void> {
  const { runId } = input;
  for (let round = 1; ; round += 1) {
    const instanceId = partInstanceId(context.df.instanceId, `${name}-${round}`);
    const end = yield* callOrchestration(context, 'planStage', input, instanceId);
    if (end.verdict === 'done') return;
    if (end.verdict === 'cancelled') throw new StepFailure(errorRecord('FB-RCV-007'));
    if (end.verdict === 'rollBack') throw new StepFailure(errorRecord('FB-RCV-006'));
    yield* passGate(context, {
      runId,
      key: `failure-${end.leftBehind}`,
      kind: 'failure',
      message: 'A machine failed; resume to go on without it, or cancel to go back to Azure',
    });
  }
}
