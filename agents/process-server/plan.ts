import type { ReplicationMode } from '../../shared/contracts/commands.ts';
import type { HelloAnswer } from '../../shared/contracts/transfer-protocol.ts';

export interface TransferPlan {
  readonly mode: ReplicationMode;
  /** Why, for people. */
  readonly reason: string;
}

interface PlanInput {
  readonly answer: HelloAnswer;
  readonly asked: ReplicationMode | undefined;
  readonly baseSnapshotName: string | undefined;
  readonly sizeBytes: number;
  readonly base: { readonly isThere: boolean; readonly refusal: string | undefined };
  /** Why a delta that was tried turned out to be impossible. */
  readonly refusedBase: string | null;
}

/** A base older than this and a larger share of changed data: much may have been written as it was. */
const OLD_BASE_MS = 24 * 3600_000;
const LARGE_SHARE = 0.5;

/**
 * A delta needs a base that both sides have: the snapshot, and the sealed point made from it. Without one,
 * blocks are compared where the target holds something, and copied where it holds nothing.
 */
export function planTransfer(input: PlanInput): TransferPlan {
  const { answer, asked, baseSnapshotName } = input;
  // What was begun is taken up: both of these are right with and without a base.
  const begun = answer.resume?.mode;
  if (asked === undefined && (begun === 'full' || begun === 'checksum')) {
    return { mode: begun, reason: 'goes on with what was begun' };
  }
  if (asked === 'full' || asked === 'checksum') return { mode: asked, reason: 'asked for' };
  const obstacle = whyNoDelta(input);
  if (obstacle === null) {
    return { mode: 'delta', reason: `base ${baseSnapshotName} is trusted` };
  }
  if (answer.isBlank) return { mode: 'full', reason: `${obstacle}; the target is empty` };
  return { mode: 'checksum', reason: `${obstacle}; what the target holds is compared` };
}

interface ChangedShare {
  readonly asked: ReplicationMode | undefined;
  readonly changedBytes: number;
  readonly sizeBytes: number;
  readonly baseTakenAt: string | undefined;
  readonly nowMs: number;
}

/** With an old base and most of the disk written, comparing spares the link what was written unchanged. */
export function reconsider(plan: TransferPlan, share: ChangedShare): TransferPlan {
  const { asked, changedBytes, sizeBytes, baseTakenAt, nowMs } = share;
  if (plan.mode !== 'delta' || asked !== undefined || baseTakenAt === undefined) return plan;
  const ageMs = nowMs - Date.parse(baseTakenAt);
  const changed = changedBytes / sizeBytes;
  if (ageMs < OLD_BASE_MS || changed < LARGE_SHARE) return plan;
  const hours = Math.round(ageMs / 3600_000);
  const percent = Math.round(changed * 100);
  const reason = `${percent} % were written since the base of ${hours} hours ago; blocks are compared`;
  return { mode: 'checksum', reason };
}

function whyNoDelta({
  answer,
  baseSnapshotName,
  base,
  refusedBase,
  sizeBytes,
}: PlanInput): string | null {
  if (answer.grownFromBytes !== undefined) {
    const grown = `the disk grew from ${answer.grownFromBytes} to ${sizeBytes} bytes in Azure`;
    return `resynchronization: ${grown}`;
  }
  if (refusedBase !== null) return `resynchronization: ${refusedBase}`;
  if (answer.sealed === null) return 'initial replication';
  if (baseSnapshotName === undefined) return 'resynchronization: no base is known';
  if (answer.sealed.snapshotName !== baseSnapshotName) {
    return 'resynchronization: the master target stands at another point than the base';
  }
  if (base.isThere) return null;
  return `resynchronization: ${base.refusal ?? 'the base snapshot is gone'}`;
}
