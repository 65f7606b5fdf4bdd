import { beforeEach, describe, expect, it } from '@jest/globals';
import { pruneRecords } from '../../../functions/timers/prune-records.ts';
import {
  newestFirst,
  newestFirstShort,
  recoveryPointId,
} from '../../../shared/domain/newest-first.ts';
import type { PlanRun } from '../../../shared/domain/plan-run.ts';
import { success } from '../../../shared/errors/result.ts';
import type { CommandRecord, PreflightRecord } from '../../../shared/ports/stores.ts';
import { aCommand, aJob } from '../../support/memory/builders.ts';
import { emptyWorld, type MemoryWorld } from '../../support/memory/memory-world.ts';
import { aRun } from '../../support/memory/plan-builders.ts';

const DAY_MS = 24 * 3_600_000;
const keepDays = { events: 400, preflights: 30, idempotency: 2, commands: 90, points: 30 };

let world: MemoryWorld;
let said: string[];

beforeEach(() => {
  world = emptyWorld();
  said = [];
});

const context = { log: (text: string) => void said.push(text) };
const prune = async (): Promise<void> => pruneRecords({ ...world, keepDays }, context);
const daysAgo = (days: number): Date => new Date(world.clock.now().getTime() - days * DAY_MS);

function putEvent(days: number, key = 'e'): string {
  const at = daysAgo(days).toISOString();
  const id = `${newestFirst(at)}-${key}`;
  const about = { itemId: null, jobId: null, code: null };
  world.stores.events.put({ id, at, kind: 'jobStep', caller: 'system', message: 'x', ...about });
  return id;
}

function putPreflight(days: number, changes: Partial<PreflightRecord> = {}): string {
  const createdAt = daysAgo(days).toISOString();
  const id = `pf-${newestFirstShort(daysAgo(days))}-ab12cd`;
  const asked = { itemId: 'web-01', operation: 'failover', placement: {} } as const;
  const end = { endedAt: createdAt, report: null, error: null };
  world.stores.preflights.put({ id, createdAt, ...asked, ...end, ...changes });
  return id;
}

function putRequest(id: string, ageHours: number): void {
  const at = world.clock.now().getTime() - ageHours * 3_600_000;
  const expiresAt = new Date(at + DAY_MS).toISOString();
  world.stores.idempotency.put({ id, bodyHash: 'x', expiresAt, answer: null });
}

/** A job of that age, with commands that were answered, unless they are told to be otherwise. */
function putJob(prefix: string, days: number, commands: readonly Partial<CommandRecord>[]): string {
  const createdAt = daysAgo(days);
  const id = `${prefix}-${newestFirstShort(createdAt)}-ab12cd`;
  putCommands(id, createdAt, commands);
  return id;
}

function putCommands(jobId: string, at: Date, commands: readonly Partial<CommandRecord>[]): void {
  const sentAt = at.toISOString();
  for (const [index, changes] of commands.entries()) {
    const command = aCommand({ sentAt, deadlineAt: sentAt, result: success(null), ...changes });
    world.stores.commands.put({ ...command, id: `${jobId}.step-${String(index)}` });
  }
}

const ids = (records: readonly { readonly id: string }[]): readonly string[] =>
  records.map(({ id }) => id);
const jobsWithCommands = (): readonly string[] => [
  ...new Set(world.stores.commands.all().map(({ id }) => id.split('.', 1)[0] ?? '')),
];

describe('events, preflights and answers to requests', () => {
  it('go when they are older than they are kept, and not a moment before', async () => {
    const kept = [putEvent(399), putEvent(0), putPreflight(29), putPreflight(0)];
    putEvent(401);
    putEvent(5_000);
    putPreflight(31);
    putRequest('young', 1);
    putRequest('day-old', 47);
    putRequest('old', 49);
    await prune();
    const { events, preflights, idempotency } = world.stores;
    const left = [...ids(events.all()), ...ids(preflights.all())];
    expect(left.toSorted()).toEqual(kept.toSorted());
    expect(ids(idempotency.all())).toEqual(['day-old', 'young']);
    expect(said).toEqual(['Pruned 2 events, 1 preflights, 1 idempotency']);
  });

  it('go by the hundreds, and what is in the way of others does not hold them up', async () => {
    for (let index = 0; index < 250; index += 1) putEvent(401, `e${index}`);
    for (let days = 31; days < 181; days += 1) putPreflight(days, { endedAt: null });
    putPreflight(500);
    await prune();
    expect(world.stores.events.all()).toEqual([]);
    // What never ended may be worked on by a host that was off.
    expect(world.stores.preflights.all()).toHaveLength(150);
  });

  it('stay when somebody has written them meanwhile: a key that is used again', async () => {
    putRequest('again', 100);
    world.stores.idempotency.beforeReplace = () => {
      world.stores.idempotency.beforeReplace = () => undefined;
      putRequest('again', 0);
    };
    await prune();
    expect(ids(world.stores.idempotency.all())).toEqual(['again']);
  });

  it('are gone on with where it was broken off', async () => {
    for (let index = 0; index < 30; index += 1) putEvent(401, `e${index}`);
    let left = 15;
    world.stores.events.beforeReplace = () => {
      left -= 1;
      if (left < 0) throw new Error('the host dies');
    };
    await expect(prune()).rejects.toThrow('the host dies');
    expect(world.stores.events.all().length).toBeGreaterThan(0);
    world.stores.events.beforeReplace = () => undefined;
    await prune();
    expect(world.stores.events.all()).toEqual([]);
  });

  it('are nothing to talk of when none is old', async () => {
    putEvent(1);
    await prune();
    expect(said).toEqual([]);
  });
});

describe('commands', () => {
  const ended = (days: number) =>
    ({ state: 'succeeded', endedAt: daysAgo(days).toISOString() }) as const;

  it('go once their job has ended so long ago; the job stays', async () => {
    const old = putJob('fb', 200, [{}, {}]);
    world.stores.jobs.put(aJob({ id: old, ...ended(91) }));
    const late = putJob('fb', 201, [{}]);
    world.stores.jobs.put(aJob({ id: late, ...ended(89) }));
    const young = putJob('rh', 89, [{}]);
    world.stores.jobs.put(aJob({ id: young, ...ended(89) }));
    await prune();
    expect(jobsWithCommands()).toEqual([late, young]);
    expect(ids(world.stores.jobs.all())).toContain(old);
    expect(said).toEqual(['Pruned 2 commands']);
  });

  it('of a job that still runs stay, however old they are, and cost one look', async () => {
    const running = putJob(
      'fb',
      300,
      Array.from({ length: 500 }, () => ({})),
    );
    world.stores.jobs.put(aJob({ id: running, state: 'waitingForOperator' }));
    const older = putJob('fb', 301, [{}]);
    world.stores.jobs.put(aJob({ id: older, ...ended(300) }));
    const listed: string[] = [];
    const { commands } = world.stores;
    const listOfJob = commands.listOfJob.bind(commands);
    commands.listOfJob = async (jobId, limit) => {
      listed.push(jobId);
      return listOfJob(jobId, limit);
    };
    await prune();
    expect(jobsWithCommands()).toEqual([running]);
    expect(new Set(listed)).toEqual(new Set([older]));
  });

  it('that nobody answered go when nobody has waited for them since then', async () => {
    const result = null;
    const waiting = { result, deadlineAt: daysAgo(1).toISOString() };
    const id = putJob('fb', 200, [{ result }, waiting]);
    world.stores.jobs.put(aJob({ id, ...ended(100) }));
    await prune();
    expect(ids(world.stores.commands.all())).toEqual([`${id}.step-1`]);
  });

  it('of runs of plans go by the end of the run, those of preflights by their age', async () => {
    const over = putJob('pr', 100, [{}]);
    world.stores.planRuns.put(aRun({ id: over, ...ended(91) }));
    const waiting = putJob('pr', 101, [{}]);
    world.stores.planRuns.put(aRun({ id: waiting, state: 'waitingForOperator' }));
    putJob('pf', 91, [{}]);
    const young = putJob('pf', 89, [{}]);
    await prune();
    expect(jobsWithCommands().toSorted()).toEqual([young, waiting].toSorted());
  });

  it('of machines that are home go delta by delta, machine by machine', async () => {
    const kept: string[] = [];
    for (const item of ['web-1', 'web-1-2', 'web-1-b', 'db-01']) {
      for (const days of [200, 91, 89, 1]) {
        const id = `reverse-${item}-${daysAgo(days).getTime()}`;
        putCommands(id, daysAgo(days), [{}, {}]);
        if (days < 90) kept.push(id);
      }
    }
    await prune();
    expect(jobsWithCommands().toSorted()).toEqual(kept.toSorted());
  });

  it('that got another result meanwhile stay for now', async () => {
    const id = putJob('fb', 200, [{}, {}]);
    world.stores.jobs.put(aJob({ id, ...ended(100) }));
    const { commands } = world.stores;
    commands.beforeReplace = (command) => {
      if (command.endsWith('step-0')) commands.put(commands.must(command));
    };
    await prune();
    expect(ids(commands.all())).toEqual([`${id}.step-0`]);
  });
});

describe('recovery points and replication groups', () => {
  function putPoint(itemId: string, days: number, id?: string): string {
    const point = { pointId: `p-${days}`, takenAt: daysAgo(days).toISOString() };
    const record = { ...point, itemId, place: 'azure', consistency: 'crashConsistent' } as const;
    const key = id ?? recoveryPointId(itemId, point);
    world.stores.recoveryPoints.put({ ...record, id: key });
    return key;
  }

  function putGroup(days: number, run: Partial<PlanRun> | null): string {
    const runId = `pr-${newestFirstShort(daysAgo(days))}-ab12cd`;
    if (run !== null) world.stores.planRuns.put(aRun({ id: runId, ...run }));
    const id = `${runId}-shop-floor`;
    world.stores.replicationGroups.put({ id, proposal: null, proposals: 1 });
    return id;
  }

  it('go machine by machine, also of machines that are not cared for any more', async () => {
    const kept = ['web', 'web-01', 'gone'].flatMap((item) => [
      putPoint(item, 29),
      putPoint(item, 0),
    ]);
    for (const item of ['web', 'web-01', 'gone'])
      for (const days of [31, 400]) putPoint(item, days);
    for (let index = 0; index < 250; index += 1) putPoint('many', 31 + index);
    await prune();
    expect(ids(world.stores.recoveryPoints.all()).toSorted()).toEqual(kept.toSorted());
    expect(said).toEqual(['Pruned 256 recovery points']);
  });

  it('go, too, as earlier versions wrote them, without the machine in their ids', async () => {
    const earlier = (days: number): string => `${newestFirst(daysAgo(days))}-p-${days}`;
    putPoint('web', 31, earlier(31));
    putPoint('db', 40, earlier(40));
    const young = putPoint('web', 29, earlier(29));
    await prune();
    expect(ids(world.stores.recoveryPoints.all())).toEqual([young]);
  });

  it('of a run go once it has ended so long ago, and not while its machines may count in them', async () => {
    const endedAt = (days: number) =>
      ({ state: 'succeeded', endedAt: daysAgo(days).toISOString() }) as const;
    putGroup(60, endedAt(31));
    putGroup(61, null);
    const kept = [
      putGroup(62, { state: 'waitingForOperator' }),
      putGroup(63, endedAt(29)),
      putGroup(10, endedAt(5)),
    ];
    await prune();
    expect(ids(world.stores.replicationGroups.all()).toSorted()).toEqual(kept.toSorted());
    expect(said).toEqual(['Pruned 2 replication groups']);
  });
});
