import type { ActivityInput } from '../../shared/contracts/activities.ts';
import { type Phase, stageOf } from '../../shared/domain/phases.ts';
import { callActivity, type Context, type Steps } from './steps.ts';

interface PhaseSubject {
  readonly jobId: string;
  readonly itemId: string;
  readonly isRehearsal: boolean;
}

type Note = Pick<ActivityInput<'enterPhase'>, 'message' | 'state' | 'task' | 'error' | 'gate'>;

/** Checks and records the transition; shows the stage as the orchestration's custom status. */
export function* enterPhase(
  context: Context,
  { jobId, itemId, isRehearsal }: PhaseSubject,
  phase: Phase,
  note: Note,
): Steps<void> {
  yield* callActivity(context, 'enterPhase', { jobId, itemId, isRehearsal, phase, ...note });
  context.df.setCustomStatus({ phase, stage: stageOf(phase) });
}
