import type { SourceSight } from './source-state.ts';

/** The recovery point to choose for a failover now; `null` = none of them leads home. */
interface Recommendation {
  readonly recoveryPoint: 'latest' | 'latestProcessed' | null;
  readonly reason: string;
}

interface FailoverCircumstances {
  readonly source: SourceSight;
  /** A cycle has failed because of it: no fault that passes by itself in a moment. */
  readonly isLossNoted: boolean;
  readonly isAzureVmOff: boolean;
  /** When the process server was last heard of, if it is silent; `never` = it is not registered. */
  readonly processServerSilentSince: string | null;
  readonly hasSealedPoint: boolean;
}

/** `latest` loses nothing for as long as the last delta can be made and sent. */
export function recommendedPoint(now: FailoverCircumstances): Recommendation {
  const { source, isLossNoted, processServerSilentSince: since, hasSealedPoint } = now;
  if (source.state === 'changed')
    return { recoveryPoint: null, reason: `${source.reason}: ${OTHER}` };
  if (source.state === 'gone' || source.state === 'incomplete') {
    return withoutSource(source, hasSealedPoint);
  }
  if (source.state === 'unreachable' && isLossNoted && hasSealedPoint) {
    const reason = `${source.reason}: while that lasts, latest cannot be made. If you can, wait: it loses nothing. If you cannot, latestProcessed needs acceptUnreachableSource, because nobody knows whether the Azure VM is off, and loses what came after the point.`;
    return { recoveryPoint: 'latestProcessed', reason };
  }
  if (since !== null && hasSealedPoint) {
    const reason = `The process server has not been heard of (last: ${since}): the last changes cannot be sent now, and latest is held back until they can. Better is to bring it back first; latestProcessed boots without it, and loses what came after the point.`;
    return { recoveryPoint: 'latestProcessed', reason };
  }
  return { recoveryPoint: 'latest', reason: `${whyLatest(now)} ${FOR_AVS}` };
}

const OTHER =
  'what is on-premises is of other disks, and boots at no point. Put the earlier disks back, or cancel, put the protected item again (PUT) and start a new failback.';

function withoutSource(
  { state, reason: why }: SourceSight,
  hasSealedPoint: boolean,
): Recommendation {
  if (!hasSealedPoint) {
    const reason = `${why}, and no recovery point is sealed on-premises: nothing could be booted.`;
    return { recoveryPoint: null, reason };
  }
  const what =
    state === 'gone' ? 'nothing can be shut down or sent' : 'no last changes can be sent';
  const reason = `${why}: ${what} any more. latestProcessed boots what is on-premises, and loses what came after it.`;
  return { recoveryPoint: 'latestProcessed', reason };
}

function whyLatest({ source, isAzureVmOff }: FailoverCircumstances): string {
  if (source.state === 'unreachable') {
    return 'Azure does not say now how the VM is; while it is there, latest loses nothing.';
  }
  return isAzureVmOff
    ? 'The Azure VM is off, but its disks can be read: the last changes on them are sent.'
    : 'The Azure VM is there: its last changes are sent after its shutdown, and nothing is lost.';
}

const FOR_AVS = 'Microsoft recommends it for Azure VMware Solution, too.';
