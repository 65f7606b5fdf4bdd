/** The recovery point to choose for a failover now; `null` = none of them leads home. */
interface Recommendation {
  readonly recoveryPoint: 'latest' | 'latestProcessed' | null;
  readonly reason: string;
}

interface FailoverCircumstances {
  /** `null`: Azure did not say. */
  readonly isAzureVmThere: boolean | null;
  readonly isAzureVmOff: boolean;
  /** When the process server was last heard of, if it is silent; `never` = it is not registered. */
  readonly processServerSilentSince: string | null;
  readonly hasSealedPoint: boolean;
}

/**
 * `latest` loses nothing for as long as the last delta can be made and sent. A VM that Azure does not know any more may
 * have been moved and run elsewhere: nobody can shut it down, so nothing may be booted in its place.
 */
export function recommendedPoint(now: FailoverCircumstances): Recommendation {
  const { isAzureVmThere, processServerSilentSince: since, hasSealedPoint } = now;
  if (isAzureVmThere === false) {
    const reason =
      'Azure does not know the VM any more: it may have been moved and run elsewhere. A failover would end at its shutdown; run a preflight.';
    return { recoveryPoint: null, reason };
  }
  if (since !== null && hasSealedPoint) {
    const reason = `The process server has not been heard of (last: ${since}): the last changes cannot be sent now, and with latest the machine would be down until they can. Better is to bring it back first; latestProcessed boots without it, and loses what came after the point.`;
    return { recoveryPoint: 'latestProcessed', reason };
  }
  return { recoveryPoint: 'latest', reason: `${whyLatest(now)} ${FOR_AVS}` };
}

function whyLatest({ isAzureVmThere, isAzureVmOff }: FailoverCircumstances): string {
  if (isAzureVmThere === null) {
    return 'Azure does not say now how the VM is; while it is there, latest loses nothing.';
  }
  return isAzureVmOff
    ? 'The Azure VM is off, but its disks can be read: the last changes on them are sent.'
    : 'The Azure VM is there: its last changes are sent after its shutdown, and nothing is lost.';
}

const FOR_AVS = 'Microsoft recommends it for Azure VMware Solution, too.';
