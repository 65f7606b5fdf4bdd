import type { FailbackInput } from '../../shared/contracts/orchestrations.ts';
import type { OriginalVmUse } from '../../shared/domain/job.ts';
import type { Placement, PreflightOperation } from '../../shared/domain/preflight/gathered.ts';
import { blockingFindings, runPreflight } from '../../shared/domain/preflight/run.ts';
import type { Finding } from '../../shared/domain/preflight/rule.ts';
import { summaryOf } from '../../shared/domain/preflight/summary.ts';
import { errorRecord } from '../../shared/errors/failback-error.ts';
import { refuseIfCancelled } from './gate.ts';
import { type Gathered, gatherFacts } from './gather-facts.ts';
import { type Context, StepFailure, type Steps } from './steps.ts';

interface Check {
  readonly operation: PreflightOperation;
  readonly replicationId: string;
  readonly placement: Placement;
  readonly originalVm?: OriginalVmUse | undefined;
  readonly stepSuffix?: string;
}

/**
 * Gathers the facts of Azure and of the site, then applies the rules. Throws when one stands in the way;
 * answers what else there is to say, as one clause for the job's history, or `''`.
 */
export function* preflight(
  context: Context,
  { jobId, itemId }: FailbackInput,
  check: Check,
): Steps<string> {
  const gathered = yield* gatherFacts(context, { jobId, itemId, ...check });
  const findings = runPreflight(gathered.facts);
  refuseIfBlocked(gathered, findings);
  return summaryOf(findings);
}

/**
 * As preflight, for a machine whose on-premises VM may lose its snapshots: `merge` is run when they are all that
 * stands in the way, for nothing brings back what they held of the past. Then everything is checked once more.
 */
export function* preflightWithMerge(
  context: Context,
  input: FailbackInput,
  { merge, ...check }: Check & { readonly merge: Steps<unknown> },
): Steps<string> {
  const { jobId, itemId } = input;
  const gathered = yield* gatherFacts(context, { jobId, itemId, ...check });
  const findings = runPreflight(gathered.facts);
  const others = findings.filter(({ error }) => error.code !== 'FB-PRE-032');
  refuseIfBlocked(gathered, others);
  if (others.length === findings.length) return summaryOf(findings);
  yield* refuseIfCancelled(context, jobId);
  yield* merge;
  return yield* preflight(context, input, { ...check, stepSuffix: '-after-merge' });
}

/** A line of the job's history, with what preflight had to say behind it. */
export function withNote(message: string, note: string): string {
  return note === '' ? message : `${message} (${note})`;
}

function refuseIfBlocked({ unanswered }: Gathered, findings: readonly Finding[]): void {
  const blocking = blockingFindings(findings);
  if (blocking.length === 0) return;
  const texts = blocking.map(({ error }) => `${error.code} ${error.message}`);
  // Why facts are missing helps more than that they are.
  const reasons = unanswered.map(
    ({ source, error }) => `${source}: ${error.code} ${error.message}`,
  );
  const all = [...reasons, ...texts].join(' · ');
  throw new StepFailure(errorRecord('FB-PRE-002', { count: blocking.length, findings: all }));
}
