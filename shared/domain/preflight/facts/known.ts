/** A fact that could not be found out is `null`; no rule passes on `null`. */
export type Known<T> = T | null;

/** The lab: everything runs on one machine, so that the facts of a real site do not apply. */
export interface Lab {
  readonly kind: 'local';
}
