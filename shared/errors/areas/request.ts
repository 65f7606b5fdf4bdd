import type { Catalogue } from '../entry.ts';

export const REQUEST_ERRORS = {} as const satisfies Catalogue;
