import type { Known } from './known.ts';

export type ProcessServerLocation =
  | { readonly kind: 'azure'; readonly virtualNetworkId: Known<string> }
  | { readonly kind: 'onPremises' }
  /** The lab: on the same machine as everything else. */
  | { readonly kind: 'local' };

/** A process server that is registered and would do the work. */
export interface RegisteredProcessServer {
  readonly kind: 'registered';
  readonly name: string;
  readonly version: Known<string>;
  readonly lastHeartbeatAgeSeconds: Known<number>;
  readonly location: Known<ProcessServerLocation>;
  /** Master target on 9443, as the process server itself sees it. */
  readonly isPort9443Reachable: Known<boolean>;
  readonly cpuCount: Known<number>;
  readonly memoryBytes: Known<number>;
  readonly cacheBytes: Known<number>;
  /** What its configuration lets it send, as an average over a week. Unlimited is not known, too. */
  readonly bandwidthLimitMbps: Known<number>;
  /** Changes a day of all other machines it serves. */
  readonly otherChangeBytesPerDay: Known<number>;
  /** Distance of its clock to the control plane's; the sign says the direction. */
  readonly clockSkewSeconds: Known<number>;
}

export type ProcessServerSection =
  | RegisteredProcessServer
  /** None is there; the reprotect will deploy one into the VM's subnet. */
  | { readonly kind: 'toBeDeployed'; readonly freeSubnetAddressCount: Known<number> }
  /** None is there, and none can be deployed. */
  | { readonly kind: 'missing' };
