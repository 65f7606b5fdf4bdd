import type { HttpRequest } from '@azure/functions';
import { identifierSchema } from '../../shared/contracts/json.ts';
import type { Page, PageRequest } from '../../shared/ports/stores.ts';
import { validate } from './validate.ts';

interface PageQuery {
  readonly limit: number;
  readonly continuationToken?: string | undefined;
}

/** Where the caller's page begins. Throws InvalidRequest for a token that we did not make. */
export function pageRequest({
  limit,
  continuationToken,
}: PageQuery): Pick<PageRequest<never>, 'limit' | 'after'> {
  if (continuationToken === undefined) return { limit };
  const id = Buffer.from(continuationToken, 'base64url').toString('utf8');
  return { limit, after: validate(identifierSchema, id, ['continuationToken']) };
}

/** The body of a list: `nextLink` is the request's own URL with another token, without the key in it. */
export function pageBody<T>(
  request: HttpRequest,
  next: string | null,
  value: readonly T[],
): { readonly value: readonly T[]; readonly nextLink?: string } {
  if (next === null) return { value };
  const url = new URL(request.url);
  url.searchParams.delete('code');
  url.searchParams.set('continuationToken', Buffer.from(next).toString('base64url'));
  return { value, nextLink: url.href };
}

/**
 * A page of what is at hand as a whole, in the order of its keys: whatever went meanwhile, the next page begins behind
 * what the last one ended with.
 */
export function pageOfArray<T>(
  all: readonly T[],
  keyOf: (value: T) => string,
  { limit, after }: Pick<PageRequest<never>, 'limit' | 'after'>,
): Page<T> {
  const left = all
    .map((value) => ({ key: keyOf(value), value }))
    .filter(({ key }) => after === undefined || key > after)
    .toSorted((one, other) => (one.key < other.key ? -1 : 1));
  const page = left.slice(0, limit);
  const isEnd = page.length === left.length;
  return {
    values: page.map(({ value }) => value),
    next: isEnd ? null : (page.at(-1)?.key ?? null),
  };
}
