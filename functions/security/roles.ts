/**
 * What a caller may do; each includes the ones before it. `operator`: everything that can be undone.
 * `committer`: what cannot, which is commit and delete.
 */
export const ROLES = ['reader', 'operator', 'committer'] as const;
export type Role = (typeof ROLES)[number];

export function includesRole(actual: Role, needed: Role): boolean {
  return ROLES.indexOf(actual) >= ROLES.indexOf(needed);
}

export function highestRole(roles: readonly Role[]): Role | null {
  return ROLES.findLast((role) => roles.includes(role)) ?? null;
}
