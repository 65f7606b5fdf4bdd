/**
 * The SDK numbers its tasks itself and tells nobody. Watching it hand out the numbers gives the exact
 * ids that TaskScheduled, TimerCreated and SubOrchestrationInstanceCreated events must carry.
 */

/** One numbered task of the running turn. */
export type CapturedTask = { readonly id: number } & (
  | { readonly kind: 'activity'; readonly name: string; readonly input: unknown }
  | {
      readonly kind: 'subOrchestration';
      readonly name: string;
      readonly input: unknown;
      readonly instanceId: string | undefined;
    }
  | { readonly kind: 'timer'; readonly fireAt: Date; readonly isCanceled: () => boolean }
  | { readonly kind: 'retryTimer'; readonly delayMs: number }
  | { readonly kind: 'unsupported'; readonly what: string }
);

interface Action {
  readonly constructor: { readonly name: string };
  readonly functionName?: string;
  readonly input?: unknown;
  readonly instanceId?: string;
  readonly fireAt?: Date;
  readonly isCanceled?: boolean;
  readonly compoundActions?: readonly Action[];
}

interface RetryOptions {
  readonly firstRetryIntervalInMilliseconds: number;
  readonly backoffCoefficient?: number;
  readonly maxRetryIntervalInMilliseconds?: number;
}

interface Task {
  id: number | string | false;
  readonly children?: readonly Task[];
  readonly actionObj?: Action;
  readonly parent?: Task;
  readonly retryOptions?: RetryOptions;
}

interface Executor {
  readonly actions: readonly Action[];
  trackOpenTask: (this: Executor, task: Task) => void;
  execute: (
    this: Executor,
    context: { df: { instanceId: string } },
    ...rest: unknown[]
  ) => Promise<unknown>;
}

export interface Turn {
  readonly tasks: readonly CapturedTask[];
  /** Names of tasks that were put into a second any/all: the real host would schedule them twice. */
  readonly scheduledTwice: readonly string[];
}

const PATCHED = Symbol('capturing');
const captures = new WeakMap<object, CapturedTask[]>();
const turns = new Map<string, Executor>();

/** Patches the app's own copy of the executor class. Doing it twice changes nothing. */
export function installTaskCapture(executorModule: unknown): void {
  const { TaskOrchestrationExecutor } = executorModule as {
    TaskOrchestrationExecutor: { prototype: Executor & { [PATCHED]?: boolean } };
  };
  const prototype = TaskOrchestrationExecutor.prototype;
  if (prototype[PATCHED] === true) return;
  prototype[PATCHED] = true;

  const { trackOpenTask, execute } = prototype;
  prototype.trackOpenTask = function capture(this: Executor, task) {
    const isNew = task.children === undefined && task.id === false;
    if (isNew) {
      // The id is handed out before anything else happens; the rest may already complete the task.
      const list = captures.get(this) ?? [];
      captures.set(this, list);
      const place = list.length;
      const id = (this as unknown as { sequenceNumber: number }).sequenceNumber;
      list[place] = describe(id, task);
    }
    trackOpenTask.call(this, task);
  };
  prototype.execute = async function remember(this: Executor, context, ...rest) {
    turns.set(context.df.instanceId, this);
    return execute.call(this, context, ...rest);
  };
}

/** What the latest turn of the instance numbered. */
export function capturedTurn(instanceId: string): Turn {
  const executor = turns.get(instanceId);
  turns.delete(instanceId);
  if (executor === undefined) return { tasks: [], scheduledTwice: [] };
  return {
    tasks: captures.get(executor) ?? [],
    scheduledTwice: duplicates(executor.actions.flatMap(leaves)),
  };
}

function describe(id: number, task: Task): CapturedTask {
  const retry = task.parent?.retryOptions === undefined ? undefined : task.parent;
  if (retry !== undefined) return describeAttempt(id, retry, task);
  return describeAction(id, task.actionObj);
}

/** Children of a retryable task: attempt, timer, attempt, timer, … */
function describeAttempt(id: number, retry: Task, task: Task): CapturedTask {
  const index = retry.children?.indexOf(task) ?? 0;
  if (index % 2 === 0) return describeAction(id, retry.actionObj);
  return { id, kind: 'retryTimer', delayMs: retryDelayMs(retry.retryOptions, (index + 1) / 2) };
}

function retryDelayMs(options: RetryOptions | undefined, failures: number): number {
  if (options === undefined) return 0;
  const { firstRetryIntervalInMilliseconds: first, backoffCoefficient = 1 } = options;
  const delay = first * backoffCoefficient ** (failures - 1);
  return Math.min(delay, options.maxRetryIntervalInMilliseconds ?? Number.POSITIVE_INFINITY);
}

function describeAction(id: number, action: Action | undefined): CapturedTask {
  const what = action?.constructor.name ?? 'unknown';
  const { functionName: name = '', input, instanceId } = action ?? {};
  switch (what) {
    case 'CallActivityAction':
    case 'CallActivityWithRetryAction':
      return { id, kind: 'activity', name, input };
    case 'CallSubOrchestratorAction':
    case 'CallSubOrchestratorWithRetryAction':
      return { id, kind: 'subOrchestration', name, input, instanceId };
    case 'CreateTimerAction':
      return {
        id,
        kind: 'timer',
        fireAt: action?.fireAt ?? new Date(0),
        isCanceled: () => action?.isCanceled === true,
      };
    default:
      return { id, kind: 'unsupported', what };
  }
}

function leaves(action: Action): readonly Action[] {
  return action.compoundActions === undefined ? [action] : action.compoundActions.flatMap(leaves);
}

/** Waiting for an event costs nothing on the host, so a repeated waiter is no second scheduling. */
function duplicates(actions: readonly Action[]): readonly string[] {
  const seen = new Set<Action>();
  const twice = new Set<string>();
  for (const action of actions) {
    const isWaiter = action.constructor.name === 'WaitForExternalEventAction';
    if (seen.has(action) && !isWaiter) twice.add(action.functionName ?? action.constructor.name);
    seen.add(action);
  }
  return [...twice];
}
