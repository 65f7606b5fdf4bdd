import { beforeEach, describe, expect, it } from '@jest/globals';
import { planRunReportSchema } from '../../../shared/contracts/http/recovery-plans.ts';
import type { PlanRun } from '../../../shared/domain/plan-run.ts';
import { errorRecord } from '../../../shared/errors/failback-error.ts';
import { anItem, NOW, POINTS } from '../../support/memory/builders.ts';
import { callRoute, problemOf } from '../../support/memory/call-route.ts';
import { emptyWorld, type MemoryWorld } from '../../support/memory/memory-world.ts';
import { aDefinition, aPlan, aRun } from '../../support/memory/plan-builders.ts';
import { must } from '../../support/must.ts';

let world: MemoryWorld;
const params = { id: 'shop', runId: 'pr-1' };
const gate = {
  key: 'commit',
  kind: 'commit',
  message: 'Commit?',
  since: NOW,
  instanceId: 'i-1',
} as const;

beforeEach(() => {
  world = emptyWorld();
  world.stores.plans.put(aPlan({ activeRunId: 'pr-1' }));
  world.stores.planRuns.put(aRun({ gate, state: 'waitingForOperator' }));
  world.orchestrator.running.add('plan-pr-1-1');
});

describe('a run that stood still', () => {
  const stopped = errorRecord('FB-ORC-001', { activity: 'readPlanGate', reason: 'outage' });

  it('shows why, offers to go on, and waits for nobody meanwhile', async () => {
    world.stores.planRuns.put(aRun({ gate, state: 'interrupted', error: stopped }));
    const { json } = await callRoute(world, 'getPlanRun', { params });
    expect(planRunReportSchema.parse(json)).toMatchObject({
      state: 'interrupted',
      waitingFor: null,
      allowedActions: ['resume', 'cancel'],
      error: { code: 'FB-ORC-001' },
      endedAt: null,
    });
  });

  it('is taken up although its orchestration is in its last turn', async () => {
    world.stores.planRuns.put(aRun({ gate, state: 'interrupted', error: stopped }));
    expect((await callRoute(world, 'resumePlanRun', { params })).status).toBe(202);
    expect(world.orchestrator.started).toMatchObject([{ instanceId: 'plan-pr-1-2' }]);
    const taken = { state: 'running', error: null, attempt: 2, gate };
    expect(world.stores.planRuns.must('pr-1')).toMatchObject(taken);
  });

  it('is started once where two people resume it at the same moment', async () => {
    world.orchestrator.running.clear();
    let isFirst = true;
    world.stores.planRuns.beforeReplace = async () => {
      if (!isFirst) return;
      isFirst = false;
      await callRoute(world, 'resumePlanRun', { params });
    };
    expect((await callRoute(world, 'resumePlanRun', { params })).status).toBe(202);
    expect(world.orchestrator.started).toHaveLength(1);
    expect(world.stores.planRuns.must('pr-1').attempt).toBe(2);
  });

  it('is cancelled also where somebody else has just resumed it', async () => {
    world.orchestrator.running.clear();
    let isFirst = true;
    world.stores.planRuns.beforeReplace = async () => {
      if (!isFirst) return;
      isFirst = false;
      await callRoute(world, 'resumePlanRun', { params });
    };
    expect((await callRoute(world, 'cancelPlanRun', { params })).status).toBe(202);
    expect(world.stores.planRuns.must('pr-1').cancelAskedAt).toBe(NOW);
    expect(world.orchestrator.started).toHaveLength(1);
  });

  it('is not called back once the commit was decided', async () => {
    world.orchestrator.running.clear();
    const decisions = { commit: { decision: 'commit', note: '' } } as const;
    world.stores.planRuns.put(aRun({ decisions }));
    const answer = await callRoute(world, 'cancelPlanRun', { params });
    expect(problemOf(answer)).toMatchObject({ status: 409, code: 'FB-RCV-005' });
    expect(world.stores.planRuns.must('pr-1').cancelAskedAt).toBeNull();
    expect(world.orchestrator.started).toEqual([]);
  });

  it('goes on behind the gate that the person named', async () => {
    world.orchestrator.running.clear();
    const at = { ...gate, key: 'failover', kind: 'failover' } as const;
    world.stores.planRuns.put(aRun({ gate: at, state: 'waitingForOperator' }));
    await callRoute(world, 'resumePlanRun', { params, body: { gate: 'failover' } });
    expect(world.stores.planRuns.must('pr-1')).toMatchObject({
      gate: null,
      decisions: { failover: { decision: 'resume' } },
    });
  });
});

describe('a run that waits at another gate than the person saw', () => {
  const pause = { ...gate, key: 'pause-first', kind: 'pause' } as const;

  it('takes no resume, and names the gate that is open', async () => {
    const decisions = { failover: { decision: 'resume', note: '' } } as const;
    world.stores.planRuns.put(aRun({ gate: pause, state: 'waitingForOperator', decisions }));
    const { json } = await callRoute(world, 'getPlanRun', { params });
    expect(json).toMatchObject({ waitingFor: { gate: 'pause-first' } });
    const late = await callRoute(world, 'resumePlanRun', { params, body: { gate: 'failover' } });
    expect(problemOf(late)).toMatchObject({ status: 409, code: 'FB-RCV-015' });
    expect(world.stores.planRuns.must('pr-1').gate).toEqual(pause);
    const right = { params, body: { gate: 'pause-first' } };
    expect((await callRoute(world, 'resumePlanRun', right)).status).toBe(202);
  });

  it('takes no completion of an earlier attempt at the same step', async () => {
    const step = { ...gate, key: 'manual-dns-2', kind: 'manual', actionId: 'dns' } as const;
    world.stores.planRuns.put(aRun({ gate: step, state: 'waitingForOperator' }));
    const request = { params: { ...params, actionId: 'dns' }, body: { gate: 'manual-dns-1' } };
    const answer = await callRoute(world, 'completeManualStep', request);
    expect(problemOf(answer).code).toBe('FB-RCV-015');
  });

  it('takes nothing from whoever saw another state of the run', async () => {
    const seen = (await callRoute(world, 'getPlanRun', { params })).headers['etag'];
    world.stores.planRuns.put(aRun({ gate: pause, state: 'waitingForOperator' }));
    const headers = { 'if-match': must(seen, 'the ETag of the run') };
    for (const name of ['resumePlanRun', 'cancelPlanRun']) {
      const answer = await callRoute(world, name, { params, headers });
      expect(problemOf(answer)).toMatchObject({ status: 412, code: 'FB-REQ-008' });
    }
    expect(world.stores.planRuns.must('pr-1')).toMatchObject({ gate: pause, cancelAskedAt: null });
  });
});

describe('a run that waits before the first machine goes down', () => {
  const machine = {
    itemId: 'web-01',
    itemName: 'Web server 1',
    jobId: 'fb-1',
    state: 'ready',
  } as const;
  const at = { ...gate, key: 'failover', kind: 'failover' } as const;
  const show = async (changes: Partial<PlanRun>): Promise<unknown> => {
    world.stores.items.put(anItem({ recoveryPoints: POINTS }));
    const machines = { 'web-01': machine };
    world.stores.planRuns.put(
      aRun({ gate: at, state: 'waitingForOperator', machines, ...changes }),
    );
    const { json } = await callRoute(world, 'getPlanRun', { params });
    return planRunReportSchema.parse(json).expectedDataLoss;
  };

  it.each([
    ['latest', 0],
    ['latestProcessed', 0.5],
    ['latestApplicationConsistent', 30],
  ])('tells that %s would lose %d minutes, machine by machine', async (recoveryPoint, minutes) => {
    expect(await show({ recoveryPoint })).toEqual({
      largestMinutes: minutes,
      machines: [{ itemId: 'web-01', itemName: 'Web server 1', minutes }],
    });
  });

  it('does not know it of machines without a common point, nor tells it at other gates', async () => {
    const replicationGroups = [{ id: 'g', itemIds: ['web-01', 'web-02'] }];
    const definition = aDefinition({ replicationGroups });
    const recoveryPoint = 'latestApplicationConsistent';
    expect(await show({ recoveryPoint, definition })).toMatchObject({ largestMinutes: null });
    expect(await show({ recoveryPoint, gate })).toBeNull();
  });
});
