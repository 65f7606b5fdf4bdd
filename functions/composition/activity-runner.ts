import { FailbackError } from '../../shared/errors/failback-error.ts';
import { failure, type Result, success } from '../../shared/errors/result.ts';

/**
 * Runs an activity for the Durable SDK, which retries whatever is thrown: what cannot pass by itself
 * becomes a value.
 */
export async function runActivity<T>(run: () => Promise<T>): Promise<Result<T>> {
  try {
    return success(await run());
  } catch (error) {
    if (error instanceof FailbackError && !error.isRetryable) return failure(error.toRecord());
    throw error;
  }
}
