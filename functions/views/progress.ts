import type { JobView } from '../../shared/contracts/http-api.ts';
import { type TransferProgress, transferProgressSchema } from '../../shared/contracts/progress.ts';
import type { ErrorRecord } from '../../shared/errors/failback-error.ts';
import type { CommandRecord } from '../../shared/ports/stores.ts';

/** What the open commands of a job have done so far, summed; `null` while none has said so. */
export function summarize(open: readonly CommandRecord[]): JobView['progress'] {
  const parts = open.flatMap((command) => {
    const progress = progressOf(command.progress);
    if (progress === null) return [];
    return [{ name: command.name, diskId: diskIdOf(command.input), progress }];
  });
  if (parts.length === 0) return null;
  const sum = (pick: (progress: TransferProgress) => number): number =>
    parts.reduce((total, part) => total + pick(part.progress), 0);
  const [sentBytes, wireBytes] = [sum((part) => part.sentBytes), sum((part) => part.wireBytes)];
  const etas = parts.flatMap(({ progress }) => progress.etaSeconds ?? []);
  return {
    bytesDone: sum((progress) => progress.bytesDone),
    bytesTotal: sum((progress) => progress.bytesTotal),
    rangesDone: sum((progress) => progress.rangesDone),
    rangesTotal: sum((progress) => progress.rangesTotal),
    sentBytes,
    wireBytes,
    ...(wireBytes === 0 ? {} : { compressionRatio: sentBytes / wireBytes }),
    bytesPerSecond: sum((progress) => progress.bytesPerSecond),
    // The disks travel side by side: the slowest one decides.
    ...(etas.length === 0 ? {} : { etaSeconds: Math.max(...etas) }),
    parts,
  };
}

/** What holds the open commands up right now. */
export function heldUpBy(open: readonly CommandRecord[]): readonly ErrorRecord[] {
  return open.flatMap(({ progress }) => progressOf(progress)?.health ?? []);
}

function progressOf(progress: unknown): TransferProgress | null {
  const parsed = transferProgressSchema.safeParse(progress);
  return parsed.success ? parsed.data : null;
}

function diskIdOf(input: unknown): string | null {
  const isObject = typeof input === 'object' && input !== null;
  return isObject && 'diskId' in input && typeof input.diskId === 'string' ? input.diskId : null;
}
