import { ArmError } from './arm-error.ts';
import { type ArmContext, member } from './context.ts';

const MAX_SAS_SECONDS = 60 * 24 * 3600;

export function expiryOf(context: ArmContext, body: unknown): Date {
  const seconds = Number(member(body, 'durationInSeconds') ?? 0);
  if (!(seconds > 0 && seconds <= MAX_SAS_SECONDS)) {
    const reason = `durationInSeconds must be between 1 and ${MAX_SAS_SECONDS}.`;
    throw new ArmError(400, 'InvalidParameter', reason);
  }
  return new Date(context.now().getTime() + seconds * 1000);
}
