import type { JobState } from '../../shared/domain/job.ts';
import { type Phase, stageOf } from '../../shared/domain/phases.ts';
import { callActivity, type Context, type Steps } from './steps.ts';

interface PhaseSubject {
  readonly jobId: string;
  readonly itemId: string;
  readonly isRehearsal: boolean;
}

/** Checks and records the transition; shows the stage as the orchestration's custom status. */
export function* enterPhase(
  context: Context,
  { jobId, itemId, isRehearsal }: PhaseSubject,
  phase: Phase,
  note: { readonly message: string; readonly state?: JobState },
): Steps<void> {
  yield* callActivity(context, 'enterPhase', { jobId, itemId, isRehearsal, phase, ...note });
  context.df.setCustomStatus({ phase, stage: stageOf(phase) });
}
