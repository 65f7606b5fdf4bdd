import type { OrchestrationInput } from '../shared/contracts/orchestrations.ts';
import type { Result } from '../shared/errors/result.ts';
import { awaitCommand } from './support/run-command.ts';
import { asResult, type Context, type Steps, unwrap } from './support/steps.ts';

/** One command as an orchestration of its own, so that several can be waited for side by side. */
export function* commandOrchestration(context: Context): Steps<Result<unknown>> {
  const input = context.df.getInput<OrchestrationInput<'command'>>();
  return yield* asResult(run(context, input));
}

function* run(context: Context, input: OrchestrationInput<'command'>): Steps<unknown> {
  return unwrap(yield* awaitCommand(context, input));
}
