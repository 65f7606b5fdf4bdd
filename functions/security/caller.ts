import type { HttpRequest } from '@azure/functions';
import { type AccessKeys, MASTER_KEY_NAME } from '../../shared/ports/access-keys.ts';
import { parseClientPrincipal } from './client-principal.ts';
import { type KeyRoles, roleOfKey } from './key-roles.ts';
import { Refused } from './refused.ts';
import { includesRole, type Role } from './roles.ts';

/** Who may do what, from the settings of the app. */
export interface AccessPolicy {
  readonly keyRoles: KeyRoles;
  /** App Service Authentication is on: the platform writes `x-ms-client-principal` and removes a forged one. */
  readonly isSignInTrusted: boolean;
  /** Role of callers under Core Tools on a workstation, which checks no keys; `null` anywhere else. */
  readonly localRole: Role | null;
}

/** Somebody with a role. */
export interface Caller {
  /** `key reader-1`, `user someone@example.com`: for people who read logs. Two may have the same. */
  readonly name: string;
  /** Of exactly one person, program or key: what idempotency keys are bound to. */
  readonly id: string;
  readonly role: Role;
}

interface Gate {
  readonly access: AccessPolicy;
  readonly accessKeys: AccessKeys;
}

/** Who calls. A sign-in counts before a key. Throws FB-REQ-022 for nobody, FB-REQ-021 for who has no role. */
export async function identify(
  request: HttpRequest,
  functionName: string,
  { access, accessKeys }: Gate,
): Promise<Caller> {
  if (access.localRole !== null) return { name: 'local', id: 'local', role: access.localRole };
  const header = access.isSignInTrusted ? request.headers.get('x-ms-client-principal') : null;
  if (header !== null) {
    const principal = parseClientPrincipal(header);
    if (principal === null) throw new Refused('FB-REQ-022', 'an unreadable sign-in');
    const { id, name, role } = principal;
    return withRole({ name: `user ${name}`, id: `user ${id}` }, role);
  }
  const key = request.headers.get('x-functions-key') ?? request.query.get('code');
  if (key === null || key === '') throw new Refused('FB-REQ-022', 'nobody');
  const name = await accessKeys.nameOf(key, functionName);
  if (name === null) throw new Refused('FB-REQ-022', 'an unknown key');
  const role = name === MASTER_KEY_NAME ? 'committer' : roleOfKey(access.keyRoles, name);
  return withRole({ name: `key ${name}`, id: `key ${name}` }, role);
}

/** Throws FB-REQ-021. */
export function assertRole({ name, role }: Caller, needed: Role): void {
  if (includesRole(role, needed)) return;
  throw new Refused('FB-REQ-021', name, { needed, actual: role });
}

function withRole(who: Pick<Caller, 'name' | 'id'>, role: Role | null): Caller {
  if (role !== null) return { ...who, role };
  throw new Refused('FB-REQ-021', who.name, { needed: 'reader', actual: 'none' });
}
