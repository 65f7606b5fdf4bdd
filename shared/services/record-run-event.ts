import type { PlanRun } from '../domain/plan-run.ts';
import { recordEvent } from './record-event.ts';

type Deps = Parameters<typeof recordEvent>[0];
type Line = Parameters<typeof recordEvent>[2];

/** A line about a run of a recovery plan. `what` stands before the name of the run: "failback of Shop". */
export async function recordRunEvent(
  deps: Deps,
  key: string,
  { id: runId, planId, kind, definition }: PlanRun,
  { what, ...line }: Omit<Line, 'message'> & { readonly what: (run: string) => string },
): Promise<void> {
  const message = what(`${kind} of ${definition.name}`);
  await recordEvent(deps, key, { ...line, planId, runId, message });
}

/**
 * Notes who decided what at the gate, from the run's record: whoever looks at the decision may note it, and it is
 * one line all the same.
 */
export async function recordDecision(deps: Deps, run: PlanRun, gateKey: string): Promise<void> {
  const decided = run.decisions[gateKey];
  if (decided?.at === undefined) return;
  const { decision, note, at, caller = 'system' } = decided;
  await recordRunEvent(deps, `${run.id}-${gateKey}-decided`, run, {
    kind: 'gateDecided',
    at,
    caller,
    what: (name) => `${decision} at the gate ${gateKey} of the ${name}${note && `: ${note}`}`,
  });
}

/** Whoever ends the run, or finds that it has ended, writes the same line. */
export async function recordRunEnd(deps: Deps, run: PlanRun): Promise<void> {
  if (run.endedAt === null) return;
  await recordRunEvent(deps, `${run.id}-end`, run, {
    kind: 'runEnded',
    at: run.endedAt,
    caller: 'system',
    what: (name) => `The ${name} has ended: ${run.state}`,
    code: run.error?.code ?? null,
  });
}
