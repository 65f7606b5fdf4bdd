import { createHash } from 'node:crypto';
import type { HttpRequest } from '@azure/functions';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import type { Versioned } from '../../shared/ports/stores.ts';

const HASH_CHARACTERS = 16;

/** Grows with the clock alone: no reason to send the whole answer again. */
const AGEING: readonly string[] = ['expectedDataLoss', 'rpoSeconds'];

/**
 * `"<record>-<view>"`. What a view shows changes without its record, as progress does; a write is refused only
 * when the record changed.
 */
export function etagOf(recordEtag: string, view: object): string {
  const text = JSON.stringify(view, (key, value: unknown) =>
    AGEING.includes(key) ? undefined : value,
  );
  return `"${digest(recordEtag)}-${digest(text)}"`;
}

/** Throws FB-REQ-008 when the caller saw another state of the record (`If-Match`). */
export function assertIfMatch(request: HttpRequest, found: Versioned<unknown> | null): void {
  const wanted = tagsOf(request, 'if-match');
  if (wanted === null) return;
  const record = found === null ? null : digest(found.etag);
  const fits = record !== null && wanted.some((tag) => tag === '*' || partOf(tag) === record);
  if (!fits) throw new FailbackError('FB-REQ-008');
}

/** `If-None-Match: *`: the request is to create something, never to replace it. */
export function isCreateOnly(request: HttpRequest): boolean {
  return tagsOf(request, 'if-none-match')?.includes('*') === true;
}

/** The caller has this very answer already. */
export function isKnown(request: HttpRequest, etag: string): boolean {
  const known = tagsOf(request, 'if-none-match') ?? [];
  return known.some((tag) => tag === '*' || tag === etag);
}

/** The record's part; a tag of another shape is no tag of ours and fits nothing. */
function partOf(tag: string): string | undefined {
  return /^"([0-9a-f]+)-[0-9a-f]+"$/.exec(tag)?.[1];
}

/** Weak tags, which a proxy that compresses makes of ours, count as what they were made of. */
function tagsOf(request: HttpRequest, header: string): readonly string[] | null {
  const text = request.headers.get(header);
  if (text === null) return null;
  return text.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, HASH_CHARACTERS);
}
