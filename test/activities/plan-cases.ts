import { errorRecord } from '../../shared/errors/failback-error.ts';
import { aJob, anItem, NOW, POINTS } from '../support/memory/builders.ts';
import type { MemoryWorld } from '../support/memory/memory-world.ts';
import { aDefinition, aPlan, aRun, WEBHOOK } from '../support/memory/plan-builders.ts';
import type { ActivityCase } from './cases.ts';

const run = { runId: 'pr-1' } as const;
const stored =
  (changes: Parameters<typeof aRun>[0] = {}) =>
  ({ stores }: MemoryWorld): void =>
    stores.planRuns.put(aRun(changes));

const action = {
  state: 'running',
  attempts: 1,
  startedAt: NOW,
  endedAt: null,
  detail: '',
} as const;
const ready = {
  itemId: 'web-01',
  itemName: 'Web server 1',
  jobId: 'fb-1',
  state: 'ready',
} as const;

const BROKEN = { orchestration: 'planStage', reason: 'the storage' };

type PlanActivity =
  | 'agreeOnGroupPoint'
  | 'beginPlanRun'
  | 'drivePlanStage'
  | 'choosePlanPoints'
  | 'beginPlanGroup'
  | 'endPlanGroup'
  | 'beginPlanAction'
  | 'endPlanAction'
  | 'callPlanWebhook'
  | 'findConfigurationServer'
  | 'openPlanGate'
  | 'readPlanGate'
  | 'interruptPlanRun'
  | 'finishPlanRun';

/** The activities of recovery plans. */
export const PLAN_CASES: { readonly [N in PlanActivity]: ActivityCase<N> } = {
  agreeOnGroupPoint: {
    input: { groupId: 'pr-1-shop', intervalMinutes: 60, cycleIntervalSeconds: 300 },
    answers: { take: null },
  },
  beginPlanRun: {
    arrange: stored(),
    input: run,
    answers: { kind: 'failback', groupIds: ['first'], isFailoverAutomatic: false },
  },
  drivePlanStage: {
    arrange: (world) => {
      world.stores.items.put(anItem());
      // Chosen by an attempt before; that a new id is kept, the tests with a killed host show.
      stored({ machines: { 'web-01': { ...ready, jobId: 'fb-070', state: 'waiting' } } })(world);
    },
    input: { ...run, stage: 'prepare', groupId: null },
    answers: { verdict: 'underWay', settled: 0, underWay: 1, leftBehind: 0 },
  },
  choosePlanPoints: {
    arrange: (world) => {
      const points = POINTS.map((point) => ({ ...point, groupPointId: `g-${point.pointId}` }));
      world.stores.items.put(anItem({ activeJobId: 'fb-1', recoveryPoints: points }));
      world.stores.jobs.put(aJob({ phase: 'replicating', state: 'waitingForOperator' }));
      const replicationGroups = [{ id: 'shop', itemIds: ['web-01'] }];
      stored({
        recoveryPoint: 'latestApplicationConsistent',
        definition: aDefinition({ replicationGroups }),
        machines: { 'web-01': ready },
      })(world);
    },
    input: run,
    answers: { refusal: null, isHeld: true, round: 0, hasStragglers: false },
  },
  beginPlanGroup: {
    arrange: stored(),
    input: { ...run, groupId: 'first' },
    answers: {
      isDone: false,
      kind: 'failback',
      preActions: ['dns'],
      postActions: [],
      pause: null,
    },
  },
  endPlanGroup: {
    arrange: stored({ groups: { first: { startedAt: NOW, endedAt: null } } }),
    input: { ...run, groupId: 'first' },
    answers: null,
  },
  beginPlanAction: {
    arrange: stored(),
    input: { ...run, actionId: 'dns' },
    answers: { isDone: false, action: WEBHOOK, attempt: 1, onFailure: 'stop' },
  },
  endPlanAction: {
    arrange: stored({ actions: { dns: action } }),
    input: { ...run, actionId: 'dns', state: 'failed', detail: '400 no', code: 'FB-RCV-008' },
    answers: null,
  },
  callPlanWebhook: {
    arrange: stored(),
    input: { ...run, actionId: 'dns' },
    answers: { outcome: 'delivered', detail: '200 ok' },
  },
  findConfigurationServer: { input: { name: 'cs1' }, answers: { agentId: 'cs-cs1' } },
  openPlanGate: {
    arrange: stored(),
    input: { ...run, key: 'commit', kind: 'commit', message: 'Commit?', instanceId: 'plan-1' },
    answers: null,
  },
  readPlanGate: {
    arrange: stored({
      gate: {
        key: 'pause-first',
        kind: 'pause',
        message: 'Pausing',
        since: NOW,
        untilAt: NOW,
        instanceId: 'plan-1',
      },
    }),
    input: { ...run, key: 'pause-first' },
    answers: { decision: 'elapsed', note: '', untilAt: null },
  },
  interruptPlanRun: {
    arrange: stored(),
    input: { ...run, instanceId: 'plan-pr-1-1', error: errorRecord('FB-ORC-002', BROKEN) },
    answers: null,
  },
  finishPlanRun: {
    arrange: (world) => {
      world.stores.plans.put(aPlan({ activeRunId: 'pr-1' }));
      stored({ machines: { 'web-01': { ...ready, state: 'done' } } })(world);
      world.stores.jobs.put(aJob());
    },
    input: { ...run, error: null },
    answers: null,
  },
};
