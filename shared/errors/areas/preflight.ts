import { AFTER_RETURN_PREFLIGHT_ERRORS } from './preflight/after-return.ts';
import { AZURE_PREFLIGHT_ERRORS } from './preflight/azure.ts';
import { LOCATION_PREFLIGHT_ERRORS } from './preflight/location.ts';
import { MASTER_TARGET_PREFLIGHT_ERRORS } from './preflight/master-target.ts';
import { NETWORK_PREFLIGHT_ERRORS } from './preflight/network.ts';
import { RUN_PREFLIGHT_ERRORS } from './preflight/run.ts';
import { SITE_PREFLIGHT_ERRORS } from './preflight/site.ts';

/** FB-PRE: what must be put right, or known, before a failback may start. */
export const PREFLIGHT_ERRORS = {
  ...RUN_PREFLIGHT_ERRORS,
  ...AZURE_PREFLIGHT_ERRORS,
  ...NETWORK_PREFLIGHT_ERRORS,
  ...SITE_PREFLIGHT_ERRORS,
  ...LOCATION_PREFLIGHT_ERRORS,
  ...MASTER_TARGET_PREFLIGHT_ERRORS,
  ...AFTER_RETURN_PREFLIGHT_ERRORS,
} as const;
