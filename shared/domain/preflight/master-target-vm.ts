import type { Known } from './facts/known.ts';

/** The setting disk.EnableUUID, as it stands in the VM. */
export function isDiskUuidShown(setting: string): boolean {
  return setting.toUpperCase() === 'TRUE';
}

/** Both are known, and one and the same. */
export function hasSameBiosUuid(one: Known<string>, other: Known<string>): boolean {
  return one !== null && one.toLowerCase() === other?.toLowerCase();
}
