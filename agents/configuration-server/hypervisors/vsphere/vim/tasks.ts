import { z } from 'zod';
import { FailbackError } from '../../../../../shared/errors/failback-error.ts';
import { withBackoff } from '../../../../runtime/backoff.ts';
import { isConnectionLost, isFault } from './faults.ts';
import type { MethodName } from './field-orders.ts';
import { selectObject } from './properties.ts';
import type { VimSession } from './session.ts';
import { VimFault } from './transport.ts';
import { understand } from './understand.ts';
import {
  type MethodArguments,
  moRefSchema,
  type MoRef,
  numberSchema,
  type VimData,
  type VimRecord,
} from './values.ts';
import { PropertyWatch } from './updates.ts';

const WAIT_SECONDS = 30;
/** A vCenter that restarts is back within that time; a task of it goes on meanwhile. */
const OUTAGE_MS = 15 * 60_000;

export type TaskMethod = Extract<MethodName, `${string}_Task`>;

interface TaskOptions {
  readonly signal?: AbortSignal | undefined;
  /** 0 to 100, whenever it changes. */
  readonly onProgress?: (percent: number) => void;
}

const stateSchema = z.enum(['queued', 'running', 'success', 'error']);
const errorSchema = z.object({
  fault: z.custom<VimRecord>((value) => typeof value === 'object').optional(),
  localizedMessage: z.string().default(''),
});

/**
 * Starts a task and waits for its end; gives its result. Goes on waiting while the server is away. When the signal
 * comes, the server is asked to cancel the task; what it had done by then stays done.
 */
export async function runTask<M extends TaskMethod>(
  session: VimSession,
  method: M,
  call: { readonly self: MoRef; readonly parameters: MethodArguments<M> },
  options: TaskOptions = {},
): Promise<VimData | undefined> {
  const { signal } = options;
  signal?.throwIfAborted();
  const answer = await session.call(method, call.self, call.parameters);
  const task = understand(moRefSchema, answer, { address: session.address, method });
  const watch = watchTask(session, task);
  try {
    return await waitForEnd(watch, options);
  } catch (error) {
    if (signal?.aborted === true) {
      await session.call('CancelTask', task, {}).catch(() => undefined);
      throw error;
    }
    if (error instanceof VimFault) throw await session.explain(error, method, call.self);
    if (!isFault(error, 'ManagedObjectNotFound')) throw error;
    throw new FailbackError(
      'FB-VSPHERE-011',
      { method, address: session.address },
      { cause: error },
    );
  } finally {
    await watch.close();
  }
}

/** Returns when a task has ended, however it did, or is not known any more. */
export async function followTask(session: VimSession, task: MoRef): Promise<void> {
  const watch = watchTask(session, task);
  try {
    await waitForEnd(watch, {});
  } catch (error) {
    if (!(error instanceof VimFault) && !isFault(error, 'ManagedObjectNotFound')) throw error;
  } finally {
    await watch.close();
  }
}

function watchTask(session: VimSession, task: MoRef): PropertyWatch {
  const paths = ['info.state', 'info.progress', 'info.error', 'info.result'];
  return new PropertyWatch({ session, select: async () => selectObject(task, paths) });
}

async function waitForEnd(
  watch: PropertyWatch,
  { signal, onProgress }: TaskOptions,
): Promise<VimData | undefined> {
  const info = new Map<string, VimData | undefined>();
  for (;;) {
    const lostAtMs = Date.now();
    const { changes } = await withBackoff(
      async () => watch.next({ maxWaitSeconds: WAIT_SECONDS, signal }),
      {
        firstMs: 500,
        maxMs: 15_000,
        signal,
        isWorthRetrying: (error) => isConnectionLost(error) && Date.now() < lostAtMs + OUTAGE_MS,
      },
    );
    for (const { properties } of changes) {
      for (const [path, value] of properties) info.set(path, value);
      const progress = numberSchema.safeParse(properties.get('info.progress'));
      if (progress.success) onProgress?.(progress.data);
    }
    const state = stateSchema.safeParse(info.get('info.state')).data;
    if (state === 'success') return info.get('info.result');
    if (state === 'error') throw taskFault(info.get('info.error'));
  }
}

function taskFault(error: VimData | undefined): VimFault {
  const { fault = {}, localizedMessage } = errorSchema.parse(error ?? {});
  const kind = fault['_typeName'];
  return new VimFault(typeof kind === 'string' ? kind : 'Unknown', localizedMessage, fault);
}
