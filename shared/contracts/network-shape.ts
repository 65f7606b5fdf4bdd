import { z } from 'zod';

/** What a network interface had before the failover. Without a prefix length the address cannot be set again. */
export const networkShape = {
  name: z.string().min(1),
  staticIpAddress: z.ipv4().optional(),
  prefixLength: z.int().min(1).max(32).optional(),
  gateway: z.ipv4().optional(),
  staticIpv6Address: z.ipv6().optional(),
  ipv6PrefixLength: z.int().min(1).max(128).optional(),
  ipv6Gateway: z.ipv6().optional(),
  dnsServers: z
    .array(z.union([z.ipv4(), z.ipv6()]))
    .max(8)
    .readonly()
    .optional(),
} as const;
