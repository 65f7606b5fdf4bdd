import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { errorRecord } from '../../shared/errors/failback-error.ts';
import type { FailurePolicy } from '../../shared/domain/recovery-plan.ts';
import { must } from '../support/must.ts';
import { type ActionSketch, PlanWorld } from '../support/plans/plan-world.ts';

let world: PlanWorld;

beforeEach(() => {
  world = new PlanWorld(['db', 'web']);
});
afterEach(() => {
  world.dispose();
});

async function ran(action: ActionSketch, onFailure: FailurePolicy = 'stop'): Promise<void> {
  await world.plan([{ id: 'db', preActions: [action] }, { id: 'web' }], { onFailure });
  await world.run();
}

const record = (id: string) => world.record.actions[id];

describe('a webhook of a plan', () => {
  const dns: ActionSketch = { id: 'dns', kind: 'webhook' };

  it('is called once before its group goes down, and says who calls and why', async () => {
    await world.plan([
      { id: 'db', preActions: [dns], postActions: [{ id: 'after', kind: 'webhook' }] },
    ]);
    await world.run();
    await world.untilGate('commit');
    const { deliveries } = world.memory.webhooks;
    const runId = world.record.id;
    expect(deliveries.map(({ idempotencyKey }) => idempotencyKey)).toEqual([
      `${runId}-dns`,
      `${runId}-after`,
    ]);
    expect(JSON.parse(must(deliveries[0], 'a delivery').body)).toEqual({
      planId: 'plan',
      planName: 'Shop',
      runId,
      kind: 'failback',
      actionId: 'dns',
      actionName: 'The action dns',
      groupId: 'db',
      when: 'before',
    });
    expect(record('dns')).toMatchObject({ state: 'succeeded', attempts: 1, detail: '200 ok' });
  });

  it('is called again with the same key while the receiver is in trouble', async () => {
    const { answers, deliveries } = world.memory.webhooks;
    answers.push({ status: null, detail: 'refused' }, { status: 503, detail: '' });
    answers.push({ status: 429, detail: '' });
    await ran(dns);
    await world.untilGate('commit');
    expect(deliveries).toHaveLength(4);
    expect(new Set(deliveries.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1);
    expect(record('dns')).toMatchObject({ state: 'succeeded' });
  });

  it.each([400, 401, 404, 302])(
    'is not called again after a %d: nothing would change',
    async (status) => {
      world.memory.webhooks.answers.push({ status, detail: 'no' });
      await ran(dns);
      await world.untilGate('failure');
      expect(world.memory.webhooks.deliveries).toHaveLength(1);
      expect(record('dns')).toMatchObject({ state: 'failed' });
      expect(record('dns')?.detail).toContain('FB-RCV-008');
      expect(world.machines.begun).not.toContain('failover db');
    },
  );

  it('is given up after as many attempts as the plan says', async () => {
    const down = Array.from({ length: 3 }, () => ({ status: 500, detail: '' }));
    world.memory.webhooks.answers.push(...down);
    await ran({ ...dns, maxAttempts: 3 });
    await world.untilGate('failure');
    expect(world.memory.webhooks.deliveries).toHaveLength(3);
  });

  it('shows no secret that the receiver sent back', async () => {
    const detail = 'https://hooks.example/?sig=abcdef';
    world.memory.webhooks.answers.push({ status: 200, detail });
    await ran(dns);
    await world.untilGate('commit');
    expect(record('dns')?.detail).toBe('200 https://hooks.example/?sig=[secret]');
  });
});

describe('an action that fails', () => {
  const refuse = (): void => {
    world.memory.webhooks.answers.push({ status: 400, detail: 'no' });
  };
  const dns: ActionSketch = { id: 'dns', kind: 'webhook' };

  it('is done again when a person resumes', async () => {
    refuse();
    await ran(dns);
    await world.untilGate('failure');
    await world.call('resumePlanRun');
    await world.untilGate('commit');
    expect(record('dns')).toMatchObject({ state: 'succeeded', attempts: 2 });
  });

  it('fails again and waits again when nothing was mended', async () => {
    refuse();
    refuse();
    await ran(dns);
    await world.untilGate('failure');
    await world.call('resumePlanRun');
    await world.untilGate('failure');
    expect(record('dns')).toMatchObject({ state: 'failed', attempts: 2 });
  });

  it('is skipped when a person says so, and the report shows it', async () => {
    refuse();
    await ran(dns);
    await world.untilGate('failure');
    await world.call('resumePlanRun', {}, { skip: true });
    await world.untilGate('commit');
    expect(record('dns')).toMatchObject({ state: 'skipped', attempts: 1 });
    expect(world.states).toEqual({ db: 'home', web: 'home' });
  });

  it('is passed over where the plan says continue', async () => {
    refuse();
    await ran(dns, 'continue');
    await world.untilGate('commit');
    expect(record('dns')).toMatchObject({ state: 'failed' });
    expect(world.states).toEqual({ db: 'home', web: 'home' });
  });

  it('takes everything back where the plan says so, and the run says why', async () => {
    refuse();
    await ran(dns, 'rollBack');
    const run = await world.untilEnd();
    expect(run).toMatchObject({ state: 'failed', error: { code: 'FB-RCV-008' } });
    expect(world.states).toEqual({ db: 'cancelled', web: 'cancelled' });
  });

  it('can be cancelled where it waits', async () => {
    refuse();
    await ran(dns);
    await world.untilGate('failure');
    await world.call('cancelPlanRun');
    expect((await world.untilEnd()).state).toBe('cancelled');
  });
});

describe('a script of a plan', () => {
  const script: ActionSketch = { id: 'dns', kind: 'script' };

  it('is sent by name to the configuration server, with its arguments', async () => {
    await ran(script);
    await world.untilGate('commit');
    expect(world.scripts).toEqual([
      { commandId: `${world.record.id}.dns-1`, arguments: { zone: 'shop' } },
    ]);
    expect(record('dns')).toMatchObject({ state: 'succeeded', detail: 'done' });
  });

  it('that failed is a new command when it is done again', async () => {
    const values = { script: 'switch-dns.sh', reason: 'exit code 3', output: 'no' };
    world.scriptFailures.push(errorRecord('FB-RCV-011', values));
    await ran(script);
    await world.untilGate('failure');
    expect(record('dns')?.detail).toContain('exit code 3');
    await world.call('resumePlanRun');
    await world.untilGate('commit');
    const runId = world.record.id;
    expect(world.scripts.map(({ commandId }) => commandId)).toEqual([
      `${runId}.dns-1`,
      `${runId}.dns-2`,
    ]);
  });

  it('for a configuration server that is not connected fails the action', async () => {
    await ran({ ...script, configurationServer: 'cs9' });
    await world.untilGate('failure');
    expect(record('dns')?.detail).toContain('FB-ORC-010');
  });
});

describe('a manual step of a plan', () => {
  const step: ActionSketch = { id: 'lb', kind: 'manual' };
  const complete = async (body?: unknown, actionId = 'lb') =>
    world.call('completeManualStep', { actionId }, body);

  it('waits for a person, however long, and keeps what the person noted', async () => {
    await ran(step);
    await world.untilGate('manual');
    await world.advance(86_400_000);
    expect(world.record).toMatchObject({
      state: 'waitingForOperator',
      gate: { actionId: 'lb', message: 'Switch the load balancer over' },
    });
    expect(world.machines.begun).not.toContain('failover db');
    expect((await complete({ note: 'done by hand' })).status).toBe(202);
    await world.untilGate('commit');
    expect(record('lb')).toMatchObject({ state: 'succeeded', detail: 'done by hand' });
  });

  it('is completed also when the event that wakes gets lost', async () => {
    await ran(step);
    await world.untilGate('manual');
    const { gate } = world.record;
    const { stores } = world.memory;
    const decisions = {
      [must(gate, 'an open gate').key]: { decision: 'complete', note: '' },
    } as const;
    stores.planRuns.put({ ...world.record, gate: null, decisions });
    await world.untilGate('commit');
  });

  it('that a person could not do fails the action', async () => {
    await ran(step);
    await world.untilGate('manual');
    await complete({ outcome: 'failed', note: 'no access' });
    await world.untilGate('failure');
    expect(record('lb')?.detail).toContain('FB-RCV-013');
    expect(record('lb')?.detail).toContain('no access');
    await world.call('resumePlanRun');
    await world.untilGate('manual');
    await complete();
    await world.untilGate('commit');
  });

  it('takes neither resume nor the completion of another step', async () => {
    await ran(step);
    await world.untilGate('manual');
    expect(await world.call('resumePlanRun')).toMatchObject({ status: 409 });
    expect(await complete({}, 'dns')).toMatchObject({
      status: 409,
      json: { code: 'FB-RCV-005' },
    });
    expect(world.record.gate?.kind).toBe('manual');
  });

  it('can be cancelled while it waits', async () => {
    await ran(step);
    await world.untilGate('manual');
    await world.call('cancelPlanRun');
    expect((await world.untilEnd()).state).toBe('cancelled');
    expect(await complete()).toMatchObject({ status: 409 });
  });
});
