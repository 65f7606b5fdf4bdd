import { beforeEach, describe, expect, it } from '@jest/globals';
import { jobViewSchema } from '../../../shared/contracts/http-api.ts';
import { type Phase, PHASES } from '../../../shared/domain/phases.ts';
import { anItem, aJob, aProof, NOW } from '../../support/memory/builders.ts';
import { type Called, callRoute, problemOf } from '../../support/memory/call-route.ts';
import {
  COMMITTER_KEY,
  OPERATOR_KEY,
  READER_KEY,
} from '../../support/memory/memory-access-keys.ts';
import { aWorld, type MemoryWorld } from '../../support/memory/memory-world.ts';
import { must } from '../../support/must.ts';

let world: MemoryWorld;
const proof = aProof();

/** A failback that ended in the phase and left the item there. */
function leftIn(phase: Phase): void {
  world.stores.items.put(anItem({ phase, lastJobId: 'fb-1' }));
  const options = { ...aJob().options, autoCommit: true, removeSnapshots: true, proofShare: 0.5 };
  const ended = { state: 'failed', endedAt: NOW, phase, options, report: { proof } } as const;
  world.stores.jobs.put(aJob(ended));
}

const takeUp = async (action: string, rest = {}): Promise<Called> =>
  callRoute(world, 'actOnFailback', { params: { id: 'fb-1', action }, ...rest });

beforeEach(() => {
  world = aWorld();
});

describe('POST /api/failbacks/{id}/resume and /restart', () => {
  const beforeCommit: readonly Phase[] = PHASES.slice(1, PHASES.indexOf('committing'));
  const after: readonly Phase[] = ['committing', 'waitingForAgent', 'reverseReplicating'];
  const allowed: Readonly<Record<string, readonly Phase[]>> = {
    resume: [...beforeCommit, ...after, 'rollingBack'],
    restart: ['failedOver', ...beforeCommit, 'rollingBack'],
  };

  it.each(
    PHASES.flatMap((phase) =>
      ['resume', 'restart'].map((action) => ({
        phase,
        action,
        status: must(allowed[action], 'what allows the action').includes(phase) ? 202 : 409,
      })),
    ),
  )('$action of what was left in $phase answers $status, as offered', async (given) => {
    const { phase, action, status } = given;
    leftIn(phase);
    const before = await callRoute(world, 'getFailback', { params: { id: 'fb-1' } });
    const { allowedActions } = jobViewSchema.parse(before.json);
    expect((allowedActions as readonly string[]).includes(action)).toBe(status === 202);
    const answer = await takeUp(action);
    expect(answer.status).toBe(status);
    if (status === 409) {
      expect(problemOf(answer).code).toBe('FB-REQ-005');
      expect(world.orchestrator.started).toEqual([]);
      return;
    }
    expect(jobViewSchema.parse(answer.json)).toMatchObject({ follows: 'fb-1', state: 'queued' });
    const isRestart = action === 'restart';
    const [started] = world.orchestrator.started;
    expect(started).toMatchObject({ name: 'failback', input: { startAt: phase } });
    expect(JSON.stringify(started).includes('isRestart')).toBe(isRestart);
  });

  it('takes the options over, but what has no way back only for whom may commit', async () => {
    for (const [key, mayCommit] of [
      [OPERATOR_KEY, false],
      [COMMITTER_KEY, true],
    ] as const) {
      world = aWorld();
      leftIn('booting');
      await takeUp('resume', { key });
      const options = { proofShare: 0.5, autoCommit: mayCommit };
      expect(world.orchestrator.started).toMatchObject([{ input: { options } }]);
      const text = JSON.stringify(world.orchestrator.started);
      expect(text.includes('"removeSnapshots":true')).toBe(mayCommit);
    }
  });

  it('is refused to who may only read, and that is noted', async () => {
    leftIn('booting');
    expect(problemOf(await takeUp('resume', { key: READER_KEY })).code).toBe('FB-REQ-021');
    expect(world.stores.events.all()).toMatchObject([
      { kind: 'refused', caller: 'key reader-1', code: 'FB-REQ-021', jobId: 'fb-1' },
    ]);
    expect((await takeUp('resume', { key: 'guessed' })).status).toBe(401);
    expect(world.stores.events.all()).toHaveLength(1);
  });

  it('is refused when the job is not the one that was seen', async () => {
    leftIn('booting');
    const answer = await takeUp('restart', { headers: { 'if-match': '"0-0"' } });
    expect(problemOf(answer)).toMatchObject({ status: 412, code: 'FB-REQ-008' });
    expect(world.orchestrator.started).toEqual([]);
  });

  it('keeps the proof for what goes on, and forgets it for what begins anew', async () => {
    leftIn('commitPending');
    const resumed = jobViewSchema.parse((await takeUp('resume')).json);
    expect(resumed.report).toEqual({ proof });
    world = aWorld();
    leftIn('commitPending');
    expect(jobViewSchema.parse((await takeUp('restart')).json).report).toEqual({});
  });

  it('says that there is no such job', async () => {
    const answer = await callRoute(world, 'actOnFailback', {
      params: { id: 'nobody', action: 'resume' },
    });
    expect(problemOf(answer)).toMatchObject({ status: 404, code: 'FB-REQ-002' });
  });
});
