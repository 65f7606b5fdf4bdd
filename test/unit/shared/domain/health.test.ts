import { describe, expect, it } from '@jest/globals';
import { assessHealth, type HealthFacts } from '../../../../shared/domain/health.ts';
import { errorRecord } from '../../../../shared/errors/failback-error.ts';
import { anItem, aJob, NOW } from '../../../support/memory/builders.ts';

const MINUTE_MS = 60_000;
const STALE_MS = 50_000;

function facts(changes: Partial<HealthFacts> = {}): HealthFacts {
  const agents = [
    { kind: 'configurationServer', name: 'cs1', heartbeatAt: NOW },
    { kind: 'masterTarget', name: 'mt1', heartbeatAt: NOW },
  ];
  return {
    item: anItem({ phase: 'replicating', lastRecoveryPointAt: NOW }),
    now: new Date(NOW),
    agents,
    lastJob: null,
    heldUpBy: [],
    defaultRpoThresholdMinutes: 60,
    heartbeatStaleMs: STALE_MS,
    ...changes,
  };
}

const after = (milliseconds: number): Date => new Date(Date.parse(NOW) + milliseconds);
const codesOf = (given: HealthFacts): readonly string[] =>
  assessHealth(given).errors.map(({ code }) => code);

describe('the health of an item', () => {
  it('is OK while nothing is wrong', () => {
    expect(assessHealth(facts())).toEqual({ health: 'OK', errors: [] });
  });

  it('names why the last delta towards Azure failed, while the machine is protected', () => {
    const reverseError = errorRecord('FB-JRN-007', { status: 404, code: 'BlobNotFound' });
    const item = anItem({ phase: 'protected', lastRecoveryPointAt: NOW, reverseError });
    const { health, errors } = assessHealth(facts({ item }));
    expect(health).toBe('Warning');
    expect(errors.map(({ code, message }) => [code, message.includes('FB-JRN-007')])).toEqual([
      ['FB-HLT-006', true],
    ]);
    expect(codesOf(facts({ item: { ...item, phase: 'failedOver' } }))).toEqual([]);
  });

  it('is critical while nothing sends changes towards Azure at all', () => {
    const reverseError = errorRecord('FB-HLT-007', { itemName: 'web-01' });
    const item = anItem({ phase: 'protected', lastRecoveryPointAt: NOW, reverseError });
    expect(assessHealth(facts({ item }))).toMatchObject({
      health: 'Critical',
      errors: [{ code: 'FB-HLT-007' }],
    });
  });

  it('is critical when a way back broke off: both machines may be off', () => {
    const item = anItem({ phase: 'rollingBack' });
    expect(assessHealth(facts({ item }))).toMatchObject({
      health: 'Critical',
      errors: [{ code: 'FB-HLT-008' }],
    });
    expect(codesOf(facts({ item: { ...item, activeJobId: 'fb-1' } }))).toEqual([]);
  });

  it('tells of every error what Site Recovery tells of a health error', () => {
    const { errors } = assessHealth(facts({ lastJob: aJob({ state: 'waitingForOperator' }) }));
    expect(errors).toEqual([
      {
        code: 'FB-HLT-004',
        severity: 'warning',
        category: 'health',
        message: 'The job fb-1 of Web server 1 waits for a person: failover or cancel.',
        possibleCauses: expect.any(Array),
        recommendedAction: expect.any(String),
        customerResolvable: true,
      },
    ]);
  });

  it('is critical when one error is, and names that one first', () => {
    const held = errorRecord('FB-DATA-001', { host: 'mt1', port: 9443, reason: 'refused' });
    const lastJob = aJob({ state: 'waitingForOperator' });
    const { health, errors } = assessHealth(facts({ lastJob, heldUpBy: [held] }));
    expect(held.severity).toBe('critical');
    expect(health).toBe('Critical');
    expect(errors.map(({ code }) => code)).toEqual(['FB-DATA-001', 'FB-HLT-004']);
  });
});

describe('the age of the newest recovery point', () => {
  const old = (minutes: number, changes = {}): HealthFacts =>
    facts({
      item: anItem({ phase: 'replicating', lastRecoveryPointAt: NOW, ...changes }),
      agents: [],
      now: after(minutes * MINUTE_MS),
    });

  it.each([
    [60, []],
    [61, ['FB-HLT-001']],
  ])('at %i minutes gives %j', (minutes, codes) => {
    expect(codesOf(old(minutes))).toEqual(codes);
    expect(assessHealth(old(minutes)).health).toBe(codes.length === 0 ? 'OK' : 'Warning');
  });

  it('is measured against the threshold of the item, where it has one', () => {
    expect(codesOf(old(61, { rpoThresholdMinutes: 120 }))).toEqual([]);
    expect(codesOf(old(16, { rpoThresholdMinutes: 15 }))).toEqual(['FB-HLT-001']);
    const [error] = assessHealth(old(16, { rpoThresholdMinutes: 15 })).errors;
    expect(error?.message).toContain('is 16 minutes old; 15 are allowed');
  });

  it.each(['failedOver', 'initialReplication', 'commitPending', 'committing'] as const)(
    'says nothing in %s, where no points are taken',
    (phase) => {
      expect(codesOf(old(600, { phase }))).toEqual([]);
    },
  );

  it('is watched of a machine that is home as well', () => {
    expect(codesOf(old(600, { phase: 'protected' }))).toEqual(['FB-HLT-001']);
  });

  it('says nothing before the first point', () => {
    expect(codesOf(old(600, { lastRecoveryPointAt: null }))).toEqual([]);
  });
});

describe('agents', () => {
  it.each([
    [STALE_MS, []],
    [STALE_MS + 1, ['FB-HLT-002', 'FB-HLT-002']],
  ])('silent for %i ms give %j', (milliseconds, codes) => {
    expect(codesOf(facts({ now: after(milliseconds) }))).toEqual(codes);
  });

  it('that never registered are silent', () => {
    const agents = [{ kind: 'masterTarget', name: 'mt1', heartbeatAt: null }];
    expect(assessHealth(facts({ agents }))).toMatchObject({
      health: 'Critical',
      errors: [{ code: 'FB-HLT-002' }],
    });
  });

  it('only warn while nothing is replicated: a failback could not be started', () => {
    const item = anItem({ phase: 'failedOver' });
    const silent = facts({ item, now: after(STALE_MS + 1) });
    expect(assessHealth(silent).health).toBe('Warning');
    expect(codesOf(silent)).toEqual(['FB-HLT-005', 'FB-HLT-005']);
  });
});

describe('the last job', () => {
  const error = errorRecord('FB-ORC-006', { mismatches: 3, vmName: 'web-01' });

  it('that failed is named with its error', () => {
    const { errors } = assessHealth(facts({ lastJob: aJob({ state: 'failed', error }) }));
    expect(errors).toMatchObject([{ code: 'FB-HLT-003' }]);
    expect(errors[0]?.message).toContain('fb-1 failed: FB-ORC-006 3 blocks');
  });

  it.each(['succeeded', 'cancelled', 'running', 'queued'] as const)(
    'that is %s is nothing wrong',
    (state) => {
      expect(codesOf(facts({ lastJob: aJob({ state }) }))).toEqual([]);
    },
  );

  it.each([
    ['replicating', 'failover or cancel'],
    ['commitPending', 'commit or cancel'],
    ['bootFailed', 'resume or cancel'],
  ] as const)('that waits in %s says for what: %s', (phase, gate) => {
    const lastJob = aJob({ phase, state: 'waitingForOperator' });
    expect(assessHealth(facts({ lastJob })).errors[0]?.message).toContain(gate);
  });
});
