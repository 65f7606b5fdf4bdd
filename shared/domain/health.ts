import { type ErrorRecord, errorRecord } from '../errors/failback-error.ts';
import { heldBackBy, type Job, refusalAtGate } from './job.ts';
import { type Phase, REPLICATING } from './phases.ts';
import { troubleInAzure } from './source-state.ts';
import { directionOf, type ProtectedItem, rpoSeconds } from './protected-item.ts';

export const HEALTH_STATES = ['OK', 'Warning', 'Critical'] as const;
export type HealthState = (typeof HEALTH_STATES)[number];

/** Site Recovery's HealthError. */
export interface HealthError {
  readonly code: string;
  readonly severity: ErrorRecord['severity'];
  readonly category: ErrorRecord['category'];
  readonly message: string;
  readonly possibleCauses: readonly string[];
  readonly recommendedAction: string;
  readonly customerResolvable: boolean;
}

/** An agent that the item needs. `heartbeatAt` is `null` when none of that name ever registered. */
export interface AgentHeartbeat {
  readonly kind: string;
  readonly name: string;
  readonly heartbeatAt: string | null;
}

export interface HealthFacts {
  readonly item: ProtectedItem;
  readonly now: Date;
  readonly agents: readonly AgentHeartbeat[];
  /** The newest failback or rehearsal of the item, which may still run. */
  readonly lastJob: Job | null;
  /** What holds up the commands that run for the item now. */
  readonly heldUpBy: readonly ErrorRecord[];
  readonly defaultRpoThresholdMinutes: number;
  /** Milliseconds without a heartbeat after which an agent counts as gone. */
  readonly heartbeatStaleMs: number;
}

export interface Health {
  readonly health: HealthState;
  /** The gravest first. */
  readonly errors: readonly HealthError[];
}

/** How the item is, and everything that is wrong with it. */
export function assessHealth(facts: HealthFacts): Health {
  const records = [
    ...facts.heldUpBy,
    ...silentAgents(facts),
    ...oldPoint(facts),
    ...reverseErrors(facts),
    ...brokenWayBack(facts),
    ...(facts.lastJob === null ? [] : troubleInAzure(facts.lastJob)),
    ...lastJobErrors(facts),
  ];
  const isCritical = ({ severity }: ErrorRecord): boolean => severity === 'critical';
  const errors = [
    ...records.filter((record) => isCritical(record)),
    ...records.filter((record) => !isCritical(record)),
  ].map((record) => healthError(record));
  const health = records.length === 0 ? 'OK' : records.some(isCritical) ? 'Critical' : 'Warning';
  return { health, errors };
}

export function healthError(record: ErrorRecord): HealthError {
  const { code, severity, category, message, possibleCauses, recommendedAction } = record;
  const customerResolvable = record.isCustomerResolvable;
  const words = { message, possibleCauses, recommendedAction, customerResolvable };
  return { code, severity, category, ...words };
}

/** While nothing is replicated a silent agent only stands in the way of what may be asked for next. */
function silentAgents({ item, now, agents, heartbeatStaleMs }: HealthFacts): ErrorRecord[] {
  const code = directionOf(item.phase) === 'none' ? 'FB-HLT-005' : 'FB-HLT-002';
  return agents.flatMap(({ kind, name, heartbeatAt }) => {
    const silentMs = heartbeatAt === null ? null : now.getTime() - Date.parse(heartbeatAt);
    if (silentMs !== null && silentMs <= heartbeatStaleMs) return [];
    const since = heartbeatAt ?? 'ever';
    return [errorRecord(code, { kind, name, since, itemName: item.name })];
  });
}

function oldPoint({ item, now, defaultRpoThresholdMinutes }: HealthFacts): ErrorRecord[] {
  const ageSeconds = rpoSeconds(item, now);
  const thresholdMinutes = item.rpoThresholdMinutes ?? defaultRpoThresholdMinutes;
  const isWatched = REPLICATING.includes(item.phase) && ageSeconds !== null;
  if (!isWatched || ageSeconds <= thresholdMinutes * 60) return [];
  const minutes = Math.floor(ageSeconds / 60);
  return [errorRecord('FB-HLT-001', { itemName: item.name, minutes, thresholdMinutes })];
}

function reverseErrors({
  item: { name: itemName, phase, reverseError },
}: HealthFacts): ErrorRecord[] {
  if (phase !== 'protected' || reverseError === undefined) return [];
  const { code, message } = reverseError;
  return code === 'FB-HLT-007'
    ? [reverseError]
    : [errorRecord('FB-HLT-006', { itemName, code, message })];
}

/** Whatever it was that failed: the machine at home was stopped, and nobody has said that the one in Azure runs. */
function brokenWayBack({
  item: { name: itemName, phase, activeJobId },
}: HealthFacts): ErrorRecord[] {
  const isBroken = phase === 'rollingBack' && activeJobId === null;
  return isBroken ? [errorRecord('FB-HLT-008', { itemName })] : [];
}

function lastJobErrors({ item, lastJob: job }: HealthFacts): ErrorRecord[] {
  if (job === null) return [];
  const jobId = job.id;
  if (job.state === 'waitingForOperator') {
    const waits = errorRecord('FB-HLT-004', {
      jobId,
      itemName: item.name,
      gate: gateOf(job.phase),
    });
    const refusal = refusalAtGate(job) ?? heldBackBy(job);
    return refusal === null ? [waits] : [refusal, waits];
  }
  if (job.state !== 'failed' || job.error === null) return [];
  const { code, message } = job.error;
  return [errorRecord('FB-HLT-003', { jobId, code, message })];
}

function gateOf(phase: Phase): string {
  if (phase === 'commitPending') return 'commit or cancel';
  return phase === 'bootFailed' ? 'resume or cancel' : 'failover or cancel';
}
