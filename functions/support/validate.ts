import type { z } from 'zod';
import { InvalidRequest } from './problem.ts';

/** `at` says where the value stands when it is not the body. Throws InvalidRequest. */
export function validate<S extends z.ZodType>(
  schema: S,
  value: unknown,
  at: readonly string[] = [],
): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(({ path, message }) => ({
    path: [...at, ...path],
    message,
  }));
  throw new InvalidRequest(issues);
}

/** Throws InvalidRequest. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new InvalidRequest([{ path: [], message: 'must be a JSON document' }]);
  }
}
