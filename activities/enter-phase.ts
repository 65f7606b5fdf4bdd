import type { ActivityHandler, ActivityInput } from '../shared/contracts/activities.ts';
import { isTerminal, type Job, type JobEvent } from '../shared/domain/job.ts';
import { nextTask } from '../shared/domain/job-tasks.ts';
import { assertCanEnter, type Phase } from '../shared/domain/phases.ts';
import type { ProtectedItem } from '../shared/domain/protected-item.ts';
import { FailbackError } from '../shared/errors/failback-error.ts';
import { recordEvent } from '../shared/services/record-event.ts';
import type { StoreDeps } from './support/deps.ts';
import { appended, requireItem, updateItem, updateJob } from './support/records.ts';

type Input = ActivityInput<'enterPhase'>;

/**
 * Moves the item along its state machine, ends the open task and begins the next, and notes it in the job's
 * history and in the events. Entering the present phase again changes nothing in the item; a line equal to the
 * last one is not written twice. Throws FB-ORC-012 when the item belongs to another job by now, FB-ORC-005 at
 * the point of no return after a cancel.
 */
export const createEnterPhase = ({ stores, clock }: StoreDeps): ActivityHandler<'enterPhase'> =>
  async function enterPhase(input) {
    const { jobId, itemId, phase, message, isRehearsal } = input;
    const move = (item: ProtectedItem): ProtectedItem => {
      if (item.activeJobId !== jobId) throw new FailbackError('FB-ORC-012', { jobId });
      assertCanEnter(item.phase, phase);
      const next = item.phase === phase ? item : moved(item, phase);
      return input.task === 'prepareTarget' ? touched(next) : next;
    };
    if (!isRehearsal) move(await requireItem(stores, itemId));
    const event: JobEvent = { at: clock.now().toISOString(), phase, message };
    // The job first: from then on a cancel is refused, and one that came before is seen here.
    const job = await updateJob(stores, jobId, (current) => {
      if (isTerminal(current.state)) return current;
      if (isCancelledBefore(current, phase)) throw new FailbackError('FB-ORC-005');
      return enter(current, input, event);
    });
    if (!isRehearsal) await updateItem(stores, itemId, move);
    const line = job.history.at(-1);
    if (line?.phase !== phase || line.message !== message) return null;
    // With the time of the history's line: a second run writes the same line again.
    const step = {
      kind: 'jobStep',
      caller: 'system',
      jobId,
      itemId,
      message,
      at: line.at,
    } as const;
    await recordEvent(stores, `${jobId}-${phase}-${input.task ?? 'done'}`, {
      ...step,
      ...(input.error === undefined ? {} : { code: input.error.code }),
    });
    return null;
  };

/** Back in Azure, or past the point of no return: nobody will start the Azure VM because of us any more. */
const SETTLED: readonly Phase[] = ['failedOver', 'committing'];

function moved(item: ProtectedItem, phase: Phase): ProtectedItem {
  if (phase === 'rollingBack') return { ...item, phase, rollingBackFrom: item.phase };
  const { wasSourceRunning: _settled, rollingBackFrom: _through, ...rest } = item;
  return SETTLED.includes(phase) ? { ...rest, phase } : { ...item, phase };
}

/** Before anything is sent to the site. */
function touched(item: ProtectedItem): ProtectedItem {
  const { isSiteUntouched, ...rest } = item;
  return isSiteUntouched === undefined ? item : rest;
}

function enter(job: Job, { phase, state, task, error, gate }: Input, event: JobEvent): Job {
  const { resume: _answered, commit: _refused, ...others } = job.intents;
  const isNewGate = gate !== undefined && gate !== job.gate;
  const isWaiting = state === 'waitingForOperator';
  return {
    ...job,
    phase,
    state: state ?? 'running',
    history: appended(job.history, event),
    tasks: nextTask(job.tasks ?? [], { task, at: event.at, isWaiting, isAnew: isNewGate, error }),
    ...(isNewGate ? { gate, intents: others } : {}),
  };
}

/** The last moment at which a cancel counts. */
function isCancelledBefore(job: Job, phase: Phase): boolean {
  const isPointOfNoReturn = phase === 'committing' && job.phase !== 'committing';
  return isPointOfNoReturn && job.intents.cancel !== undefined;
}
