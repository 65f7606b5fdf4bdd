import type { Catalogue } from '../entry.ts';

export const AZURE_ERRORS = {} as const satisfies Catalogue;
