import type { PreflightFacts } from './preflight/facts.ts';

/** What preflight learns from Azure. `exists: false` leaves the rest empty. */
export type AzureVmFacts = NonNullable<PreflightFacts['azureVm']>;
