import type { JobView } from '../../shared/contracts/http-api.ts';
import { type TransferProgress, transferProgressSchema } from '../../shared/contracts/progress.ts';
import { isTerminal, type Job } from '../../shared/domain/job.ts';
import { allowedIntents, stageOf } from '../../shared/domain/phases.ts';
import { rpoSeconds } from '../../shared/domain/protected-item.ts';
import type { CommandRecord } from '../../shared/ports/stores.ts';
import type { FunctionDeps } from '../support/deps.ts';

/** A job as people see it, with the progress of what runs for it right now. */
export async function viewJob(deps: FunctionDeps, job: Job): Promise<JobView> {
  const isOver = isTerminal(job.state);
  const [item, open] = await Promise.all([
    deps.stores.items.get(job.itemId),
    isOver ? [] : deps.stores.commands.listOpen(job.id),
  ]);
  return {
    id: job.id,
    operation: job.operation,
    protectedItemId: job.itemId,
    protectedItemName: job.itemName,
    state: job.state,
    phase: job.phase,
    stage: stageOf(job.phase),
    allowedActions: isOver || job.operation === 'rehearsal' ? [] : [...allowedIntents(job.phase)],
    createdAt: job.createdAt,
    endedAt: job.endedAt,
    rpoSeconds: item === null ? null : rpoSeconds(item.value, deps.clock.now()),
    progress: summarize(open),
    health: open.flatMap(({ progress }) => progressOf(progress)?.health ?? []),
    cycles: job.cycles.map((cycle) => ({ ...cycle })),
    history: job.history.map((event) => ({ ...event, stage: stageOf(event.phase) })),
    report: { ...job.report },
    error: job.error === null ? null : structuredClone(job.error),
  };
}

function summarize(open: readonly CommandRecord[]): JobView['progress'] {
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

function progressOf(progress: unknown): TransferProgress | null {
  const parsed = transferProgressSchema.safeParse(progress);
  return parsed.success ? parsed.data : null;
}

function diskIdOf(input: unknown): string | null {
  const isObject = typeof input === 'object' && input !== null;
  return isObject && 'diskId' in input && typeof input.diskId === 'string' ? input.diskId : null;
}
