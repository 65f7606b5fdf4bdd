import type { PowerState } from '../../shared/contracts/activities.ts';
import { errorRecord } from '../../shared/errors/failback-error.ts';
import { DEADLINE_MS, POLL_MS } from '../../shared/policy/deadlines.ts';
import {
  callActivity,
  type Context,
  growingPauses,
  later,
  sleep,
  StepFailure,
  type Steps,
} from './steps.ts';

interface PowerChange {
  readonly jobId: string;
  readonly itemId: string;
  readonly vmName: string;
}

const REACHED = {
  powerOff: ['stopped', 'deallocated'],
  deallocate: ['deallocated'],
  start: ['running'],
} as const satisfies Record<string, readonly PowerState[]>;

/** Asks Azure for the change and waits until the VM shows it: an activity must not wait for minutes. */
export function* changePower(
  context: Context,
  { jobId, itemId, vmName }: PowerChange,
  action: keyof typeof REACHED,
): Steps<void> {
  const reached: readonly PowerState[] = REACHED[action];
  const deadline = later(context, DEADLINE_MS.siteChange);
  yield* callActivity(context, 'changeVmPower', { jobId, itemId, action });
  for (const pauseMs of growingPauses(POLL_MS.powerFirst, POLL_MS.powerMax)) {
    const { powerState } = yield* callActivity(context, 'readVmPower', { jobId, itemId });
    if (reached.includes(powerState)) return;
    if (context.df.currentUtcDateTime >= deadline) {
      const needed = reached.join(' or ');
      throw new StepFailure(errorRecord('FB-ORC-008', { vmName, needed, actual: powerState }));
    }
    yield* sleep(context, pauseMs);
  }
}
