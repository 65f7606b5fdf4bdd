import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { type Phase, PHASES } from '../../../../shared/domain/phases.ts';
import {
  allowedPlanActions,
  isFailure,
  isWatched,
  MACHINE_STATES,
  nextMoves,
  observe,
  PLAN_STAGES,
  type PlanMachine,
} from '../../../../shared/domain/plan-run.ts';
import { FAILURE_POLICIES } from '../../../../shared/domain/recovery-plan.ts';
import { errorRecord } from '../../../../shared/errors/failback-error.ts';
import { aJob, NOW } from '../../../support/memory/builders.ts';
import { aRun } from '../../../support/memory/plan-builders.ts';

const machine = (state: PlanMachine['state'], more: Partial<PlanMachine> = {}): PlanMachine => ({
  itemId: 'web-01',
  itemName: 'Web',
  jobId: 'fb-1',
  state,
  ...more,
});

describe('a machine of a plan', () => {
  const EXPECTED: Record<Phase, PlanMachine['state']> = {
    failedOver: 'preparing',
    preparing: 'preparing',
    initialReplication: 'preparing',
    replicating: 'ready',
    shuttingDownSource: 'failingOver',
    finalDelta: 'failingOver',
    booting: 'failingOver',
    bootFailed: 'failingOver',
    commitPending: 'home',
    committing: 'committing',
    waitingForAgent: 'committing',
    reverseReplicating: 'committing',
    protected: 'committing',
    rollingBack: 'rollingBack',
  };

  it.each(PHASES)('is seen by its job in %s', (phase) => {
    expect(observe(machine('waiting'), aJob({ phase })).state).toBe(EXPECTED[phase]);
  });

  it.each(PHASES)(
    'with a cancelled job in %s goes back, unless it is too late for that',
    (phase) => {
      const { state } = observe(machine('waiting'), aJob({ phase, intents: { cancel: NOW } }));
      const isLate = EXPECTED[phase] === 'committing';
      expect(state).toBe(isLate ? 'committing' : 'rollingBack');
    },
  );

  it('counts an order that was given before the job follows it', () => {
    const asked = aJob({ phase: 'replicating', intents: { failover: NOW } });
    expect(observe(machine('ready'), asked).state).toBe('failingOver');
    const committed = aJob({ phase: 'commitPending', intents: { commit: NOW } });
    expect(observe(machine('home'), committed).state).toBe('committing');
  });

  it('keeps the reason of its failure, short', () => {
    const error = errorRecord('FB-REQ-002', { kind: 'x'.repeat(999), id: '1' });
    const seen = observe(machine('failingOver'), aJob({ state: 'failed', error, endedAt: NOW }));
    expect(seen).toMatchObject({ state: 'failed', error: { code: 'FB-REQ-002' } });
    expect(seen.error?.message.length).toBeLessThanOrEqual(200);
    expect(seen.error?.message).toContain('shortened');
  });

  it('that is put back before its shutdown has failed for the plan, which would ask for ever', () => {
    const error = errorRecord('FB-RCV-019', { itemName: 'web', reason: 'the agent is silent' });
    const heldBack = { at: NOW, gate: 'replication-2', error };
    const job = aJob({ phase: 'replicating', heldBack });
    expect(observe(machine('failingOver'), job)).toMatchObject({
      state: 'failed',
      error: { code: 'FB-RCV-019' },
    });
    expect(observe(machine('preparing'), job).state).toBe('ready');
    const asked = { ...job, intents: { failover: NOW } };
    expect(observe(machine('failingOver'), asked).state).toBe('failingOver');
  });

  it('is left as it is while its job is not there yet', () => {
    const waiting = machine('waiting');
    expect(observe(waiting, null)).toBe(waiting);
  });
});

const situation = fc.record({
  stage: fc.constantFrom(...PLAN_STAGES),
  machines: fc.array(
    fc.record({
      state: fc.constantFrom(...MACHINE_STATES),
      isLeftBehind: fc.boolean(),
    }),
    { maxLength: 12 },
  ),
  limit: fc.integer({ min: 1, max: 5 }),
  onFailure: fc.constantFrom(...FAILURE_POLICIES),
  isCancelAsked: fc.boolean(),
});

describe('the next moves of a stage', () => {
  const decide = (it: Parameters<Parameters<typeof situation.map>[0]>[0]) => {
    const machines = it.machines.map((each, index) =>
      machine(each.state, { itemId: String(index), isLeftBehind: each.isLeftBehind }),
    );
    return { machines, ...nextMoves({ ...it, machines }) };
  };

  it('never let more machines be under way than the limit, but for a rollback', () => {
    fc.assert(
      fc.property(situation, (it) => {
        const { machines, moved } = decide(it);
        if (it.stage === 'rollBack' || moved.length === 0) return;
        const underWay = machines.filter((each) => isWatched(it.stage, each)).length;
        expect(underWay + moved.length).toBeLessThanOrEqual(it.limit);
      }),
      { numRuns: 1000, seed: 1 },
    );
  });

  it('move nobody forward after a cancel, nor after a failure unless the plan says continue', () => {
    fc.assert(
      fc.property(situation, (it) => {
        const { machines, moved } = decide(it);
        const isForward = it.stage !== 'rollBack' && it.stage !== 'commit';
        const isStopped = machines.some(isFailure) && it.onFailure !== 'continue';
        if (isForward && (it.isCancelAsked || isStopped)) expect(moved).toEqual([]);
      }),
      { numRuns: 1000, seed: 2 },
    );
  });

  it('never hang: a stage is under way only if somebody is on the way or is moved now', () => {
    fc.assert(
      fc.property(situation, (it) => {
        const { machines, moved, verdict } = decide(it);
        if (verdict !== 'underWay') return;
        const watched = machines.filter((each) => isWatched(it.stage, each));
        expect(watched.length + moved.length).toBeGreaterThan(0);
      }),
      { numRuns: 1000, seed: 3 },
    );
  });

  it('are taken in the order of the plan', () => {
    const machines = ['a', 'b', 'c'].map((itemId) => machine('ready', { itemId }));
    const rest = { onFailure: 'stop', isCancelAsked: false } as const;
    const { moved } = nextMoves({ stage: 'failOver', machines, limit: 2, ...rest });
    expect(moved.map(({ itemId }) => itemId)).toEqual(['a', 'b']);
  });

  it('take all back at once, whatever the limit', () => {
    const machines = ['a', 'b', 'c'].map((itemId) => machine('home', { itemId }));
    const rest = { onFailure: 'stop', isCancelAsked: true } as const;
    expect(nextMoves({ stage: 'rollBack', machines, limit: 1, ...rest }).moved).toHaveLength(3);
  });
});

describe('what a person may ask of a run', () => {
  const gate = { key: 'k', message: 'm', since: NOW, instanceId: 'i' };

  it.each([
    ['failover', ['resume', 'cancel']],
    ['points', ['resume', 'cancel']],
    ['pause', ['resume', 'cancel']],
    ['failure', ['resume', 'cancel']],
    ['manual', ['complete', 'cancel']],
    ['commit', ['commit', 'cancel']],
  ] as const)('at the gate %s is %j', (kind, allowed) => {
    expect(allowedPlanActions(aRun({ gate: { ...gate, kind } }))).toEqual(allowed);
  });

  it('is to cancel while it runs, and nothing once it was cancelled, committed or is over', () => {
    expect(allowedPlanActions(aRun())).toEqual(['cancel']);
    expect(allowedPlanActions(aRun({ cancelAskedAt: NOW }))).toEqual([]);
    const decisions = { commit: { decision: 'commit', note: '' } } as const;
    expect(allowedPlanActions(aRun({ decisions }))).toEqual([]);
    expect(allowedPlanActions(aRun({ state: 'failed' }))).toEqual([]);
  });
});
