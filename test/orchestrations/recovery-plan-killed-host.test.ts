import { afterEach, describe, expect, it } from '@jest/globals';
import { PlanWorld } from '../support/plans/plan-world.ts';
import { killPlaces } from '../support/world/kill-places.ts';

/** Only there to end a test that hangs. */
const HANGS_AFTER_MS = 600_000;

let world: PlanWorld | undefined;

afterEach(() => {
  world?.dispose();
  world = undefined;
});

async function started(crashAfter: number): Promise<PlanWorld> {
  const it = new PlanWorld(['db', 'app', 'web']);
  world = it;
  const webhook = { id: 'dns', kind: 'webhook' } as const;
  const script = { id: 'check', kind: 'script' } as const;
  await it.plan(
    [
      { id: 'first', itemIds: ['db'], preActions: [webhook], pauseAfter: { seconds: 60 } },
      { id: 'second', itemIds: ['app', 'web'], maxParallel: 1, postActions: [script] },
    ],
    { maxParallel: 2, onFailure: 'continue' },
  );
  it.machines.failing.set('web', 'booting');
  it.host.crashAfter(crashAfter);
  await it.run();
  return it;
}

/** A person who commits as soon as that is asked for. */
async function toTheEnd(it: PlanWorld): Promise<void> {
  await it.until(() => it.record.gate?.kind === 'commit' || it.record.endedAt !== null);
  if (it.host.isCrashed) return;
  if (it.record.endedAt === null) await it.call('commitPlanRun');
  await it.until(() => it.record.endedAt !== null);
  await it.settle();
}

function outcomeOf(it: PlanWorld): object {
  const { state, error, actions } = it.record;
  return {
    state,
    error,
    machines: it.states,
    begun: it.machines.begun.toSorted(),
    jobs: it.memory.stores.jobs.all().length,
    webhooks: [...it.memory.webhooks.done],
    scripts: it.scripts.map(({ commandId }) => commandId),
    actions: Object.entries(actions).map(([id, each]) => [id, each.state, each.attempts]),
    log: it.memory.stores.events
      .all()
      .flatMap(({ runId, kind, message }) => (runId === undefined ? [] : [`${kind} ${message}`]))
      .toSorted(),
    activeRunId: it.memory.stores.plans.must('plan').activeRunId,
  };
}

describe('a host that dies during a run of a recovery plan', () => {
  it(
    'comes to the same end, with every effect once, whichever commit it dies after',
    async () => {
      const whole = await started(Number.POSITIVE_INFINITY);
      await toTheEnd(whole);
      const { commits } = whole.host;
      const expected = outcomeOf(whole);
      expect(expected).toMatchObject({
        state: 'failed',
        machines: { db: 'done', app: 'done', web: 'failed' },
        jobs: 3,
        activeRunId: null,
      });
      whole.dispose();
      for (const after of killPlaces('recovery plan', commits, 1)) {
        const it = await started(after);
        await toTheEnd(it);
        if (it.host.isCrashed) await it.host.restart();
        await toTheEnd(it);
        expect({ after, ...outcomeOf(it) }).toEqual({ after, ...expected });
        it.dispose();
      }
      world = undefined;
    },
    HANGS_AFTER_MS,
  );
});
