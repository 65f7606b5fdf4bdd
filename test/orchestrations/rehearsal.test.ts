import { afterEach, describe, expect, it } from '@jest/globals';
import type { CommandName } from '../../shared/contracts/commands.ts';
import { partInstanceId } from '../../shared/contracts/orchestrations.ts';
import type { ErrorCode } from '../../shared/errors/catalogue.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { HOUR_MS, LASTING_FAULT, MINUTE_MS } from '../support/world/fixtures.ts';
import { killPlaces } from '../support/world/kill-places.ts';
import { World } from '../support/world/world.ts';
import { endedAtMs } from '../support/world/readings.ts';

let world: World | undefined;

afterEach(() => {
  world?.dispose();
  world = undefined;
});

async function newWorld(): Promise<World> {
  world = await World.create();
  world.processServers.registersAfterMs = 0;
  return world;
}

/** Nothing of the rehearsal is left anywhere, and nobody noticed that there was one. */
function expectNoTrace(it: World): void {
  expect(it.vm.powerActions).toEqual([]);
  expect(it.vm.deletions).toBe(0);
  expect(it.machines).toEqual({ azure: 'running', home: 'off' });
  expect([...it.site.vms.values()].map(({ name }) => name)).toEqual(['web']);
  expect(it.site.replications.size).toBe(0);
  expect(it.snapshots.names).toEqual([]);
  expect(it.processServers.names).toEqual([]);
  expect(it.phases).toEqual([]);
  expect(it.item).toMatchObject({ phase: 'failedOver', activeJobId: null, base: {} });
  expect(it.item).toMatchObject({ onPremisesVmId: null, lastRecoveryPointAt: null });
  expect(it.recoveryPoints.all()).toEqual([]);
}

describe('a rehearsal', () => {
  it('boots a proved copy in isolation while the machine in Azure runs on, then cleans up', async () => {
    const it = await newWorld();
    await it.startRehearsal();
    const job = await it.untilEnd();
    expect(job).toMatchObject({ operation: 'rehearsal', state: 'succeeded', error: null });
    expect(job.report).toMatchObject({ proof: { mismatches: 0 }, bootEvidence: 'login:' });
    expect(it.site.boots).toEqual(['rehearsal-web']);
    expect(job.report.undo?.every(({ outcome }) => outcome === 'done')).toBe(true);
    expectNoTrace(it);
  });

  it.each<[CommandName, ErrorCode]>([
    ['prepareTarget', 'FB-SITE-002'],
    ['replicateDisk', 'FB-DATA-003'],
    ['sealRecoveryPoint', 'FB-JRN-002'],
    ['verifyDisks', 'FB-JRN-006'],
    ['startVm', 'FB-SITE-003'],
    ['verifyBoot', 'FB-SITE-005'],
  ])('cleans up when %s fails, and reports %s', async (name, code) => {
    const it = await newWorld();
    it.agents.behaviours.plan(name, { error: new FailbackError(code) });
    await it.startRehearsal();
    const job = await it.untilEnd();
    expect(job).toMatchObject({ state: 'failed', error: { code } });
    expectNoTrace(it);
  });

  it('never boots a copy that differs, and reports FB-ORC-006', async () => {
    const it = await newWorld();
    it.site.storageFault = LASTING_FAULT;
    await it.startRehearsal();
    const job = await it.untilEnd();
    expect(job).toMatchObject({ state: 'failed', error: { code: 'FB-ORC-006' } });
    expect(it.site.boots).toEqual([]);
    expectNoTrace(it);
  });

  it('cleans up a copy that was booted although nobody said so', async () => {
    const it = await newWorld();
    it.agents.behaviours.plan('startVm', { answer: 'neverButDone' });
    await it.startRehearsal();
    const job = await it.untilEnd();
    expect(job).toMatchObject({ state: 'failed', error: { code: 'FB-ORC-003' } });
    expect(it.site.boots).toEqual(['rehearsal-web']);
    expectNoTrace(it);
  });

  it('cleans up and ends when one of its transfers is ended from outside', async () => {
    const it = await newWorld();
    it.agents.behaviours.plan('replicateDisk', { afterMs: HOUR_MS });
    const { id } = await it.startRehearsal();
    await it.until(() => it.job().phase === 'initialReplication');
    await it.advance(MINUTE_MS);
    it.host.management.terminate(partInstanceId(id, 'replicate-0-os'), 'from outside');
    const job = await it.untilEnd();
    expect(job).toMatchObject({ state: 'failed', error: { code: 'FB-ORC-002' } });
    expectNoTrace(it);
  });

  it('says so when it could not clean up', async () => {
    const it = await newWorld();
    const hangs = new FailbackError('FB-SITE-900', { command: 'stopVm', reason: 'it hangs' });
    it.agents.behaviours.plan('stopVm', { error: hangs });
    await it.startRehearsal();
    const job = await it.untilEnd();
    expect(job).toMatchObject({ state: 'failed', error: { code: 'FB-ORC-011' } });
    expect(it.item).toMatchObject({ phase: 'failedOver', activeJobId: null });
    expect(it.vm.powerActions).toEqual([]);
  });

  it('cleans up, once, whichever commit the host dies after', async () => {
    const whole = await newWorld();
    await whole.startRehearsal();
    await whole.untilEnd();
    const { commits } = whole.host;
    whole.dispose();
    expect(commits).toBeGreaterThan(100);
    for (const after of killPlaces('rehearsal', commits, 7)) {
      const it = await newWorld();
      it.host.crashAfter(after);
      await it.startRehearsal();
      await it.until(() => it.host.isCrashed);
      await it.host.restart();
      const job = await it.untilEnd();
      expect({ after, state: job.state }).toEqual({ after, state: 'succeeded' });
      expect(it.site.boots).toEqual(['rehearsal-web']);
      expectNoTrace(it);
      it.dispose();
    }
    world = undefined;
  });

  it('leaves the way free for a failback afterwards', async () => {
    const it = await newWorld();
    await it.startRehearsal();
    await it.untilEnd();
    await it.advance(60_000);
    await it.startAutomatic();
    expect((await it.untilEnd()).state).toBe('succeeded');
    expect(it.machines).toEqual({ azure: 'absent', home: 'on' });
  });

  it('is refused while the machine is on its way home', async () => {
    const it = await newWorld();
    await it.startAutomatic();
    await it.untilEnd();
    await expect(it.startRehearsal()).rejects.toMatchObject({ code: 'FB-REQ-005' });
  });
});

describe('a rehearsal that is cancelled', () => {
  it.each(['preparing', 'initialReplication', 'booting'] as const)(
    'in %s cleans up and leaves no trace',
    async (phase) => {
      const it = await newWorld();
      it.agents.behaviours.planAll({ afterMs: 20_000 });
      await it.startRehearsal();
      await it.until(() => it.job().phase === phase);
      await it.advance(7_000);
      expect((await it.view()).allowedActions).toEqual(['cancel']);
      await it.ask('cancel');
      const job = await it.untilEnd();
      expect(job).toMatchObject({ state: 'cancelled', error: { code: 'FB-ORC-005' } });
      expectNoTrace(it);
    },
  );

  it('breaks off a copy that would take days', async () => {
    const it = await newWorld();
    it.agents.behaviours.plan('replicateDisk', { afterMs: 72 * HOUR_MS });
    await it.startRehearsal();
    await it.until(() => it.job().phase === 'initialReplication');
    await it.advance(MINUTE_MS);
    const askedAtMs = it.timers.now().getTime();
    await it.ask('cancel');
    const job = await it.untilEnd();
    expect(job.state).toBe('cancelled');
    expect(endedAtMs(job) - askedAtMs).toBeLessThan(5 * MINUTE_MS);
    expectNoTrace(it);
  });

  it('does not wait for a process server that never registers', async () => {
    const it = await newWorld();
    it.processServers.registersAfterMs = 24 * HOUR_MS;
    await it.startRehearsal();
    await it.advance(MINUTE_MS);
    const askedAtMs = it.timers.now().getTime();
    await it.ask('cancel');
    const job = await it.untilEnd();
    expect(job.state).toBe('cancelled');
    expect(endedAtMs(job) - askedAtMs).toBeLessThan(2 * MINUTE_MS);
  });

  it('is either refused or obeyed while it begins to clean up, never accepted and forgotten', async () => {
    for (let calls = 1; calls <= 14; calls += 1) {
      const it = await newWorld();
      await it.startRehearsal();
      await it.until(() => it.agents.timesDone('verifyBoot') === 1);
      const asked = it.askAfterCalls('cancel', calls);
      const job = await it.untilEnd();
      const isObeyed = job.state === 'cancelled';
      expect({ calls, answer: asked.answer }).toEqual({
        calls,
        answer: isObeyed ? 'accepted' : 'FB-REQ-004',
      });
      expectNoTrace(it);
      it.dispose();
    }
    world = undefined;
  });
});
