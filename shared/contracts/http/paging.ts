import { z } from 'zod';

/** Query of every list. `continuationToken` is opaque and comes from a `nextLink`. */
export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(500).default(100),
  continuationToken: z.string().min(1).max(1024).optional(),
};

/** A part of a list. Without `nextLink` it is the last one; with it `value` may hold fewer than `limit`, even none. */
export function pageSchema<T extends z.ZodType>(
  element: T,
): z.ZodObject<{ value: z.ZodArray<T>; nextLink: z.ZodOptional<z.ZodString> }> {
  return z.object({ value: z.array(element), nextLink: z.string().optional() });
}
