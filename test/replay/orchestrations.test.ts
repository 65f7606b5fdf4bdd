import { describe, expect, it } from '@jest/globals';
import type { OrchestrationHandler } from 'durable-functions';
import { ORCHESTRATIONS } from '../../functions/composition/orchestrations.ts';
import { differenceTo, type Golden, goldenNames, readGolden, writeGoldens } from './golden.ts';
import { recordHistories } from './record.ts';

if (process.env['UPDATE_GOLDENS'] === '1') {
  it('records new goldens because UPDATE_GOLDENS is set', async () => {
    await writeGoldens(await recordHistories(), ORCHESTRATIONS);
    expect(goldenNames().length).toBeGreaterThan(0);
  });
}

describe('an orchestration that is replayed over a history from before', () => {
  it.each(goldenNames())('asks for the same, step by step: %s', async (name) => {
    const golden = readGolden(name);
    expect(await differenceTo(golden, ORCHESTRATIONS[golden.orchestration])).toBeNull();
  });

  it('has a golden, whichever it is', () => {
    const recorded = new Set(goldenNames().map((name) => readGolden(name).orchestration));
    expect([...recorded].toSorted()).toEqual(Object.keys(ORCHESTRATIONS).toSorted());
  });
});

describe('the comparison with the goldens', () => {
  const golden = (): Golden => readGolden('reprotect');
  const original: OrchestrationHandler = ORCHESTRATIONS.reprotect;

  it('bites when a step is put in front', async () => {
    const changed: OrchestrationHandler = function* (context) {
      yield context.df.callActivity('readItem', { itemId: 'web' });
      return yield* original(context);
    };
    expect(await differenceTo(golden(), changed)).toMatch(/"reprotect" .* at its step 0/);
  });

  it('bites when a step is left out', async () => {
    const changed: OrchestrationHandler = function* (context) {
      const steps = original(context);
      steps.next();
      let step = steps.next({ ok: true, value: null });
      while (step.done !== true) step = steps.next((yield step.value) as never);
      return step.value;
    };
    expect(await differenceTo(golden(), changed)).toMatch(/"reprotect" .* at its step 0/);
  });

  it('bites when the orchestration ends early', async () => {
    const changed: OrchestrationHandler = function* () {
      yield* [];
      return null;
    };
    expect(await differenceTo(golden(), changed)).toContain('now:    (nothing)');
  });

  it('bites when a step gets another input', async () => {
    const changed: OrchestrationHandler = function* (context) {
      const input = { ...(golden().input as object), jobId: 'another' };
      context.df.getInput = <T>() => input as T;
      return yield* original(context);
    };
    expect(await differenceTo(golden(), changed)).toContain('another');
  });

  it('bites when the orchestration throws, and says how to go on', async () => {
    const changed: OrchestrationHandler = function* (context) {
      yield context.df.callActivity('bindSite');
      throw new Error('a defect');
    };
    const text = await differenceTo(golden(), changed);
    expect(text).toContain('a defect');
    expect(text).toContain('UPDATE_GOLDENS=1 npx jest --selectProjects replay');
    expect(text).toContain('on their way while this version is deployed');
  });
});
