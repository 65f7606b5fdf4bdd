import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { PreflightRecord } from '../../shared/ports/stores.ts';
import { must } from '../support/must.ts';
import { refused } from '../support/world/faults.ts';
import {
  CONFIGURATION_SERVER,
  HOUR_MS,
  MASTER_TARGET,
  MINUTE_MS,
} from '../support/world/fixtures.ts';
import { World } from '../support/world/world.ts';

let world: World;

beforeEach(async () => {
  world = await World.create();
});

afterEach(() => {
  world.dispose();
});

async function run(limitMs = HOUR_MS): Promise<PreflightRecord> {
  const id = await world.startPreflight();
  const ended = (): boolean => world.preflights.peek(id)?.endedAt !== null;
  await world.untilHolds(ended, limitMs);
  const record = world.preflights.peek(id);
  if (record === null) throw new Error('the run is gone');
  return record;
}

const ruleIds = ({ report }: PreflightRecord): readonly string[] =>
  (report?.findings ?? []).flatMap(({ ruleId, severity }) =>
    severity === 'blocking' ? [ruleId] : [],
  );

describe('a preflight by itself', () => {
  it('judges a machine that may come home, and touches nothing', async () => {
    const before = JSON.stringify([world.item, world.jobs.all(), world.machines]);
    const record = await run();
    expect(record.report).toMatchObject({ isBlocked: false, unanswered: [], unknownFacts: [] });
    expect(record.report?.findings.map(({ error }) => error.code)).toContain('FB-PRE-092');
    expect(JSON.stringify([world.item, world.jobs.all(), world.machines])).toBe(before);
    expect(world.agents.done.map(({ name }) => name)).toEqual([
      'describeSite',
      'verifyMasterTarget',
    ]);
    expect(world.snapshots.names).toEqual([]);
  });

  it('asks no agent that is silent, says so, and ends at once', async () => {
    world.setAgentDown(CONFIGURATION_SERVER, true);
    world.setAgentDown(MASTER_TARGET, true);
    await world.advance(MINUTE_MS);
    const before = world.timers.now().getTime();
    const record = await run();
    expect(world.timers.now().getTime() - before).toBeLessThan(MINUTE_MS);
    expect(world.agents.done).toEqual([]);
    expect(record.report?.unanswered).toMatchObject([
      { source: 'configurationServer', error: { code: 'FB-ORC-010' } },
      { source: 'masterTarget', error: { code: 'FB-ORC-010' } },
    ]);
    expect(record.report?.unknownFacts).toEqual(
      expect.arrayContaining(['site', 'location', 'masterTarget', 'configurationServer']),
    );
    expect(ruleIds(record)).toContain('site.hypervisor.connected');
  });

  it('does not hang on an agent that lives and never answers', async () => {
    world.agents.behaviours.plan('describeSite', { answer: 'never' });
    const record = await run();
    expect(record.report).toMatchObject({
      isBlocked: true,
      unanswered: [{ source: 'configurationServer', error: { code: 'FB-ORC-003' } }],
    });
    expect(record.report?.unknownFacts).not.toContain('masterTarget');
  });

  it('says what Azure refused to tell', async () => {
    world.faults.fail('vms.gatherFacts', 1, refused());
    const { report } = await run();
    expect(report).toMatchObject({
      isBlocked: true,
      unanswered: [{ source: 'azure', error: { code: 'FB-AZ-001' } }],
    });
    expect(report?.unknownFacts).toContain('azureVm');
  });

  it('keeps why it could not run at all', async () => {
    world.faults.fail('agents.list', 1, refused());
    const record = await run();
    expect(record).toMatchObject({ report: null, error: { code: 'FB-AZ-001' } });
  });

  it('runs beside a failback, asks its process server, and measures its changes', async () => {
    await world.start({ cycleIntervalSeconds: 300 });
    await world.until(() => world.job().cycles.length === 4);
    const commands = world.agents.timesDone('describeProcessServer');
    const { report } = await run();
    expect(world.agents.timesDone('describeProcessServer')).toBe(commands + 1);
    expect(report).toMatchObject({ isBlocked: false });
    expect(report?.notGatheredFacts).not.toContain('protection.changeBytesPerDay');
    expect(world.job().state).toBe('waitingForOperator');
  });
});

describe('a machine that is to go to a physical machine', () => {
  it('is refused, with the reason, by preflight and by the failback', async () => {
    const { value, etag } = must(await world.items.get('web'), 'the item');
    const target = { ...value.target, kind: 'physicalMachine' as const };
    await world.items.replace({ ...value, target }, etag);
    const { report } = await run();
    expect(report?.findings).toContainEqual(
      expect.objectContaining({
        ruleId: 'physical.target-is-virtual',
        severity: 'blocking',
        error: expect.objectContaining({ code: 'FB-PRE-072' }),
      }),
    );
    await world.start();
    const job = await world.untilEnd();
    expect(job).toMatchObject({ state: 'failed', error: { code: 'FB-PRE-002' } });
    expect(job.error?.message).toContain('FB-PRE-072');
    expect(world.agents.timesDone('prepareTarget')).toBe(0);
  });
});

describe('a failback whose preflight cannot find out what it needs', () => {
  it('is refused, and says who did not tell why', async () => {
    world.faults.fail('vms.gatherFacts', 1, refused());
    await world.start();
    const job = await world.untilEnd();
    expect(job).toMatchObject({ state: 'failed', error: { code: 'FB-PRE-002' } });
    expect(job.error?.message).toContain('AuthorizationFailed');
    expect(world.agents.timesDone('prepareTarget')).toBe(0);
  });
});
