import type { Secret } from '../../../../../shared/domain/secret.ts';

export interface GuestAccount {
  readonly username: string;
  readonly password: Secret;
}

export interface GuestAccounts {
  /** For every VM that has none of its own. */
  readonly others: GuestAccount | null;
  readonly ofVms: ReadonlyMap<string, GuestAccount>;
}

/** `vmName` is the one in the protected item, also for the copy that a rehearsal boots. */
export function accountFor({ ofVms, others }: GuestAccounts, vmName: string): GuestAccount | null {
  return ofVms.get(vmName) ?? others;
}
