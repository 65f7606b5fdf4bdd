import { z } from 'zod';
import { type Role, ROLES } from './roles.ts';

/** One line of FAILBACK_KEY_ROLES. */
interface KeyRole {
  /** Name of a key in small letters; with `*` at its end, of all that begin so. */
  readonly pattern: string;
  readonly role: Role;
}
export type KeyRoles = readonly KeyRole[];

/** The key that every Function App is born with commits, so that a fresh installation can be used. */
export const DEFAULT_KEY_ROLES =
  'reader*=reader, operator*=operator, committer*=committer, default=committer';

const entrySchema = z
  .string()
  .regex(/^([\w-]+\*?|\*)\s*=\s*\w+$/, 'must be name=role or name*=role, separated by commas')
  .transform((text): { pattern: string; role: string } => {
    const [pattern = '', role = ''] = text.split('=').map((part) => part.trim().toLowerCase());
    return { pattern, role };
  })
  .pipe(z.object({ pattern: z.string(), role: z.enum(ROLES) }));

/** `name=role, prefix*=role`: the first that fits counts, and a name that none fits has no role. */
export const keyRolesSchema = z
  .string()
  .transform((text) => text.split(',').map((part) => part.trim()))
  .pipe(z.array(entrySchema));

export function roleOfKey(keyRoles: KeyRoles, keyName: string): Role | null {
  const name = keyName.toLowerCase();
  const found = keyRoles.find(({ pattern }) =>
    pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern,
  );
  return found?.role ?? null;
}
