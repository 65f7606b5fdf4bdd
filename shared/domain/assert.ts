/** A broken promise between two parts of this program: crash, never catch. */
export class InvariantViolation extends Error {
  override readonly name = 'InvariantViolation';
}

/** Asserts what the program itself guarantees. Input from outside is validated with zod instead. */
export function invariant(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantViolation(message);
}
