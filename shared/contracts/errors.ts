import { z } from 'zod';
import { type ErrorCode, isErrorCode } from '../errors/catalogue.ts';

/** `ErrorRecord` as it comes from another program. */
export const errorRecordSchema = z.object({
  code: z.custom<ErrorCode>((value) => typeof value === 'string' && isErrorCode(value), {
    message: 'unknown error code',
  }),
  severity: z.enum(['warning', 'critical']),
  category: z.enum([
    'azure',
    'site',
    'dataPlane',
    'agent',
    'request',
    'preflight',
    'orchestration',
  ]),
  message: z.string(),
  possibleCauses: z.array(z.string()).readonly(),
  recommendedAction: z.string(),
  isRetryable: z.boolean(),
  isCustomerResolvable: z.boolean(),
  values: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
});
