import type { z } from 'zod';
import { problemSchema } from '../../shared/contracts/http/problem.ts';
import { API_VERSIONS, NEWEST_API_VERSION } from '../../shared/contracts/http/versions.ts';
import { VERSION_HEADER, VERSION_PARAMETER } from '../support/api-version.ts';
import { IDEMPOTENCY_HEADER } from '../support/idempotency.ts';
import { type Access, openRoute, type ResponseSpec, type Route } from '../support/route.ts';
import {
  anyJsonSchema,
  collectSchemas,
  type JsonSchema,
  parametersOf,
  type Schemas,
} from './openapi-schemas.ts';

/** The API as an OpenAPI 3.1 document, made of the table of routes and the schemas that check the requests. */
export function describeApi(routes: readonly Route[]): JsonSchema {
  const schemas = collectSchemas(routes);
  const paths: Record<string, Record<string, JsonSchema>> = {};
  for (const route of routes) {
    const operations = (paths[`/${route.path}`] ??= {});
    operations[route.method.toLowerCase()] = describeRoute(route, schemas);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'azure-failback',
      version: NEWEST_API_VERSION,
      description:
        'Brings virtual machines that were failed over to Azure home, and protects them towards Azure again.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/api' }],
    paths,
    components: {
      schemas: schemas.components,
      securitySchemes: SECURITY_SCHEMES,
      parameters: PARAMETERS,
      headers: HEADERS,
      responses: {
        Problem: {
          description: 'What is wrong, why, and what to do; the codes are in docs/errors.md.',
          headers: VERSION_OF_ANSWER,
          content: { 'application/problem+json': { schema: schemas.refOf(problemSchema) } },
        },
        NotModified: { description: 'The answer is the one that the caller has.' },
      },
    },
  };
}

const SECURITY_SCHEMES = {
  functionKey: {
    type: 'apiKey',
    in: 'header',
    name: 'x-functions-key',
    description: 'A key of the Function App. Its name decides the role.',
  },
  functionKeyInQuery: { type: 'apiKey', in: 'query', name: 'code' },
  entra: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description:
      'A token of Entra ID, checked by App Service Authentication; app roles Failback.Reader, .Operator, .Committer.',
  },
  agentKey: {
    type: 'http',
    scheme: 'bearer',
    description: 'The key that an agent got at its registration.',
  },
  registrationToken: { type: 'apiKey', in: 'header', name: 'x-registration-token' },
};

const etagText = { type: 'string', pattern: '^(\\*|(W/)?".*")' };

const PARAMETERS = {
  ApiVersion: {
    name: VERSION_PARAMETER,
    in: 'query',
    description: 'Absent = the newest.',
    schema: { type: 'string', enum: API_VERSIONS },
  },
  IdempotencyKey: {
    name: IDEMPOTENCY_HEADER,
    in: 'header',
    description:
      'A request with the same key and body is answered as the first one was, for 24 hours.',
    schema: { type: 'string', minLength: 1, maxLength: 255 },
    example: '2f1c1b52-6a5f-4d0e-8d2e-6b0f6f4f9a11',
  },
  IfMatch: {
    name: 'if-match',
    in: 'header',
    description: 'Refused with 412 when the record has changed since this ETag was read.',
    schema: etagText,
  },
  IfNoneMatch: {
    name: 'if-none-match',
    in: 'header',
    description:
      'GET: 304 when the answer is still this one. PUT: `*` creates, and never replaces.',
    schema: etagText,
  },
};

const HEADERS = {
  ApiVersion: {
    description: 'The version that this answer is of.',
    schema: { type: 'string', enum: API_VERSIONS },
  },
  ETag: { description: 'For If-Match and If-None-Match.', schema: { type: 'string' } },
  IdempotencyReplayed: {
    description: 'This is the answer to an earlier request with the same idempotency key.',
    schema: { type: 'string', const: 'true' },
  },
};

const VERSION_OF_ANSWER = { [VERSION_HEADER]: { $ref: '#/components/headers/ApiVersion' } };

function describeRoute(route: Route, schemas: Schemas): JsonSchema {
  const { name, summary, access, path, body } = route;
  const successes = Object.entries(route.responses).map(([status, spec]) => [
    status,
    describeResponse(route, spec, schemas),
  ]);
  const refusals = refusalsOf(route).map((status) => [
    status,
    { $ref: '#/components/responses/Problem' },
  ]);
  const notModified = { 304: { $ref: '#/components/responses/NotModified' } };
  return {
    operationId: name,
    summary,
    ...descriptionOf(access),
    tags: [path.split('/')[0]],
    security: securityOf(access),
    parameters: [
      ...parametersOf(route.params, 'path'),
      ...parametersOf(route.query, 'query'),
      ...commonParametersOf(route).map((parameter) => ({
        $ref: `#/components/parameters/${parameter}`,
      })),
    ],
    ...(body === null ? {} : { requestBody: requestBody(body, route, schemas) }),
    responses: {
      ...Object.fromEntries([...successes, ...refusals]),
      ...(isConditionalRead(route) ? notModified : {}),
      default: { $ref: '#/components/responses/Problem' },
    },
  };
}

function requestBody(
  body: z.ZodType,
  { isBodyOptional, example }: Route,
  schemas: Schemas,
): JsonSchema {
  const content = { schema: schemas.refOf(body), ...(example === null ? {} : { example }) };
  return { required: !isBodyOptional, content: { 'application/json': content } };
}

function describeResponse(
  { access, method, hasETag }: Route,
  { description, schema }: ResponseSpec,
  schemas: Schemas,
): JsonSchema {
  const isRemembered = access.kind === 'role' && method === 'POST';
  const headers = {
    ...VERSION_OF_ANSWER,
    ...(hasETag && schema !== undefined ? { etag: { $ref: '#/components/headers/ETag' } } : {}),
    ...(isRemembered
      ? { 'idempotency-replayed': { $ref: '#/components/headers/IdempotencyReplayed' } }
      : {}),
  };
  const content = (body: z.ZodType): JsonSchema => ({
    'application/json': { schema: schemas.refOf(body) },
  });
  return { description, headers, ...(schema === undefined ? {} : { content: content(schema) }) };
}

function isConditionalRead({ method, hasETag }: Route): boolean {
  return hasETag && method === 'GET';
}

function commonParametersOf({ access, method, hasETag }: Route): readonly string[] {
  const isPost = access.kind === 'role' && method === 'POST';
  return [
    'ApiVersion',
    ...(isPost ? ['IdempotencyKey'] : []),
    ...(hasETag && method !== 'GET' ? ['IfMatch'] : []),
    ...(hasETag && (method === 'GET' || method === 'PUT') ? ['IfNoneMatch'] : []),
  ];
}

/** The statuses that a client should be ready for; anything else is `default`. */
function refusalsOf({ access, method, params, hasETag }: Route): readonly number[] {
  const isRole = access.kind === 'role';
  return [
    400,
    ...(access.kind === 'public' ? [] : [401]),
    ...(isRole ? [403] : []),
    ...(params === null ? [] : [404]),
    ...(method === 'GET' ? [] : [409]),
    ...(hasETag && method !== 'GET' ? [412] : []),
    ...(isRole && method === 'POST' ? [422] : []),
  ];
}

function descriptionOf(access: Access): { readonly description?: string } {
  if (access.kind !== 'role') return {};
  const more = access.elevated.map((role) => `; some requests need the role ${role}`).join('');
  return { description: `Needs the role ${access.role}${more}.` };
}

/** OpenAPI 3.1 lets roles stand where OAuth has scopes. */
function securityOf(access: Access): readonly JsonSchema[] {
  switch (access.kind) {
    case 'role':
      return ['functionKey', 'functionKeyInQuery', 'entra'].map((scheme) => ({
        [scheme]: [access.role],
      }));
    case 'agentKey':
    case 'registrationToken':
      return [{ [access.kind]: [] }];
    case 'public':
      return [];
  }
}

/** Serves the document of these routes and of itself. */
export function openApiRoute(others: readonly Route[]): Route {
  let document: JsonSchema | null = null;
  const route: Route = openRoute({
    name: 'openApi',
    method: 'GET',
    path: 'openapi.json',
    summary: 'This document',
    access: 'public',
    responses: { 200: { description: 'An OpenAPI 3.1 document.', schema: anyJsonSchema } },
    handle: async () => {
      document ??= describeApi([...others, route]);
      return { jsonBody: document };
    },
  });
  return route;
}
