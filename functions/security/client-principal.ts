import { z } from 'zod';
import { highestRole, type Role } from './roles.ts';

/** What App Service Authentication puts into `x-ms-client-principal` about who signed in, Base64 of JSON. */
const principalSchema = z.object({
  name_typ: z.string().optional(),
  role_typ: z.string().optional(),
  claims: z.array(z.object({ typ: z.string(), val: z.string() })),
});

const ROLE_CLAIMS: readonly string[] = [
  'roles',
  'http://schemas.microsoft.com/ws/2008/06/identity/claims/role',
];

/** App roles of the Entra application, as its manifest has them. */
const APP_ROLES: Readonly<Record<string, Role>> = {
  'Failback.Reader': 'reader',
  'Failback.Operator': 'operator',
  'Failback.Committer': 'committer',
};

/** Best known first: a person by address, a program by the id of its application. */
const NAME_CLAIMS: readonly string[] = ['preferred_username', 'name', 'appid', 'azp'];

/** Names are not unique, and change; within its tenant this is one person or one program for ever. */
const ID_CLAIMS: readonly string[] = [
  'oid',
  'http://schemas.microsoft.com/identity/claims/objectidentifier',
];
const TENANT_CLAIMS: readonly string[] = [
  'tid',
  'http://schemas.microsoft.com/identity/claims/tenantid',
];

interface Principal {
  /** `<tenant>/<object>`; the name where the sign-in tells neither. */
  readonly id: string;
  readonly name: string;
  /** `null` = signed in, but without a role in this application. */
  readonly role: Role | null;
}

/** Reads the header; `null` when it is not what App Service writes. */
export function parseClientPrincipal(header: string): Principal | null {
  const principal = principalSchema.safeParse(decode(header)).data;
  if (principal === undefined) return null;
  const { claims, name_typ: nameType, role_typ: roleType } = principal;
  const isRole = (type: string): boolean => type === roleType || ROLE_CLAIMS.includes(type);
  const roles = claims.flatMap(({ typ, val }) => {
    const role = isRole(typ) && Object.hasOwn(APP_ROLES, val) ? APP_ROLES[val] : undefined;
    return role === undefined ? [] : [role];
  });
  const nameTypes = nameType === undefined ? NAME_CLAIMS : [...NAME_CLAIMS, nameType];
  const first = (types: readonly string[]): string | undefined =>
    types.flatMap((type) => claims.find(({ typ }) => typ === type)?.val ?? [])[0];
  const name = first(nameTypes) ?? 'someone without a name';
  const objectId = first(ID_CLAIMS);
  const id = objectId === undefined ? name : `${first(TENANT_CLAIMS) ?? ''}/${objectId}`;
  return { id, name, role: highestRole(roles) };
}

function decode(header: string): unknown {
  try {
    return JSON.parse(Buffer.from(header, 'base64').toString('utf8'));
  } catch {
    return null;
  }
}
