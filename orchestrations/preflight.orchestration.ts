import {
  type OrchestrationInput,
  rehearsalReplicationId,
} from '../shared/contracts/orchestrations.ts';
import { type PreflightReport, preflightReport } from '../shared/domain/preflight/report.ts';
import { failure, type Result, success } from '../shared/errors/result.ts';
import { gatherFacts } from './support/gather-facts.ts';
import { asResult, callActivity, type Context, type Steps } from './support/steps.ts';

/** All preflight rules by themselves: gathers, judges, keeps the result. Touches neither machine nor item. */
export function* preflightOrchestration(context: Context): Steps<Result<null>> {
  const input = context.df.getInput<OrchestrationInput<'preflight'>>();
  const { preflightId } = input;
  const result = yield* asResult(report(context, input));
  yield* callActivity(context, 'recordPreflight', { preflightId, result });
  return result.ok ? success(null) : failure(result.error);
}

function* report(context: Context, input: OrchestrationInput<'preflight'>): Steps<PreflightReport> {
  const { preflightId: jobId, itemId, operation, placement, originalVm } = input;
  const replicationId = operation === 'rehearsal' ? rehearsalReplicationId(itemId) : itemId;
  const request = { jobId, itemId, replicationId, operation, placement, originalVm };
  const { facts, unanswered } = yield* gatherFacts(context, request);
  return preflightReport(facts, unanswered);
}
