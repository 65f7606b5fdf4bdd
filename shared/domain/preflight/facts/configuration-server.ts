import type { Known } from './known.ts';

export interface ConfigurationServerSection {
  readonly id: string;
  readonly version: Known<string>;
  /** The address under which agents and sites know it now. */
  readonly address: Known<string>;
  /** The protected item is in its database, as it is once its way home was prepared. */
  readonly knowsItem: Known<boolean>;
  /** The newest backup of its database. */
  readonly backup: Known<
    { readonly kind: 'none' } | { readonly kind: 'taken'; readonly ageSeconds: number }
  >;
  /** How often a backup is due; `none` when nobody set a schedule. */
  readonly backupSchedule: Known<
    { readonly kind: 'none' } | { readonly kind: 'every'; readonly seconds: number }
  >;
  /** Distance of its clock to the control plane's; the sign says the direction. */
  readonly clockSkewSeconds: Known<number>;
}
