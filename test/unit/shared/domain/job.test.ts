import { describe, expect, it } from '@jest/globals';
import { isAskedFor } from '../../../../shared/domain/job-filter.ts';
import { endJob, nextTask } from '../../../../shared/domain/job-tasks.ts';
import type { JobTask, TaskName } from '../../../../shared/domain/job.ts';
import { newestFirst } from '../../../../shared/domain/newest-first.ts';
import { errorRecord } from '../../../../shared/errors/failback-error.ts';
import { aJob, NOW } from '../../../support/memory/builders.ts';

const at = (second: number): string => new Date(Date.parse(NOW) + second * 1000).toISOString();
const cancelled = errorRecord('FB-ORC-005');
const broken = errorRecord('FB-ORC-006', { mismatches: 1, vmName: 'web' });

function run(...names: readonly TaskName[]): readonly JobTask[] {
  return names.reduce<readonly JobTask[]>(
    (tasks, task, second) => nextTask(tasks, { task, at: at(second), isWaiting: false }),
    [],
  );
}

describe('the tasks of a job', () => {
  it('end when the next one begins', () => {
    expect(run('preflight', 'prepareTarget')).toEqual([
      { name: 'preflight', state: 'succeeded', startedAt: at(0), endedAt: at(1) },
      { name: 'prepareTarget', state: 'running', startedAt: at(1), endedAt: null },
    ]);
  });

  it('run on when they are begun again: an activity runs at least once', () => {
    const once = run('preflight');
    expect(nextTask(once, { task: 'preflight', at: at(9), isWaiting: false })).toEqual(once);
  });

  it('are begun anew when another one was in between', () => {
    const names = run('boot', 'decideAfterBootFailure', 'boot').map(({ name }) => name);
    expect(names).toEqual(['boot', 'decideAfterBootFailure', 'boot']);
  });

  it('show that they wait for a person', () => {
    const [task] = nextTask([], { task: 'waitForCommit', at: NOW, isWaiting: true });
    expect(task).toMatchObject({ state: 'waitingForOperator', endedAt: null });
  });

  it.each([
    ['failed', broken],
    ['cancelled', cancelled],
  ] as const)('end as %s with the reason for the way back', (state, error) => {
    const next = { task: 'rollBack', at: at(5), isWaiting: false, error } as const;
    expect(nextTask(run('boot'), next)).toMatchObject([
      { name: 'boot', state, endedAt: at(5), error },
      { name: 'rollBack', state: 'running' },
    ]);
  });

  it('end without a next one', () => {
    const ended = nextTask(run('rollBack'), { at: at(5), isWaiting: false });
    expect(ended).toMatchObject([{ name: 'rollBack', state: 'succeeded', endedAt: at(5) }]);
    expect(nextTask(ended, { at: at(6), isWaiting: false })).toEqual(ended);
  });

  it('are kept, the newest sixty of them', () => {
    const names = Array.from({ length: 70 }, (_, index) => (index % 2 === 0 ? 'boot' : 'rollBack'));
    expect(run(...names)).toHaveLength(60);
  });
});

describe('the end of a job', () => {
  it('ends the open task with the reason, and no task that has ended', () => {
    const tasks = run('preflight', 'boot');
    const job = endJob(aJob({ tasks }), { state: 'failed', at: at(9), error: broken });
    expect(job).toMatchObject({ state: 'failed', endedAt: at(9), error: broken });
    expect(job.tasks).toMatchObject([
      { state: 'succeeded', endedAt: at(1) },
      { state: 'failed', endedAt: at(9), error: broken },
    ]);
    expect(endJob(job, { state: 'failed', at: at(11), error: cancelled }).tasks).toEqual(job.tasks);
  });

  it('needs no tasks: earlier records have none', () => {
    const { tasks: _none, ...job } = aJob();
    expect(endJob(job, { state: 'succeeded', at: NOW, error: null }).tasks).toEqual([]);
  });
});

describe('filtering jobs', () => {
  const jobs = [
    aJob({ id: 'c', state: 'failed', createdAt: at(3) }),
    aJob({ id: 'b', operation: 'rehearsal', state: 'succeeded', createdAt: at(2) }),
    aJob({ id: 'a', itemId: 'web-02', state: 'succeeded', createdAt: at(1) }),
  ];

  it.each([
    [{}, ['c', 'b', 'a']],
    [{ protectedItemId: 'web-01' }, ['c', 'b']],
    [{ operation: 'failback' }, ['c', 'a']],
    [{ state: 'succeeded' }, ['b', 'a']],
    [{ state: 'succeeded', protectedItemId: 'web-02' }, ['a']],
    [{ from: at(2) }, ['c', 'b']],
    [{ to: at(2) }, ['a']],
    [{ state: 'queued' }, []],
  ] as const)('by %j gives %j', (filter, ids) => {
    expect(jobs.filter((job) => isAskedFor(job, filter)).map(({ id }) => id)).toEqual(ids);
  });
});

describe('ids that sort newest first', () => {
  it('are smaller the newer they are, and equally long', () => {
    const ids = [at(10), at(1), '1970-01-01T00:00:00.000Z'].map((time) => newestFirst(time));
    expect(ids.toSorted()).toEqual(ids);
    expect(new Set(ids.map(({ length }) => length))).toEqual(new Set([13]));
    expect(newestFirst(new Date(NOW))).toBe(newestFirst(NOW));
  });
});
