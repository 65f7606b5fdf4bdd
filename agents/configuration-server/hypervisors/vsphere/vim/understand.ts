import type { z } from 'zod';
import { FailbackError } from '../../../../../shared/errors/failback-error.ts';

/** Reads an answer of the server. Throws FB-VSPHERE-012 for one of another form. */
export function understand<S extends z.ZodType>(
  schema: S,
  value: unknown,
  { address, method }: { readonly address: string; readonly method: string },
): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues
    .slice(0, 3)
    .map(({ path, message }) => `${path.join('.')}: ${message}`)
    .join('; ');
  throw new FailbackError('FB-VSPHERE-012', { address, method, problems });
}
