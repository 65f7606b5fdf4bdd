import { createHash, timingSafeEqual } from 'node:crypto';
import type { HttpRequest } from '@azure/functions';
import type { AgentRecord } from '../../shared/ports/stores.ts';
import { Refused } from '../security/refused.ts';
import type { FunctionDeps } from '../support/deps.ts';

export function hashKey(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

/** The agent of the route, if the bearer key is its key. Throws FB-REQ-006. */
export async function authenticate(
  request: HttpRequest,
  { stores }: Pick<FunctionDeps, 'stores'>,
): Promise<AgentRecord> {
  const id = request.params['agentId'] ?? '';
  const agent = (await stores.agents.get(id))?.value;
  const [scheme, key] = (request.headers.get('authorization') ?? '').split(' ');
  // Hash also for an unknown agent, so that the answer takes as long.
  const isRight = equal(hashKey(key ?? ''), agent?.keyHash ?? hashKey(''));
  if (agent === undefined || scheme !== 'Bearer' || key === undefined || !isRight) {
    throw new Refused('FB-REQ-006', `somebody as agent ${id}`);
  }
  return agent;
}

export function assertRegistrationToken(
  request: HttpRequest,
  deps: Pick<FunctionDeps, 'registrationToken'>,
): void {
  const given = request.headers.get('x-registration-token') ?? '';
  const isRight = equal(hashKey(given), hashKey(deps.registrationToken.reveal()));
  if (!isRight) throw new Refused('FB-REQ-006', 'an agent without registration');
}

function equal(left: string, right: string): boolean {
  return timingSafeEqual(Buffer.from(left), Buffer.from(right));
}
