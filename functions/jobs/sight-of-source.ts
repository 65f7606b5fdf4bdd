import type { PowerState } from '../../shared/contracts/activities.ts';
import type { Job } from '../../shared/domain/job.ts';
import type { ProtectedItem } from '../../shared/domain/protected-item.ts';
import { type SourceSight, sourceLossOf } from '../../shared/domain/source-state.ts';
import { lookAtSource } from '../../shared/services/look-at-source.ts';
import type { FunctionDeps } from '../support/deps.ts';

/**
 * How the Azure VM is now. Where it is there but the last cycle found a part of it gone, that part counts: only a cycle
 * that goes well shows that it is back.
 */
export async function sightOf(
  { vms }: Pick<FunctionDeps, 'vms'>,
  item: ProtectedItem,
  job: Job,
): Promise<SourceSight & { readonly power: PowerState | null }> {
  const seen = await lookAtSource(vms, item);
  const loss = sourceLossOf(job);
  if (seen.state !== 'there' || loss?.kind !== 'gone') return seen;
  return { ...seen, state: 'gone', reason: String(loss.error.values['reason']) };
}
