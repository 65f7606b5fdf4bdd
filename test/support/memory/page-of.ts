import type { Page, PageRequest } from '../../../shared/ports/stores.ts';

/** A page of records that are in order already, as a table gives it. */
export function pageOf<T extends { readonly id: string }>(
  all: readonly T[],
  { limit, after, where = () => true }: PageRequest<T>,
): Page<T> {
  const wanted = all.filter((value) => (after === undefined || value.id > after) && where(value));
  const values = wanted.slice(0, limit);
  return { values, next: wanted.length > limit ? (values.at(-1)?.id ?? null) : null };
}
