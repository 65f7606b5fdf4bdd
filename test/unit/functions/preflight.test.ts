import { beforeEach, describe, expect, it } from '@jest/globals';
import { preflightViewSchema } from '../../../shared/contracts/http/preflight.ts';
import { type PreflightReport, preflightReport } from '../../../shared/domain/preflight/report.ts';
import { errorRecord } from '../../../shared/errors/failback-error.ts';
import { PREFLIGHT_WAIT_MS } from '../../../shared/policy/limits.ts';
import { anItem, NOW } from '../../support/memory/builders.ts';
import { callRoute, problemOf } from '../../support/memory/call-route.ts';
import { READER_KEY } from '../../support/memory/memory-access-keys.ts';
import { aWorld, type MemoryWorld, stateOf } from '../../support/memory/memory-world.ts';
import { originalOnVcenter } from '../../support/preflight/good-facts.ts';

let world: MemoryWorld;
const body = { protectedItemId: 'web-01' };

beforeEach(() => {
  world = aWorld();
  world.stores.items.put(anItem());
});

/** The orchestration ends while the request waits. */
function endsAfter(milliseconds: number, end: object): void {
  const { clock } = world;
  const from = clock.now().getTime();
  Object.assign(world, {
    pause: async (ms: number) => {
      clock.advance(ms);
      if (clock.now().getTime() - from < milliseconds) return;
      for (const run of world.stores.preflights.all()) {
        world.stores.preflights.put({ ...run, endedAt: NOW, ...end });
      }
    },
  });
}

function reportWith(locks: readonly string[]): PreflightReport {
  const facts = originalOnVcenter();
  const azureVm = facts.azureVm && { ...facts.azureVm, locks };
  const error = errorRecord('FB-ORC-010', { kind: 'processServer', name: 'ps1' });
  return preflightReport({ ...facts, azureVm }, [{ source: 'processServer', error }]);
}

describe('POST /api/preflight', () => {
  it('answers at once what a quick run found, with needed and actual', async () => {
    endsAfter(2_000, { report: reportWith(['keep (ReadOnly)']) });
    const answer = await callRoute(world, 'createPreflight', { body });
    expect(answer.status).toBe(200);
    const view = preflightViewSchema.parse(answer.json);
    expect(view).toMatchObject({
      protectedItemId: 'web-01',
      operation: 'reprotect',
      state: 'succeeded',
      isBlocked: true,
      findings: [
        {
          severity: 'blocking',
          facts: [{ name: 'locks', needed: 'none', actual: 'keep (ReadOnly)' }],
        },
      ],
      unanswered: [{ source: 'processServer' }],
    });
    expect(answer.headers).toMatchObject({ location: `/api/preflight/${view.id}` });
  });

  it('answers 202 when the site takes its time, and shows the run at its location', async () => {
    const before = world.clock.now().getTime();
    const answer = await callRoute(world, 'createPreflight', { body });
    expect(answer.status).toBe(202);
    expect(world.clock.now().getTime() - before).toBe(PREFLIGHT_WAIT_MS);
    const { id, state } = preflightViewSchema.parse(answer.json);
    expect(state).toBe('running');
    expect(answer.headers).toMatchObject({ location: `/api/preflight/${id}`, 'retry-after': '5' });
    const params = { id };
    const again = await callRoute(world, 'getPreflight', { params, key: READER_KEY });
    expect(preflightViewSchema.parse(again.json)).toMatchObject({ id, isBlocked: null });
  });

  it('hands operation and placement on, and writes nothing but the run', async () => {
    endsAfter(500, { report: reportWith([]) });
    const before = stateOf(world) as Record<string, unknown>;
    const placement = { configurationServer: 'cs2', datastore: 'ds-2' };
    await callRoute(world, 'createPreflight', {
      body: { ...body, operation: 'failover', placement, originalVm: 'unregister' },
    });
    const after = stateOf(world) as Record<string, unknown>;
    const [run] = world.stores.preflights.all();
    const asked = { operation: 'failover', placement, originalVm: 'unregister' };
    const input = { preflightId: run?.id, itemId: 'web-01', ...asked };
    expect(world.orchestrator.started).toEqual([{ name: 'preflight', instanceId: run?.id, input }]);
    expect({ ...after, preflights: [], started: [] }).toEqual({ ...before, started: [] });
  });

  it('shows why a run failed', async () => {
    endsAfter(500, { error: errorRecord('FB-ORC-001', { activity: 'x', reason: 'y' }) });
    const answer = await callRoute(world, 'createPreflight', { body });
    expect(answer.json).toMatchObject({ state: 'failed', error: { code: 'FB-ORC-001' } });
  });

  it.each([
    ['a machine that nobody knows', { protectedItemId: 'nobody' }, 404, 'FB-REQ-002'],
    ['an operation that there is not', { ...body, operation: 'wish' }, 400, 'FB-REQ-001'],
  ])('refuses %s', async (_what, request, status, code) => {
    const answer = await callRoute(world, 'createPreflight', { body: request });
    expect(answer.status).toBe(status);
    expect(problemOf(answer).code).toBe(code);
    expect(world.orchestrator.started).toEqual([]);
  });

  it('refuses a machine whose Azure VM is gone: there is nothing to judge', async () => {
    world.stores.items.put(anItem({ phase: 'protected' }));
    const answer = await callRoute(world, 'createPreflight', { body });
    expect(problemOf(answer).code).toBe('FB-REQ-004');
  });

  it('is for operators, as it puts commands into the queues of a site', async () => {
    const answer = await callRoute(world, 'createPreflight', { body, key: READER_KEY });
    expect(answer.status).toBe(403);
  });

  it('answers 404 to a run that nobody started', async () => {
    const answer = await callRoute(world, 'getPreflight', { params: { id: 'pf-none' } });
    expect(problemOf(answer).code).toBe('FB-REQ-002');
  });
});
