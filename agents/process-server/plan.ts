import type { HelloAnswer } from '../../shared/contracts/transfer-protocol.ts';
import type { ReplicationMode } from '../../shared/contracts/commands.ts';

export interface TransferPlan {
  readonly mode: Exclude<ReplicationMode, 'checksum'>;
  /** Why, for people. */
  readonly reason: string;
  /** Everything below is durable at the master target already. */
  readonly from: number;
}

interface PlanInput {
  readonly answer: HelloAnswer;
  readonly asked: ReplicationMode | undefined;
  readonly baseSnapshotName: string | undefined;
  readonly hasBase: boolean;
  /** Why a delta that was tried turned out to be impossible. */
  readonly refusedBase: string | null;
}

/** A delta needs a base that both sides have: the snapshot, and the sealed point made from it. */
export function planTransfer(input: PlanInput): TransferPlan {
  const { answer, asked, baseSnapshotName } = input;
  const reason = whyFull(input);
  const mode = reason === null ? 'delta' : 'full';
  const isResumed = answer.resume?.mode === mode;
  return {
    mode,
    reason: reason ?? (asked === 'delta' ? 'asked for' : `base ${baseSnapshotName} is trusted`),
    from: isResumed ? (answer.resume?.watermark ?? 0) : 0,
  };
}

function whyFull({
  answer,
  asked,
  baseSnapshotName,
  hasBase,
  refusedBase,
}: PlanInput): string | null {
  if (refusedBase !== null) return `resynchronization: ${refusedBase}`;
  if (asked === 'full') return 'asked for';
  if (asked === 'checksum') return 'comparing blocks is not available; everything is copied';
  if (answer.sealedSnapshotName === null) return 'initial replication';
  if (baseSnapshotName === undefined) return 'no base is known';
  if (answer.sealedSnapshotName !== baseSnapshotName) {
    return 'resynchronization: the master target stands at another point than the base';
  }
  return hasBase ? null : 'resynchronization: the base snapshot is gone';
}
