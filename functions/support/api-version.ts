import type { HttpRequest } from '@azure/functions';
import { API_VERSIONS, NEWEST_API_VERSION } from '../../shared/contracts/http/versions.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import type { Answer } from './route.ts';

export const VERSION_PARAMETER = 'api-version';
export const VERSION_HEADER = 'x-api-version';

/** The version that a request asks for. Throws FB-REQ-020 for one that does not exist. */
export function apiVersionOf(request: HttpRequest): string {
  const asked = request.query.get(VERSION_PARAMETER) ?? request.headers.get(VERSION_HEADER);
  if (asked === null) return NEWEST_API_VERSION;
  const found = API_VERSIONS.find((version) => version === asked);
  if (found !== undefined) return found;
  throw new FailbackError('FB-REQ-020', { asked, supported: API_VERSIONS.join(', ') });
}

/** Every answer says which version it is of, also one that refuses. */
export function withVersion(answer: Answer, version: string): Answer {
  return { ...answer, headers: { ...answer.headers, [VERSION_HEADER]: version } };
}
