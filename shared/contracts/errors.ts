import { z } from 'zod';
import { isErrorCode } from '../errors/catalogue.ts';
import { type ErrorRecord, errorRecord } from '../errors/failback-error.ts';

const writtenSchema = z.object({
  code: z.string(),
  severity: z.enum(['warning', 'critical']),
  category: z.enum([
    'azure',
    'site',
    'dataPlane',
    'agent',
    'request',
    'preflight',
    'orchestration',
    'health',
    'recovery',
  ]),
  message: z.string(),
  possibleCauses: z.array(z.string()).readonly(),
  recommendedAction: z.string(),
  isRetryable: z.boolean(),
  isCustomerResolvable: z.boolean(),
  values: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
});

/**
 * `ErrorRecord` as it comes from another program. A code that only a newer program knows becomes FB-SITE-900 with
 * what it said: a failure that is refused would never end its command.
 */
export const errorRecordSchema = writtenSchema.transform(known);

function known(written: z.output<typeof writtenSchema>): ErrorRecord {
  const { code, message, values, possibleCauses, recommendedAction } = written;
  if (isErrorCode(code)) return { ...written, code };
  const told = {
    ...values,
    command: values['command'] ?? 'of a newer program',
    reason: `${code} ${message}`,
    originalCode: code,
    originalMessage: message,
  };
  return { ...errorRecord('FB-SITE-900', told), possibleCauses, recommendedAction };
}
