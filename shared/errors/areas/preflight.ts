import type { Catalogue } from '../entry.ts';

export const PREFLIGHT_ERRORS = {} as const satisfies Catalogue;
