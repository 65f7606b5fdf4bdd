import { z } from 'zod';

/** What the texts of an error were filled with; never secrets. */
export const errorValuesSchema = z
  .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
  .readonly();

/** Every error of the API (RFC 9457). `problems` names each bad field by its path. */
export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  /** Of docs/errors.md. */
  code: z.string(),
  possibleCauses: z.array(z.string()).readonly(),
  recommendedAction: z.string(),
  values: errorValuesSchema.optional(),
  problems: z
    .array(z.object({ path: z.string(), message: z.string() }))
    .readonly()
    .optional(),
});
export type ProblemDetails = z.infer<typeof problemSchema>;
