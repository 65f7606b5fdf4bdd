/**
 * Versions of the HTTP API, oldest first. A new one is added when an answer or a request changes in a way that
 * could break a client; `docs/decisions/0015-api-version-beside-the-path.md` says how.
 */
export const API_VERSIONS = ['2026-11-01'] as const;

/** What a client gets that names none. */
export const NEWEST_API_VERSION: (typeof API_VERSIONS)[number] = '2026-11-01';
