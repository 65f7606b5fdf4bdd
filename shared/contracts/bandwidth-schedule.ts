import { z } from 'zod';
import { scheduleFaults, WEEKDAYS } from '../domain/bandwidth-schedule.ts';

/**
 * The field `bandwidth` of a process server, also checked by the Function App before it deploys one. Strict:
 * a misspelt field would mean "unlimited".
 */
export const bandwidthScheduleSchema = z
  .strictObject({
    defaultMbps: z.number().optional(),
    timeZone: z.string().optional(),
    windows: z
      .array(
        z.strictObject({
          days: z.array(z.enum(WEEKDAYS)),
          from: z.string(),
          to: z.string(),
          mbps: z.number(),
        }),
      )
      .default([]),
  })
  .superRefine((schedule, context) => {
    for (const { path, message } of scheduleFaults(schedule)) {
      context.addIssue({ code: 'custom', path: [...path], message });
    }
  });
