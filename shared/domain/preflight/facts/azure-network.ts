import type { Known, Lab } from './known.ts';

export type ExpressRoutePeering = 'AzurePrivatePeering' | 'MicrosoftPeering' | 'AzurePublicPeering';

/** The line between the network of the Azure VM and the site. */
export type SiteConnection =
  | { readonly kind: 'none' }
  | { readonly kind: 'siteToSiteVpn'; readonly isConnected: Known<boolean> }
  | {
      readonly kind: 'expressRoute';
      /** Peerings that are provisioned and up. */
      readonly peerings: Known<readonly ExpressRoutePeering[]>;
      /** The storage accounts and disks are reached by private endpoints in the network. */
      readonly hasStoragePrivateEndpoint: Known<boolean>;
    };

export interface AzureNetworkFacts {
  readonly kind: 'azure';
  readonly virtualNetworkId: Known<string>;
  readonly connection: Known<SiteConnection>;
  /** Rate of the line towards the site in bits a second. */
  readonly linkBitsPerSecond: Known<number>;
}

/** The network of the Azure VM and how the site is reached from it. */
export type AzureNetworkSection = Lab | AzureNetworkFacts;
