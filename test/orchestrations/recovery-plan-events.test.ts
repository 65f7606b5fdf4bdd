import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { EventRecord } from '../../shared/ports/stores.ts';
import { PlanWorld } from '../support/plans/plan-world.ts';

let world: PlanWorld;
const PERSON = 'key committer-1';

beforeEach(() => {
  world = new PlanWorld(['db', 'web']);
});
afterEach(() => {
  world.dispose();
});

/** The lines of the plan, oldest first. */
function log(): readonly EventRecord[] {
  return world.memory.stores.events
    .all()
    .filter(({ planId }) => planId === 'plan')
    .toReversed();
}

/** People take a moment; what happens in the same millisecond has no order. */
async function call(...args: Parameters<PlanWorld['call']>): Promise<void> {
  await world.advance(1_000);
  await world.call(...args);
}

const told = (): readonly string[] => log().map(({ caller, message }) => `${caller}: ${message}`);

describe('the log of events', () => {
  it('tells of a run who started it, who decided what, and how it ended', async () => {
    await world.plan([{ id: 'db', pauseAfter: { seconds: 60 } }, { id: 'web' }]);
    await world.advance(1_000);
    await world.run({ options: {} });
    await world.untilGate('failover');
    await call('resumePlanRun');
    await world.untilGate('commit');
    await call('commitPlanRun');
    await world.untilEnd();
    expect(told()).toEqual([
      `${PERSON}: The recovery plan Shop was made`,
      `${PERSON}: failback of Shop started`,
      `${PERSON}: resume at the gate failover of the failback of Shop`,
      'system: elapsed at the gate pause-db of the failback of Shop',
      `${PERSON}: commit at the gate commit of the failback of Shop`,
      'system: The failback of Shop has ended: succeeded',
    ]);
    expect(
      log()
        .slice(1)
        .map(({ runId }) => runId),
    ).toEqual(Array(5).fill(world.record.id));
  });

  it('tells of each attempt of an action that failed, with its code, and of who went on how', async () => {
    const answers = [400, 400].map((status) => ({ status, detail: 'no' }));
    world.memory.webhooks.answers.push(...answers);
    const step = { id: 'balancer', kind: 'manual' } as const;
    const preActions = [{ id: 'dns', kind: 'webhook' } as const, step];
    await world.plan([{ id: 'db', preActions }]);
    await world.advance(1_000);
    await world.run();
    await world.untilGate('failure');
    await call('resumePlanRun');
    await world.untilGate('failure');
    await call('resumePlanRun', {}, { skip: true });
    await world.untilGate('manual');
    const note = 'The balancer is broken';
    await call('completeManualStep', { actionId: 'balancer' }, { outcome: 'failed', note });
    await world.untilGate('failure');
    // In the order of the alphabet: here an action fails in the millisecond in which it is asked for.
    const lines = log().slice(2);
    const of = (kind: string): readonly string[] =>
      lines.flatMap((line) => (line.kind === kind ? [line.message] : [])).toSorted();
    expect(of('gateDecided')).toEqual([
      `fail at the gate manual-balancer-1 of the failback of Shop: ${note}`,
      'resume at the gate action-dns-1 of the failback of Shop',
      'skip at the gate action-dns-2 of the failback of Shop',
    ]);
    expect(of('actionFailed')).toEqual([
      expect.stringContaining('The action The action balancer (balancer) of the failback'),
      expect.stringContaining('The action The action dns (dns) of the failback of Shop failed'),
      expect.stringContaining('FB-RCV-008'),
    ]);
    const codes = lines.flatMap(({ code }) => code ?? []).toSorted();
    expect(codes).toEqual(['FB-RCV-008', 'FB-RCV-008', 'FB-RCV-013']);
  });

  it('tells who cancelled, also of the one who did it again, and the code of the end', async () => {
    await world.plan([{ id: 'db' }, { id: 'web' }]);
    await world.advance(1_000);
    await world.run({ options: {} });
    await world.untilGate('failover');
    await call('cancelPlanRun');
    await call('cancelPlanRun');
    await world.untilEnd();
    const lines = log().slice(2);
    expect(lines).toMatchObject([
      { kind: 'runAsked', caller: PERSON, message: 'cancel of the failback of Shop' },
      { kind: 'runAsked' },
      { kind: 'runEnded', caller: 'system', code: 'FB-RCV-007' },
    ]);
  });

  it('tells what was refused of a run, and who took up one that was stopped from outside', async () => {
    await world.plan([{ id: 'db' }]);
    await world.advance(1_000);
    const runId = await world.run({ options: {} });
    await world.untilGate('failover');
    await call('commitPlanRun');
    world.host.management.terminate(`plan-${runId}-1`, 'from outside');
    await world.settle();
    await call('resumePlanRun');
    expect(log().slice(2)).toMatchObject([
      { kind: 'refused', code: 'FB-RCV-005', caller: PERSON, runId },
      { kind: 'runAsked', message: 'resume of the failback of Shop', caller: PERSON, runId },
    ]);
  });
});
