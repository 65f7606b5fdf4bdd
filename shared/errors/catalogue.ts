import { AZURE_ERRORS } from './areas/azure.ts';
import { DATA_PLANE_ERRORS } from './areas/data-plane.ts';
import { HEALTH_ERRORS } from './areas/health.ts';
import { ORCHESTRATION_ERRORS } from './areas/orchestration.ts';
import { PREFLIGHT_ERRORS } from './areas/preflight.ts';
import { RECOVERY_ERRORS } from './areas/recovery.ts';
import { REQUEST_ERRORS } from './areas/request.ts';
import { SITE_ERRORS } from './areas/site.ts';
import { SOURCE_ERRORS } from './areas/source.ts';
import { VSPHERE_ERRORS } from './areas/vsphere.ts';

/** Every failure this product reports, by code. Numbers are never used again for something else. */
export const CATALOGUE = {
  ...REQUEST_ERRORS,
  ...PREFLIGHT_ERRORS,
  ...HEALTH_ERRORS,
  ...ORCHESTRATION_ERRORS,
  ...AZURE_ERRORS,
  ...SOURCE_ERRORS,
  ...SITE_ERRORS,
  ...VSPHERE_ERRORS,
  ...DATA_PLANE_ERRORS,
  ...RECOVERY_ERRORS,
} as const;

export type ErrorCode = keyof typeof CATALOGUE;

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(CATALOGUE, code);
}
