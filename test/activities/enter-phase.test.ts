import { describe, expect, it } from '@jest/globals';
import { createEnterPhase } from '../../activities/enter-phase.ts';
import { createNoteSourcePower } from '../../activities/note-source-power.ts';
import { InvariantViolation } from '../../shared/domain/assert.ts';
import { errorRecord } from '../../shared/errors/failback-error.ts';
import { MAX_JOB_EVENTS } from '../../shared/policy/limits.ts';
import { anItem, aJob } from '../support/memory/builders.ts';
import { aWorld, stateOf } from '../support/memory/memory-world.ts';
import { ref } from './cases.ts';

const toPreparing = {
  ...ref,
  phase: 'preparing',
  message: 'Preparing',
  isRehearsal: false,
} as const;

describe('enterPhase', () => {
  it('shows the phase in the item and in the job, with the time and the words', async () => {
    const world = aWorld();
    await createEnterPhase(world)(toPreparing);
    expect(world.stores.items.must('web-01').phase).toBe('preparing');
    const { phase, state, history } = world.stores.jobs.must('fb-1');
    expect({ phase, state }).toEqual({ phase: 'preparing', state: 'running' });
    expect(history).toEqual([
      { at: '2026-03-01T12:00:00.000Z', phase: 'preparing', message: 'Preparing' },
    ]);
  });

  it('refuses a step that the table of phases does not have, and changes nothing', async () => {
    const world = aWorld();
    const before = stateOf(world);
    const entering = createEnterPhase(world)({ ...toPreparing, phase: 'committing' });
    await expect(entering).rejects.toThrow(InvariantViolation);
    await expect(entering).rejects.toThrow('committing cannot follow failedOver');
    expect(stateOf(world)).toEqual(before);
  });

  it('leaves the item alone in a rehearsal', async () => {
    const world = aWorld();
    await createEnterPhase(world)({ ...toPreparing, phase: 'booting', isRehearsal: true });
    expect(world.stores.items.must('web-01').phase).toBe('failedOver');
    expect(world.stores.jobs.must('fb-1').phase).toBe('booting');
  });

  it('does not bring a job back to life that has ended', async () => {
    const world = aWorld();
    const ended = aJob({ state: 'cancelled', endedAt: '2026-03-01T11:00:00.000Z' });
    world.stores.jobs.put(ended);
    await createEnterPhase(world)(toPreparing);
    expect(world.stores.jobs.must('fb-1')).toEqual(ended);
  });

  it('keeps the state that it is given: a gate waits for the operator', async () => {
    const world = aWorld();
    world.stores.items.put(anItem({ phase: 'booting', activeJobId: 'fb-1' }));
    const gate = {
      ...ref,
      phase: 'commitPending',
      message: 'Waiting',
      isRehearsal: false,
    } as const;
    await createEnterPhase(world)({ ...gate, state: 'waitingForOperator' });
    expect(world.stores.jobs.must('fb-1').state).toBe('waitingForOperator');
  });

  it('keeps the newest lines of a long history', async () => {
    const world = aWorld();
    const enter = createEnterPhase(world);
    for (let line = 0; line < MAX_JOB_EVENTS + 5; line += 1) {
      await enter({ ...toPreparing, message: `line ${line}` });
    }
    const { history } = world.stores.jobs.must('fb-1');
    expect(history).toHaveLength(MAX_JOB_EVENTS);
    expect(history[0]?.message).toBe('line 5');
    expect(history.at(-1)?.message).toBe(`line ${MAX_JOB_EVENTS + 4}`);
  });

  it('notes the same words again when something else was in between', async () => {
    const world = aWorld();
    const enter = createEnterPhase(world);
    await enter({ ...toPreparing, message: 'a' });
    await enter({ ...toPreparing, message: 'b' });
    await enter({ ...toPreparing, message: 'a' });
    const lines = world.stores.jobs.must('fb-1').history.map(({ message }) => message);
    expect(lines).toEqual(['a', 'b', 'a']);
  });

  it('ends the open task, begins the next and notes both for the log of events', async () => {
    const world = aWorld();
    const enter = createEnterPhase(world);
    await enter({ ...toPreparing, task: 'preflight' });
    world.clock.advance(1_000);
    const error = errorRecord('FB-ORC-005');
    const back = { ...ref, phase: 'rollingBack', message: 'Back', isRehearsal: false } as const;
    world.stores.items.put(anItem({ phase: 'preparing', activeJobId: 'fb-1' }));
    await enter({ ...back, task: 'rollBack', error });
    expect(world.stores.jobs.must('fb-1').tasks).toEqual([
      {
        name: 'preflight',
        state: 'cancelled',
        startedAt: '2026-03-01T12:00:00.000Z',
        endedAt: '2026-03-01T12:00:01.000Z',
        error,
      },
      {
        name: 'rollBack',
        state: 'running',
        startedAt: '2026-03-01T12:00:01.000Z',
        endedAt: null,
      },
    ]);
    expect(world.stores.events.all()).toMatchObject([
      { kind: 'jobStep', caller: 'system', message: 'Back', code: 'FB-ORC-005', jobId: 'fb-1' },
      { kind: 'jobStep', message: 'Preparing', code: null, itemId: 'web-01' },
    ]);
  });

  it('that opens a gate forgets what was asked for at the gate before, once', async () => {
    const world = aWorld();
    const at = '2026-03-01T11:59:00.000Z';
    const asked = { resume: at, cancel: at };
    world.stores.items.put(anItem({ phase: 'booting', activeJobId: 'fb-1' }));
    world.stores.jobs.put(aJob({ phase: 'booting', gate: 'boot-gate-0', intents: asked }));
    const gate = { ...ref, message: 'Decide', isRehearsal: false, gate: 'boot-gate-1' } as const;
    const enter = createEnterPhase(world);
    await enter({ ...gate, phase: 'bootFailed', state: 'waitingForOperator' });
    expect(world.stores.jobs.must('fb-1').intents).toEqual({ cancel: at });
    world.stores.jobs.put({ ...world.stores.jobs.must('fb-1'), intents: asked });
    await enter({ ...gate, phase: 'bootFailed', state: 'waitingForOperator' });
    expect(world.stores.jobs.must('fb-1').intents).toEqual(asked);
  });

  it.each([
    ['failedOver', 'rollingBack', false],
    ['committing', 'commitPending', false],
    ['finalDelta', 'shuttingDownSource', true],
  ] as const)('%s after %s: remembers how the VM was is %s', async (phase, before, isKept) => {
    const world = aWorld();
    world.stores.items.put(anItem({ phase: before, activeJobId: 'fb-1', wasSourceRunning: false }));
    await createEnterPhase(world)({ ...ref, phase, message: 'x', isRehearsal: false });
    expect('wasSourceRunning' in world.stores.items.must('web-01')).toBe(isKept);
  });
});

describe('noteSourcePower', () => {
  it.each([
    ['running', true],
    ['changing', true],
    ['stopped', false],
    ['deallocated', false],
  ] as const)('of a VM that is %s notes %s, once', async (power, wasSourceRunning) => {
    const world = aWorld();
    world.vms.must('rg-dr/web-01-azure').power = power;
    const note = createNoteSourcePower(world);
    await note(ref);
    expect(world.stores.items.must('web-01')).toMatchObject({ wasSourceRunning });
    world.vms.must('rg-dr/web-01-azure').power = wasSourceRunning ? 'stopped' : 'running';
    await note(ref);
    expect(world.stores.items.must('web-01')).toMatchObject({ wasSourceRunning });
  });
});
