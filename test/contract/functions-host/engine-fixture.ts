import { afterEach } from '@jest/globals';
import * as df from 'durable-functions';
import { DurableHarness } from '../../support/durable-harness.ts';

export const MINUTE = 60_000;

const retry = (): df.RetryOptions => {
  const options = new df.RetryOptions(1000, 3);
  options.backoffCoefficient = 2;
  return options;
};

/** One for each thing that an orchestrator can wait for. */
const orchestrations: Record<string, df.OrchestrationHandler> = {
  chain: function* (context) {
    const first: unknown = yield context.df.callActivity('work', 'hello');
    const second: unknown = yield context.df.callActivity('work', { n: 1 });
    const third: unknown = yield context.df.callActivity('nothing');
    return [first, second, third ?? null];
  },
  retrying: function* (context) {
    return (yield context.df.callActivityWithRetry('flaky', retry(), 5)) as unknown;
  },
  timerOrEvent: function* (context) {
    const event = context.df.waitForExternalEvent('go');
    const timer = context.df.createTimer(
      new Date(context.df.currentUtcDateTime.getTime() + 10 * MINUTE),
    );
    const winner: unknown = yield context.df.Task.any([event, timer]);
    if (winner === event) timer.cancel();
    return winner === event ? event.result : 'timer';
  },
  parent: function* (context) {
    const ids = ['child-a', 'child-b'];
    const children = ids.map((id) => context.df.callSubOrchestrator('child', id, id));
    return (yield context.df.Task.all(children)) as unknown;
  },
  child: function* (context) {
    yield context.df.createTimer(new Date(context.df.currentUtcDateTime.getTime() + MINUTE));
    return `${context.df.getInput<string>()} done`;
  },
  brokenChild: function* (context) {
    yield context.df.callActivity('work', 1);
    throw new Error('child broke');
  },
  parentOfBroken: function* (context) {
    try {
      yield context.df.callSubOrchestrator('brokenChild', null, 'broken');
    } catch (error) {
      return `caught ${String(error)}`;
    }
    return 'not caught';
  },
  counter: function* (context) {
    const count = context.df.getInput<number>();
    yield context.df.callActivity('work', count);
    if (count < 3) context.df.continueAsNew(count + 1);
    return count;
  },
};

/** The engine of one test, with orchestrations that do one thing each. */
class EngineFixture {
  /** The activities that ran, in order. */
  calls: string[] = [];
  /** So often will the activity `flaky` still fail. */
  failuresLeft = 0;
  readonly #more: Readonly<Record<string, df.OrchestrationHandler>>;
  #harness: DurableHarness | undefined;

  constructor(more: Readonly<Record<string, df.OrchestrationHandler>>) {
    this.#more = more;
  }

  /** An engine with nothing in its history; a later one of the same test has no calls and failures yet. */
  begin(): DurableHarness {
    this.end();
    this.calls = [];
    this.failuresLeft = 0;
    this.#harness = new DurableHarness({
      orchestrations: { ...orchestrations, ...this.#more },
      activities: {
        work: (input: unknown) => {
          this.calls.push(`work ${JSON.stringify(input)}`);
          return input;
        },
        nothing: () => undefined,
        flaky: (input: unknown) => {
          this.calls.push('flaky');
          if (this.failuresLeft > 0) {
            this.failuresLeft -= 1;
            throw new Error('injected error');
          }
          return input;
        },
      },
    });
    return this.#harness;
  }

  end(): void {
    this.#harness?.dispose();
    this.#harness = undefined;
  }
}

/** Ends the engine of each test of the file it is called in; `more` are orchestrations of that file alone. */
export function useEngine(
  more: Readonly<Record<string, df.OrchestrationHandler>> = {},
): EngineFixture {
  const engine = new EngineFixture(more);
  afterEach(() => engine.end());
  return engine;
}
