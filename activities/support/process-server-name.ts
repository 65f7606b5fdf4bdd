/** One process server a resource group is enough for all machines in it. */
export function processServerName(resourceGroup: string): string {
  const safe = resourceGroup.replaceAll(/[^A-Za-z0-9-]/g, '-').slice(0, 40);
  return `failback-ps-${safe}`.replace(/-+$/, '').toLowerCase();
}
