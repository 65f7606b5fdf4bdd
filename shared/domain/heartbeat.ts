import { HEARTBEAT_STALE_MS } from '../policy/limits.ts';

/** Whether an agent that was last heard of at that time counts as connected. */
export function isHeard({ heartbeatAt }: { readonly heartbeatAt: string }, now: Date): boolean {
  return now.getTime() - Date.parse(heartbeatAt) <= HEARTBEAT_STALE_MS;
}
