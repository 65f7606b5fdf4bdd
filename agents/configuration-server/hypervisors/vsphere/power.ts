import type { BootEvidence } from '../../../../shared/ports/hypervisor.ts';
import type { VmRecord } from './discovery/records.ts';
import { VM } from './discovery/vm-readers.ts';
import { faultOf, isFault } from './vim/faults.ts';
import { selectObject } from './vim/properties.ts';
import type { VimSession } from './vim/session.ts';
import { runTask } from './vim/tasks.ts';
import { answerQuestions } from './questions.ts';
import { PropertyWatch } from './vim/updates.ts';
import type { MoRef } from './vim/values.ts';
import type { Vm } from './vm-access.ts';

const POWER_STATE = 'runtime.powerState';
const LOOK_SECONDS = 10;

/** Throws FB-VSPHERE-024 when the VM waits for the answer of a person. */
export async function powerOn(session: VimSession, { ref, record }: Vm): Promise<void> {
  const done = new AbortController();
  const started = runTask(session, 'PowerOnVM_Task', { self: ref, parameters: {} }).finally(() =>
    done.abort(),
  );
  const asked = answerQuestions(session, { ref, vmName: record.name }, done.signal);
  await Promise.race([started, asked.then(async () => started)]).catch(
    ignoreWhenAlready('poweredOn'),
  );
}

/** That the tools run says that the guest booted. */
export function bootEvidence({ record }: Vm): BootEvidence {
  const { toolsState, heartbeat, hostName, powerState } = record;
  const isUp = powerState === 'on' && toolsState === 'running';
  const consoleTail = `VMware Tools: ${toolsState}, heartbeat: ${heartbeat}`;
  const guest = hostName === null ? '' : ` in the guest ${hostName}`;
  const evidence = isUp ? `VMware Tools run${guest}, heartbeat ${heartbeat}` : null;
  return { evidence, isSimulated: false, consoleTail };
}

/** Asks the guest first when that is wanted and it can hear; a guest that does not go in time is switched off. */
export async function powerOff(
  session: VimSession,
  { ref, record }: Vm,
  gracefulSeconds: number,
): Promise<void> {
  if (gracefulSeconds > 0 && record.powerState === 'on' && record.toolsState === 'running') {
    if (await shutDown(session, ref, gracefulSeconds)) return;
  }
  await runTask(session, 'PowerOffVM_Task', { self: ref, parameters: {} }).catch(
    ignoreWhenAlready('poweredOff'),
  );
}

/** True when the guest went down by itself. */
async function shutDown(session: VimSession, ref: MoRef, seconds: number): Promise<boolean> {
  try {
    await session.call('ShutdownGuest', ref, {});
  } catch (error) {
    if (isFault(error, 'ToolsUnavailable', 'InvalidPowerState', 'NotSupported')) return false;
    throw error;
  }
  const deadlineMs = Date.now() + seconds * 1000;
  const watch = new PropertyWatch({
    session,
    select: async () => selectObject(ref, [POWER_STATE]),
  });
  try {
    let state: VmRecord['powerState'] | undefined = 'on';
    while (state !== 'off') {
      const leftSeconds = (deadlineMs - Date.now()) / 1000;
      if (leftSeconds <= 0) return false;
      const maxWaitSeconds = Math.ceil(Math.min(leftSeconds, LOOK_SECONDS));
      const { changes } = await watch.next({ maxWaitSeconds });
      for (const { properties } of changes) {
        if (properties.has(POWER_STATE)) {
          state = VM[POWER_STATE]?.(properties.get(POWER_STATE)).powerState;
        }
      }
    }
    return true;
  } finally {
    await watch.close();
  }
}

/** Somebody else was faster, or an answer was lost and the call repeated. */
function ignoreWhenAlready(state: string): (error: unknown) => undefined {
  return (error) => {
    const fault = faultOf(error);
    if (fault?.kind === 'InvalidPowerState' && fault.detail['existingState'] === state)
      return undefined;
    throw error;
  };
}
