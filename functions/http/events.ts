import { z } from 'zod';
import { eventFilter, eventViewSchema } from '../../shared/contracts/http-api.ts';
import { pageQuery, pageSchema } from '../../shared/contracts/http/paging.ts';
import type { EventRecord } from '../../shared/ports/stores.ts';
import { pageBody, pageRequest } from '../support/paging.ts';
import { apiRoute, type Route } from '../support/route.ts';

const listRoute = apiRoute({
  name: 'listEvents',
  method: 'GET',
  path: 'events',
  summary: 'Who did what, when',
  role: 'reader',
  query: z.strictObject({ ...pageQuery, ...eventFilter }),
  responses: { 200: { description: 'Newest first.', schema: pageSchema(eventViewSchema) } },
  handle: async ({ request, query }, { stores }) => {
    const wanted = ABOUT.filter((key) => query[key] !== undefined);
    const page = await stores.events.listPage({
      ...pageRequest(query),
      where: (event) => wanted.every((key) => event[key] === query[key]),
    });
    return { jsonBody: pageBody(request, page.next, page.values.map(view)) };
  },
});

/** What a line may be about, and be asked for by. */
const ABOUT = ['itemId', 'jobId', 'planId', 'runId'] as const;

function view(event: EventRecord): z.output<typeof eventViewSchema> {
  const { planId = null, runId = null } = event;
  return { ...event, planId, runId };
}

export const EVENT_ROUTES: readonly Route[] = [listRoute];
