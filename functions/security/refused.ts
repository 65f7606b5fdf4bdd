import type { InvocationContext } from '@azure/functions';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import type { ErrorValues } from '../../shared/errors/failback-error.ts';

/** Somebody was turned away: the answer says no more than the catalogue, the log says who. */
export class Refused extends FailbackError {
  /** Never a key or token; an unproved name is called so. */
  readonly who: string;

  constructor(
    code: 'FB-REQ-006' | 'FB-REQ-021' | 'FB-REQ-022',
    who: string,
    values: ErrorValues = {},
  ) {
    super(code, { ...values, ...(code === 'FB-REQ-021' ? { who } : {}) });
    this.who = who;
  }
}

/** One line for whoever watches for attacks: when, who, what, why. */
export function logRefusal(
  context: Pick<InvocationContext, 'warn'>,
  { who, message }: Refused,
  { what, at }: { readonly what: string; readonly at: Date },
): void {
  context.warn(`Refused at ${at.toISOString()}: ${who}: ${what}: ${message}`);
}
