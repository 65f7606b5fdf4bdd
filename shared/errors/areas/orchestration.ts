import type { Catalogue } from '../entry.ts';

export const ORCHESTRATION_ERRORS = {} as const satisfies Catalogue;
