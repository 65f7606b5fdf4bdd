import { jobIdOf } from '../../shared/contracts/orchestrations.ts';
import { isTerminal } from '../../shared/domain/job.ts';
import { newestFirstShort } from '../../shared/domain/newest-first.ts';
import { isRunOver } from '../../shared/domain/plan-run.ts';
import { MAX_PRUNED_PER_RUN, PRUNE_BATCH } from '../../shared/policy/limits.ts';
import type { AgeingStores, CommandRecord } from '../../shared/ports/stores.ts';
import { removeAll } from './remove-all.ts';

/** Failbacks, preflights, runs of plans, rehearsals: their ids sort newest first. */
const PREFIXES = ['fb', 'pf', 'pr', 'rh'] as const;
/** One delta of a machine that is home is a job of its own, without a record: `reverse-<item>-<milliseconds>`. */
const REVERSE = /^(reverse-.+-)\d+$/;

interface Moments {
  readonly now: Date;
  readonly before: Date;
}

/**
 * Deletes what agents were told for jobs that ended before that moment. Job after job, beginning where those that are
 * too young end: a job that still runs costs one look, however many commands it has.
 */
export async function pruneCommands(
  stores: AgeingStores,
  { now, before }: Moments,
): Promise<number> {
  const ranges = [
    ...PREFIXES.map((prefix) => ({
      prefix: `${prefix}-`,
      begin: `${prefix}-${newestFirstShort(before)}`,
    })),
    { prefix: 'reverse-', begin: 'reverse-' },
  ];
  let removed = 0;
  for (const range of ranges) removed += await pruneRange(stores, range, { now, before });
  return removed;
}

async function pruneRange(
  stores: AgeingStores,
  { prefix, begin }: { readonly prefix: string; readonly begin: string },
  { now, before }: Moments,
): Promise<number> {
  let [after, removed] = [begin, 0];
  for (let looks = 0; looks < MAX_PRUNED_PER_RUN && removed < MAX_PRUNED_PER_RUN; looks += 1) {
    const first = await stores.commands.firstBehind(after);
    const jobId = first === null ? '' : jobIdOf(first.id);
    if (first === null || !jobId.startsWith(prefix)) break;
    const isOld = Date.parse(first.sentAt) < before.getTime();
    if (isOld && (await hasEnded(stores, jobId, before))) {
      removed += await pruneJob(stores, jobId, before);
    }
    const [, item] = REVERSE.exec(jobId) ?? [];
    // The deltas of one machine are in the order of time: all that follow, up to now, are younger still.
    after = isOld || item === undefined ? jobId : `${item}${now.getTime()}`;
  }
  return removed;
}

/** Without a record there is nothing that could go on: only what was sent says how old it is. */
async function hasEnded(
  { jobs, planRuns }: AgeingStores,
  jobId: string,
  before: Date,
): Promise<boolean> {
  const job = (await jobs.get(jobId))?.value;
  if (job !== undefined) return isTerminal(job.state) && isBefore(job.endedAt, before);
  const run = (await planRuns.get(jobId))?.value;
  return run === undefined || (isRunOver(run) && isBefore(run.endedAt, before));
}

async function pruneJob({ commands }: AgeingStores, jobId: string, before: Date): Promise<number> {
  let removed = 0;
  while (removed < MAX_PRUNED_PER_RUN) {
    const batch = await commands.listOfJob(jobId, PRUNE_BATCH);
    const gone = await removeAll(
      commands,
      batch.filter(({ value }) => isOver(value, before)),
    );
    removed += gone;
    if (gone === 0) break;
  }
  return removed;
}

/** It was answered, or nobody has waited for an answer since then. */
function isOver({ result, sentAt, deadlineAt }: CommandRecord, before: Date): boolean {
  return isBefore(sentAt, before) && (result !== null || isBefore(deadlineAt, before));
}

function isBefore(at: string | null, moment: Date): boolean {
  return at !== null && Date.parse(at) < moment.getTime();
}
