import type { FailbackInput } from '../../shared/contracts/orchestrations.ts';
import type { OriginalVmUse } from '../../shared/domain/job.ts';
import type { Placement, PreflightOperation } from '../../shared/domain/preflight/gathered.ts';
import { blockingFindings, runPreflight } from '../../shared/domain/preflight/run.ts';
import { summaryOf } from '../../shared/domain/preflight/summary.ts';
import { errorRecord } from '../../shared/errors/failback-error.ts';
import { type Gathered, gatherFacts } from './gather-facts.ts';
import { type Context, StepFailure, type Steps } from './steps.ts';

/**
 * Gathers the facts of Azure and of the site, then applies the rules. Throws when one stands in the way;
 * answers what else there is to say, as one clause for the job's history, or `''`.
 */
export function* preflight(
  context: Context,
  { jobId, itemId }: FailbackInput,
  run: {
    readonly operation: PreflightOperation;
    readonly replicationId: string;
    readonly placement: Placement;
    readonly originalVm?: OriginalVmUse | undefined;
  },
): Steps<string> {
  const gathered = yield* gatherFacts(context, { jobId, itemId, ...run });
  refuseIfBlocked(gathered);
  return summaryOf(runPreflight(gathered.facts));
}

/** A line of the job's history, with what preflight had to say behind it. */
export function withNote(message: string, note: string): string {
  return note === '' ? message : `${message} (${note})`;
}

function refuseIfBlocked({ facts, unanswered }: Gathered): void {
  const blocking = blockingFindings(runPreflight(facts));
  if (blocking.length === 0) return;
  const texts = blocking.map(({ error }) => `${error.code} ${error.message}`);
  // Why facts are missing helps more than that they are.
  const reasons = unanswered.map(
    ({ source, error }) => `${source}: ${error.code} ${error.message}`,
  );
  const findings = [...reasons, ...texts].join(' · ');
  throw new StepFailure(errorRecord('FB-PRE-002', { count: blocking.length, findings }));
}
