import { FailbackError } from '../../errors/failback-error.ts';

/** `/subscriptions/…/resourceGroups/<group>/providers/<type>/<name>` → group and name. */
export function parseResourceId(id: string): { resourceGroup: string; name: string } {
  const match = /\/resourceGroups\/([^/]+)\/.*\/([^/]+)$/i.exec(id);
  const [, resourceGroup, name] = match ?? [];
  if (resourceGroup === undefined || name === undefined) {
    const values = { operation: 'read a resource id', code: 'Malformed', detail: id };
    throw new FailbackError('FB-AZ-001', values);
  }
  return { resourceGroup, name };
}
