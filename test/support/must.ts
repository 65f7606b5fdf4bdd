/** The value that a test cannot go on without; throws, naming it, where there is none. */
export function must<T>(value: T, what: string): NonNullable<T> {
  if (value !== undefined && value !== null) return value;
  const error = new Error(`${what}: there is none`);
  // The report then shows the line of the test instead of this one.
  Error.captureStackTrace(error, must);
  throw error;
}
