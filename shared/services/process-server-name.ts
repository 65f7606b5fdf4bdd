import { createHash } from 'node:crypto';

/** One process server a resource group is enough for all machines in it. Names of groups ignore case. */
export function processServerName(resourceGroup: string): string {
  const group = resourceGroup.toLowerCase();
  const safe = group
    .replaceAll(/[^a-z0-9-]/g, '-')
    .slice(0, 40)
    .replace(/-+$/, '');
  if (safe === group) return `failback-ps-${safe}`;
  // Two groups must not meet in one name only because it had to be shortened.
  return `failback-ps-${safe}-${createHash('sha256').update(group).digest('hex').slice(0, 6)}`;
}
