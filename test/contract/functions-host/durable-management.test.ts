import { describe, expect, it } from '@jest/globals';
import { MINUTE, useEngine } from './engine-fixture.ts';

const engine = useEngine();

describe('durable management', () => {
  it('holds a suspended instance until it is resumed', async () => {
    const it = engine.begin();
    it.start('timerOrEvent', 'i', null);
    await it.settle();
    expect(it.management.suspend('i')).toBe('done');
    it.raiseEvent('i', 'go', 'held');
    await it.settle();
    expect(it.status('i').runtimeStatus).toBe('Suspended');
    it.management.resume('i');
    await it.settle();
    expect(it.status('i').output).toBe('held');
  });

  it('terminates for good: later events are answered with "ended"', async () => {
    const it = engine.begin();
    it.start('timerOrEvent', 'i', null);
    await it.settle();
    it.management.terminate('i', 'enough');
    await it.advanceBy(20 * MINUTE);
    expect(it.status('i')).toMatchObject({ runtimeStatus: 'Terminated', output: 'enough' });
    expect(it.management.raiseEvent('i', 'go', 'null')).toBe('ended');
  });

  it('rewinds a failed instance so that only the failed activity runs again', async () => {
    const it = engine.begin();
    engine.failuresLeft = 3;
    it.start('retrying', 'i', null);
    await it.advanceBy(MINUTE);
    expect(it.status('i').runtimeStatus).toBe('Failed');
    expect(it.management.rewind('i')).toBe('done');
    await it.advanceBy(MINUTE);
    expect(it.status('i')).toMatchObject({ runtimeStatus: 'Completed', output: 5 });
    expect(it.management.rewind('i')).toBe('refused');
  });

  it('refuses a second instance of an id that still runs, and takes the id again afterwards', async () => {
    const it = engine.begin();
    it.start('timerOrEvent', 'i', null);
    await it.settle();
    expect(() => it.start('timerOrEvent', 'i', null)).toThrow(/already exists/);
    it.management.terminate('i', '');
    it.start('chain', 'i', null);
    await it.settle();
    expect(it.status('i')).toMatchObject({ name: 'chain', runtimeStatus: 'Completed' });
  });

  it('purges what has ended and nothing else', async () => {
    const it = engine.begin();
    it.start('chain', 'ended', null);
    it.start('timerOrEvent', 'running', null);
    await it.settle();
    expect(it.management.purge(() => true)).toBe(1);
    expect(it.management.status('ended')).toBeNull();
    expect(it.management.status('running')?.runtimeStatus).toBe('Running');
  });

  it('restarts an ended instance with its first input', async () => {
    const it = engine.begin();
    it.start('counter', 'i', 3);
    await it.settle();
    expect(it.management.restart('i', false)).toBe('i');
    await it.settle();
    expect(engine.calls).toEqual(['work 3', 'work 3']);
  });
});
