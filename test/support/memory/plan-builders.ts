import type { PlanRun } from '../../../shared/domain/plan-run.ts';
import type {
  PlanAction,
  PlanDefinition,
  RecoveryPlan,
} from '../../../shared/domain/recovery-plan.ts';
import { aJob, NOW } from './builders.ts';

export const WEBHOOK: PlanAction = {
  id: 'dns',
  name: 'Switch DNS',
  kind: 'webhook',
  runsIn: ['failback'],
  url: 'https://hooks.example/dns',
  secretName: 'dns',
  timeoutSeconds: 30,
  maxAttempts: 5,
};

export function aDefinition(changes: Partial<PlanDefinition> = {}): PlanDefinition {
  return {
    name: 'Shop',
    groups: [
      {
        id: 'first',
        name: 'Databases',
        itemIds: ['web-01'],
        maxParallel: 10,
        preActions: [WEBHOOK],
        postActions: [],
        pauseAfter: null,
      },
    ],
    replicationGroups: [],
    onFailure: 'stop',
    maxParallel: 20,
    ...changes,
  };
}

export function aPlan(changes: Partial<RecoveryPlan> = {}): RecoveryPlan {
  return { id: 'shop', definition: aDefinition(), updatedAt: NOW, activeRunId: null, ...changes };
}

/** A run that has just begun, of one machine. */
export function aRun(changes: Partial<PlanRun> = {}): PlanRun {
  return {
    id: 'pr-1',
    planId: 'shop',
    definition: aDefinition(),
    kind: 'failback',
    recoveryPoint: 'latest',
    options: aJob().options,
    state: 'running',
    attempt: 1,
    createdAt: NOW,
    endedAt: null,
    cancelAskedAt: null,
    machines: {
      'web-01': { itemId: 'web-01', itemName: 'Web server 1', jobId: null, state: 'waiting' },
    },
    groups: {},
    actions: {},
    groupPoints: {},
    gate: null,
    decisions: {},
    error: null,
    ...changes,
  };
}
