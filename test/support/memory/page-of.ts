import type { Page, PageRequest } from '../../../shared/ports/stores.ts';

/** A page of records that are in order already, as a table gives it. `orderOf`: what the table sorts by. */
export function pageOf<T extends { readonly id: string }>(
  all: readonly T[],
  { limit, after, where = () => true }: PageRequest<T>,
  orderOf: (id: string) => string = (id) => id,
): Page<T> {
  const isBehind = (id: string): boolean => after === undefined || orderOf(id) > orderOf(after);
  const wanted = all.filter((value) => isBehind(value.id) && where(value));
  const values = wanted.slice(0, limit);
  return { values, next: wanted.length > limit ? (values.at(-1)?.id ?? null) : null };
}

/** Ids as a table that sorts by `orderOf` lists them. */
export function inOrder(ids: Iterable<string>, orderOf: (id: string) => string): readonly string[] {
  return [...ids].toSorted((one, other) => (orderOf(one) < orderOf(other) ? -1 : 1));
}
