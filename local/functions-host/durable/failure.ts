import { types } from 'node:util';
import { z } from 'zod';
import type { HistoryEvent } from './history.ts';

const structuredSchema = z.object({
  errorType: z.string(),
  errorMessage: z.string(),
  stackTrace: z.string().optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
});

/** Fields of a TaskFailed event for what an activity threw, structured when the app provides details. */
export function taskFailure(functionName: string, error: unknown): Partial<HistoryEvent> {
  const message = types.isNativeError(error) ? error.message : String(error);
  const structured = parseStructured(message);
  if (structured !== null) {
    const { errorType, errorMessage, stackTrace, properties } = structured;
    const failureDetails = {
      ErrorType: errorType,
      ErrorMessage: errorMessage,
      StackTrace: stackTrace ?? null,
      IsNonRetriable: false,
      Properties: properties ?? null,
      InnerFailure: null,
    };
    return { Reason: errorMessage, Details: errorMessage, FailureDetails: failureDetails };
  }
  return {
    Reason: `Activity function '${functionName}' failed: ${message}`,
    Details: types.isNativeError(error) ? (error.stack ?? message) : message,
  };
}

function parseStructured(message: string): z.infer<typeof structuredSchema> | null {
  if (!message.startsWith('{')) return null;
  try {
    return structuredSchema.parse(JSON.parse(message));
  } catch {
    return null;
  }
}

const STATE_MARK = '$OutOfProcData$:';
const failedStateSchema = z.object({
  error: z.string().optional(),
  failureDetails: z.unknown().optional(),
});

export interface OrchestratorFailure {
  readonly reason: string;
  /** What a parent gets to see of a task's structured failure that nobody caught. */
  readonly failureDetails?: unknown;
}

/** Why an orchestrator threw, without the state that the SDK appends for the host. */
export function orchestratorFailure(error: unknown): OrchestratorFailure {
  const message = types.isNativeError(error) ? error.message : String(error);
  const mark = message.indexOf(STATE_MARK);
  if (mark < 0) return { reason: message };
  const state = failedStateSchema.safeParse(JSON.parse(message.slice(mark + STATE_MARK.length)));
  const reason = state.data?.error ?? message.slice(0, mark).trim();
  return { reason, failureDetails: state.data?.failureDetails };
}
