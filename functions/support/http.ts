import type { HttpRequest, InvocationContext } from '@azure/functions';
import { NEWEST_API_VERSION } from '../../shared/contracts/http/versions.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { assertRegistrationToken, authenticate } from '../agent-api/authenticate.ts';
import { assertRole, identify } from '../security/caller.ts';
import { logRefusal, Refused } from '../security/refused.ts';
import { apiVersionOf, withVersion } from './api-version.ts';
import type { FunctionDeps } from './deps.ts';
import { isKnown } from './etag.ts';
import { answerOnce } from './idempotency.ts';
import { problem } from './problem.ts';
import { noting } from './refusals.ts';
import type { Answer, Route, Visitor } from './route.ts';

/**
 * The handler of a route: version, caller, input, role, and only then what the route does. Failures of ours become
 * problem documents, everything else stays a 500 of the host.
 */
export function answering(
  route: Route,
  depsOf: (context: InvocationContext) => FunctionDeps,
): (request: HttpRequest, context: InvocationContext) => Promise<Answer> {
  return async (request, context) => {
    const deps = depsOf(context);
    try {
      const version = apiVersionOf(request);
      const answer = await answerTo(route, request, deps);
      return withVersion(unlessKnown(request, answer), version);
    } catch (error) {
      if (!(error instanceof FailbackError)) throw error;
      // Without the query, in which keys travel.
      const what = `${request.method} ${new URL(request.url).pathname}`;
      if (error instanceof Refused) logRefusal(context, error, { what, at: deps.clock.now() });
      else context.warn(`${what}: ${error.message}`);
      return withVersion(problem(error), NEWEST_API_VERSION);
    }
  };
}

/** The answer of a route; what it refuses is thrown as a FailbackError. */
export async function answerTo(
  route: Route,
  request: HttpRequest,
  deps: FunctionDeps,
): Promise<Answer> {
  const visitor = await admit(route, request, deps);
  const text = route.body === null ? '' : await request.text();
  if (visitor.kind !== 'caller') return route.prepare(request, text).handle(visitor, deps);
  const { caller } = visitor;
  return noting(deps, { request, caller: caller.name }, async () => {
    if (route.access.kind === 'role') assertRole(caller, route.access.role);
    const prepared = route.prepare(request, text);
    if (prepared.role !== null) assertRole(caller, prepared.role);
    const run = async (): Promise<Answer> => prepared.handle(visitor, deps);
    if (route.method !== 'POST') return run();
    return answerOnce({ request, caller: caller.id, text, deps }, run);
  });
}

/** Finds out who calls; whether he may is asked next. Throws Refused for nobody. */
async function admit(route: Route, request: HttpRequest, deps: FunctionDeps): Promise<Visitor> {
  switch (route.access.kind) {
    case 'role':
      return { kind: 'caller', caller: await identify(request, route.name, deps) };
    case 'agentKey':
      return { kind: 'agent', agent: await authenticate(request, deps) };
    case 'registrationToken':
      assertRegistrationToken(request, deps);
      return { kind: 'stranger' };
    case 'public':
      return { kind: 'stranger' };
  }
}

function unlessKnown(request: HttpRequest, answer: Answer): Answer {
  if (request.method !== 'GET') return answer;
  const etag = answer.headers?.['etag'];
  return etag !== undefined && isKnown(request, etag) ? { status: 304, headers: { etag } } : answer;
}
