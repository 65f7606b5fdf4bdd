import type { FailbackOptions } from '../../shared/domain/job.ts';
import { includesRole, type Role } from './roles.ts';

type Irreversible = Pick<FailbackOptions, 'removeSnapshots'> &
  Partial<Pick<FailbackOptions, 'autoCommit'>>;

/** A commit that is asked for in advance, and snapshots that are deleted for good, have no way back either. */
export function roleFor({ autoCommit = false, removeSnapshots = false }: Irreversible): Role {
  return autoCommit || removeSnapshots ? 'committer' : 'operator';
}

/** Who may not commit does not get a job that does so by itself because somebody else had one. */
export function optionsFor(role: Role, options: FailbackOptions): FailbackOptions {
  if (includesRole(role, roleFor(options))) return options;
  const { removeSnapshots: _forbidden, ...rest } = options;
  return { ...rest, autoCommit: false };
}
