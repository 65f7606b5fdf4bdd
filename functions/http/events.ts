import { z } from 'zod';
import { eventFilter, eventViewSchema } from '../../shared/contracts/http-api.ts';
import { pageQuery, pageSchema } from '../../shared/contracts/http/paging.ts';
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
    const { itemId, jobId } = query;
    const page = await stores.events.listPage({
      ...pageRequest(query),
      where: (event) =>
        (itemId === undefined || event.itemId === itemId) &&
        (jobId === undefined || event.jobId === jobId),
    });
    return { jsonBody: pageBody(request, page.next, [...page.values]) };
  },
});

export const EVENT_ROUTES: readonly Route[] = [listRoute];
