import { describe, expect, it } from '@jest/globals';
import type { OrchestrationHandler } from 'durable-functions';
import { EVENT, event } from '../../../local/functions-host/durable/history.ts';
import { replayActions, startOfHistory } from '../../support/replay-actions.ts';

const START = new Date('2026-11-01T00:00:00Z');
const LATER = new Date('2026-11-01T00:00:01Z');

const twoSteps: OrchestrationHandler = function* (context) {
  const first: unknown = yield context.df.callActivity('first', 'text');
  if (first === 'break') throw new Error('broken');
  const second: unknown = yield context.df.callActivity('second', { first });
  return [first, second];
};

const firstCompleted = (result: unknown) => [
  event(EVENT.taskScheduled, START, { EventId: 0, Name: 'first' }),
  event(EVENT.orchestratorCompleted, START),
  event(EVENT.orchestratorStarted, LATER),
  event(EVENT.taskCompleted, LATER, { TaskScheduledId: 0, Result: JSON.stringify(result) }),
];

describe('replayActions', () => {
  it('returns what an orchestrator asks for first, with a string encoded twice as the SDK does', async () => {
    expect(await replayActions(twoSteps, startOfHistory(START))).toMatchObject({
      isDone: false,
      actions: [{ actionType: 0, functionName: 'first', input: '"text"' }],
    });
  });

  it('returns all actions since the start after a result', async () => {
    const history = [...startOfHistory(START), ...firstCompleted(1)];
    expect(await replayActions(twoSteps, history)).toMatchObject({
      isDone: false,
      actions: [{ functionName: 'first' }, { functionName: 'second', input: { first: 1 } }],
    });
  });

  it('returns the error of an orchestrator that throws', async () => {
    const history = [...startOfHistory(START), ...firstCompleted('break')];
    expect(await replayActions(twoSteps, history)).toMatchObject({
      isDone: false,
      error: 'broken',
    });
  });
});
