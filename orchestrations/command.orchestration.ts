import type { OrchestrationInput } from '../shared/contracts/orchestrations.ts';
import type { Result } from '../shared/errors/result.ts';
import { send, watchCommand } from './support/run-command.ts';
import { asResult, type Context, type Steps, unwrap } from './support/steps.ts';

/**
 * One command as an orchestration of its own, so that several can be waited for side by side. A transfer may
 * take a week: it starts afresh now and then, so that its history stays short.
 */
export function* commandOrchestration(context: Context): Steps<Result<unknown>> {
  const input = context.df.getInput<OrchestrationInput<'command'>>();
  return yield* asResult(run(context, input));
}

function* run(context: Context, input: OrchestrationInput<'command'>): Steps<unknown> {
  const deadlineAt = input.deadlineAt ?? (yield* send(context, input));
  const result = yield* watchCommand(context, { ...input, deadlineAt });
  if (result !== null) return unwrap(result);
  // An event that comes in between is lost; the first look afterwards is soon.
  context.df.continueAsNew({ ...input, deadlineAt });
  return null;
}
