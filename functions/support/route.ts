import type { HttpMethod, HttpRequest } from '@azure/functions';
import { z } from 'zod';
import { invariant } from '../../shared/domain/assert.ts';
import type { AgentRecord } from '../../shared/ports/stores.ts';
import type { Caller } from '../security/caller.ts';
import type { Role } from '../security/roles.ts';
import type { FunctionDeps } from './deps.ts';
import { parseJson, validate } from './validate.ts';

/** Who was let in, by the kind of the route. */
export type Visitor =
  | { readonly kind: 'caller'; readonly caller: Caller }
  | { readonly kind: 'agent'; readonly agent: AgentRecord }
  | { readonly kind: 'stranger' };

/** How a route finds out who calls. `elevated`: roles that some requests to it need. */
export type Access =
  | { readonly kind: 'role'; readonly role: Role; readonly elevated: readonly Role[] }
  | { readonly kind: 'agentKey' }
  | { readonly kind: 'registrationToken' }
  | { readonly kind: 'public' };

/** What a route says; 200 unless it names another status. */
export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly jsonBody?: unknown;
  /** In place of `jsonBody`, where JSON is not of the usual type. */
  readonly body?: string;
}

export interface ResponseSpec {
  readonly description: string;
  /** Absent = no body. */
  readonly schema?: z.ZodType;
}

/** A request whose parameters, query and body have been found valid. */
interface Prepared {
  /** What this very request needs; more than the route's own role where it asks for more. */
  readonly role: Role | null;
  handle(visitor: Visitor, deps: FunctionDeps): Promise<Answer>;
}

/** One line of the table of routes: what app.ts registers, and what the OpenAPI document tells. */
export interface Route {
  /** Registered name of the function, and `operationId`. */
  readonly name: string;
  readonly method: HttpMethod;
  /** Below `/api/`. */
  readonly path: string;
  readonly summary: string;
  readonly access: Access;
  readonly params: z.ZodObject | null;
  readonly query: z.ZodObject | null;
  readonly body: z.ZodType | null;
  readonly isBodyOptional: boolean;
  /** A body that the route takes; `null` where the schema says enough. */
  readonly example: unknown;
  /** Successful answers by status. Refusals are problem documents everywhere. */
  readonly responses: Readonly<Record<number, ResponseSpec>>;
  /** Answers carry an ETag, and the conditional headers are honoured. */
  readonly hasETag: boolean;
  /** Throws InvalidRequest. `text` is the body. */
  prepare(request: HttpRequest, text: string): Prepared;
}

type Output<S> = S extends z.ZodType ? z.output<S> : undefined;

interface Input<P, Q, B> {
  readonly params: Output<P>;
  readonly query: Output<Q>;
  readonly body: Output<B>;
}

interface Definition<P, Q, B> {
  readonly name: string;
  readonly method: HttpMethod;
  readonly path: string;
  readonly summary: string;
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  readonly isBodyOptional?: boolean;
  readonly example?: unknown;
  readonly responses: Readonly<Record<number, ResponseSpec>>;
  readonly hasETag?: boolean;
}

type Optional<S> = S | undefined;

/** A route for people and their programs. */
export function apiRoute<
  P extends Optional<z.ZodObject> = undefined,
  Q extends Optional<z.ZodObject> = undefined,
  B extends Optional<z.ZodType> = undefined,
>(
  definition: Definition<P, Q, B> & {
    readonly role: Role;
    /** Roles that some requests need besides, and which one this request needs. */
    readonly elevation?: {
      readonly roles: readonly Role[];
      readonly roleOf: (input: Input<P, Q, B>) => Role;
    };
    readonly handle: (
      call: Input<P, Q, B> & { readonly request: HttpRequest; readonly caller: Caller },
      deps: FunctionDeps,
    ) => Promise<Answer>;
  },
): Route {
  const { role, elevation, handle } = definition;
  return {
    ...described(definition),
    access: { kind: 'role', role, elevated: elevation?.roles ?? [] },
    prepare: (request, text) => {
      const input = read(definition, request, text);
      return {
        role: elevation?.roleOf(input) ?? role,
        handle: async (visitor, deps) => {
          invariant(visitor.kind === 'caller', 'A route for people was opened to somebody else');
          return handle({ ...input, request, caller: visitor.caller }, deps);
        },
      };
    },
  };
}

/** A route for agents that are registered: the agent of the path, shown by its key. */
export function agentRoute<
  P extends Optional<z.ZodObject> = undefined,
  B extends Optional<z.ZodType> = undefined,
>(
  definition: Definition<P, undefined, B> & {
    readonly handle: (
      call: Input<P, undefined, B> & { readonly agent: AgentRecord },
      deps: FunctionDeps,
    ) => Promise<Answer>;
  },
): Route {
  return {
    ...described(definition),
    access: { kind: 'agentKey' },
    prepare: (request, text) => {
      const input = read(definition, request, text);
      return {
        role: null,
        handle: async (visitor, deps) => {
          invariant(visitor.kind === 'agent', 'A route for agents was opened to somebody else');
          return definition.handle({ ...input, agent: visitor.agent }, deps);
        },
      };
    },
  };
}

/** A route that asks nobody for a role: open to all, or to whoever knows the registration token. */
export function openRoute<B extends Optional<z.ZodType> = undefined>(
  definition: Definition<undefined, undefined, B> & {
    readonly access: 'public' | 'registrationToken';
    readonly handle: (
      call: Input<undefined, undefined, B> & { readonly request: HttpRequest },
      deps: FunctionDeps,
    ) => Promise<Answer>;
  },
): Route {
  return {
    ...described(definition),
    access: { kind: definition.access },
    prepare: (request, text) => {
      const input = read(definition, request, text);
      return {
        role: null,
        handle: async (_visitor, deps) => definition.handle({ ...input, request }, deps),
      };
    },
  };
}

type Described = Omit<Route, 'access' | 'prepare'>;

function described(
  definition: Definition<Optional<z.ZodObject>, Optional<z.ZodObject>, Optional<z.ZodType>>,
): Described {
  const { name, method, path, summary, responses, params, query, body } = definition;
  const { isBodyOptional = false, hasETag = false, example = null } = definition;
  return {
    name,
    method,
    path,
    summary,
    responses,
    params: params ?? null,
    query: query ?? null,
    body: body ?? null,
    isBodyOptional,
    example,
    hasETag,
  };
}

/** Belong to the platform and to every route; what else a query has must be known to the route. */
const RESERVED: readonly string[] = ['code', 'clientId', 'api-version'];

function read<P, Q, B>(
  { params, query, body, isBodyOptional = false }: Definition<P, Q, B>,
  request: HttpRequest,
  text: string,
): Input<P, Q, B> {
  const asked = [...request.query].filter(([name]) => !RESERVED.includes(name));
  const json = (): unknown => (isBodyOptional && text.trim() === '' ? {} : parseJson(text));
  return {
    params: checked(params, () => request.params),
    query: checked(query, () => Object.fromEntries(asked)),
    body: checked(body, json),
  };
}

/** Without a schema there is nothing to read. */
function checked<S>(schema: S | undefined, read: () => unknown): Output<S> {
  const value = schema instanceof z.ZodType ? validate(schema, read()) : undefined;
  return value as Output<S>;
}
