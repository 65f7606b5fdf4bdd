import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { COMMANDS } from '../../shared/contracts/commands.ts';
import { reverseReplicationInstanceId } from '../../shared/contracts/orchestrations.ts';
import { REVERSE_CYCLE_MS } from '../../shared/policy/limits.ts';
import { must } from '../support/must.ts';
import { World } from '../support/world/world.ts';
import { endedAtMs } from '../support/world/readings.ts';

const WAY_HOME = [
  'preparing',
  'initialReplication',
  'replicating',
  'shuttingDownSource',
  'finalDelta',
  'booting',
  'commitPending',
  'committing',
  'waitingForAgent',
  'reverseReplicating',
  'protected',
];

let world: World;

beforeEach(async () => {
  world = await World.create();
});

afterEach(() => {
  world.dispose();
});

describe('a whole failback', () => {
  it('goes through every phase in order, shows its stages in order, and succeeds', async () => {
    await world.startAutomatic();
    const job = await world.untilEnd();
    expect(job).toMatchObject({ state: 'succeeded', phase: 'protected', error: null });
    expect(world.phases).toEqual(WAY_HOME);
    const { history, stage, allowedActions } = await world.view();
    expect([...new Set(history.map((event) => event.phase))]).toEqual(WAY_HOME);
    expect([...new Set(history.map((event) => event.stage))]).toEqual([
      'Preparing',
      'Copying disks',
      'Ready to fail back',
      'Failing back',
      'Waiting for commit',
      'Committing',
      'Re-protecting',
      'Protected',
    ]);
    expect({ stage, allowedActions }).toEqual({ stage: 'Protected', allowedActions: [] });
  });

  it('shows its tasks as they happened, one after the other without a gap', async () => {
    await world.startAutomatic();
    const { tasks = [], createdAt, endedAt } = await world.untilEnd();
    expect(tasks.map(({ name }) => name)).toEqual([
      'preflight',
      'deployProcessServer',
      'prepareTarget',
      'initialReplication',
      'replicate',
      'shutDownSource',
      'finalDelta',
      'proveDisks',
      'boot',
      'waitForCommit',
      'keepReplica',
      'deleteAzureVm',
      'waitForAgent',
      'reverseReplicate',
    ]);
    expect(new Set(tasks.map(({ state }) => state))).toEqual(new Set(['succeeded']));
    const starts = tasks.map(({ startedAt }) => startedAt);
    const ends = tasks.map((task) => task.endedAt);
    expect(ends.slice(0, -1)).toEqual(starts.slice(1));
    expect(Date.parse(must(starts[0], 'the start of the first task'))).toBeGreaterThanOrEqual(
      Date.parse(createdAt),
    );
    expect(Date.parse(must(ends.at(-1), 'the end of the last task'))).toBeLessThanOrEqual(
      endedAtMs({ endedAt }),
    );
  });

  it('is told by the log of events from its start to its end, newest first', async () => {
    const { id } = await world.startAutomatic();
    const job = await world.untilEnd();
    const events = world.events.all().filter(({ jobId }) => jobId === id);
    expect(events.at(-1)).toMatchObject({ kind: 'jobStarted', caller: 'operator' });
    expect(events[0]).toMatchObject({ kind: 'jobEnded', caller: 'system', code: null });
    const steps = events.filter(({ kind }) => kind === 'jobStep').map(({ message }) => message);
    const told = new Set(job.history.map(({ message }) => message));
    expect(new Set(steps)).toEqual(told);
    const times = events.map(({ at }) => at);
    expect(times.toSorted().toReversed()).toEqual(times);
  });

  it('leaves the machine running at home and nothing of it in Azure but the replica', async () => {
    await world.startAutomatic();
    await world.untilEnd();
    expect(world.machines).toEqual({ azure: 'absent', home: 'on' });
    expect(world.vm.powerActions).toEqual(['powerOff', 'deallocate']);
    expect(world.vm.deletions).toBe(1);
    expect(world.snapshots.names).toEqual([]);
    expect(world.processServers.names).toEqual([]);
    expect(world.site.boots).toEqual(['web']);
    const home = world.site.findByName('web');
    expect(world.item).toMatchObject({
      phase: 'protected',
      activeJobId: null,
      onPremisesVmId: home?.vmId,
    });
  });

  it('sends a full copy, then deltas on trusted bases, the last one after the shutdown', async () => {
    await world.startAutomatic();
    const { cycles } = await world.untilEnd();
    const figures = cycles.map(({ kind, reasons }) => [kind, reasons[0]?.split(':')[0]]);
    expect(figures).toEqual([
      ['initial', 'full'],
      ['delta', 'delta'],
      ['final', 'delta'],
    ]);
    const replication = world.site.replications.get('web');
    expect(replication?.sealed?.source).toBe(world.vm.writes.content);
  });

  it('reports downtime, proof and both boots of the truth with figures', async () => {
    await world.startAutomatic();
    const { report } = await world.untilEnd();
    const { shutDownAt = '', bootedAt = '', downtimeSeconds } = report;
    expect(downtimeSeconds).toBe((Date.parse(bootedAt) - Date.parse(shutDownAt)) / 1000);
    expect(downtimeSeconds).toBeGreaterThan(0);
    expect(report).toMatchObject({
      dataLossSeconds: 0,
      proof: { mismatches: 0, blocksCompared: 4096 },
      bootEvidence: 'login:',
      fixups: [{ name: 'drivers' }, { name: 'VMware Tools', outcome: 'done' }],
    });
    expect(Date.parse(report.committedAt ?? '')).toBeGreaterThan(Date.parse(bootedAt));
    expect(Date.parse(report.agentRegisteredAt ?? '')).toBeGreaterThan(Date.parse(bootedAt));
    expect(report.reverseChangedBytes).toBeGreaterThan(0);
  });

  it('creates a new VM when the original one is gone', async () => {
    world.dispose();
    world = await World.create({ hasOriginalVm: false });
    await world.startAutomatic();
    const job = await world.untilEnd();
    expect(job.state).toBe('succeeded');
    expect(world.machines).toEqual({ azure: 'absent', home: 'on' });
    expect(world.site.vms.size).toBe(1);
  });

  it('sends only inputs that fit the schema of their command', async () => {
    await world.startAutomatic();
    await world.untilEnd();
    const sent = world.commands.all();
    expect(sent.length).toBeGreaterThan(20);
    for (const { name, input } of sent) {
      expect(COMMANDS[name].input.safeParse(input).error).toBeUndefined();
    }
  });
});

describe('the reverse replication after a failback', () => {
  const loop = reverseReplicationInstanceId('web');
  const points = (): readonly string[] => [...new Set(world.replicas.sealedPointIds)];

  beforeEach(async () => {
    await world.startAutomatic();
    await world.untilEnd();
  });

  it('starts with the failback and runs its further cycles on schedule', async () => {
    expect(points()).toHaveLength(1);
    await world.advance(REVERSE_CYCLE_MS - 1);
    expect(points()).toHaveLength(1);
    await world.advance(60_000);
    expect(points()).toHaveLength(2);
    await world.advance(REVERSE_CYCLE_MS);
    expect(points()).toHaveLength(3);
    expect(world.host.status(loop)).toMatchObject({
      runtimeStatus: 'Running',
      input: { itemId: 'web', cycle: 2, failures: 0 },
    });
  });

  it('carries to the replica what the machine at home holds', async () => {
    await world.advance(REVERSE_CYCLE_MS + 60_000);
    const home = must(world.site.findByName('web'), 'the machine at home').writes.content;
    const replica = must(world.replicas.content('web/os.vhd'), 'the replica of the system disk');
    expect(home - replica).toBeLessThan(120_000);
    expect(replica).toBeGreaterThan(world.vm.writes.content);
  });

  it('counts its failures, goes on, and forgets them after a cycle that works', async () => {
    world.setAgentDown('mt-mt1', true);
    await world.advance(2 * REVERSE_CYCLE_MS + 60_000);
    expect(world.host.status(loop)).toMatchObject({
      input: { failures: 2 },
      customStatus: { code: 'FB-ORC-010' },
    });
    world.setAgentDown('mt-mt1', false);
    await world.advance(REVERSE_CYCLE_MS + 60_000);
    expect(world.host.status(loop)).toMatchObject({ input: { failures: 0 } });
    expect(points()).toHaveLength(2);
  });

  it('ends when the machine is failed over to Azure again', async () => {
    const { value, etag } = must(await world.items.get('web'), 'the record of the item');
    await world.items.replace({ ...value, phase: 'failedOver' }, etag);
    // Somebody else moves the item; the failback's own table of phases has no such step.
    expect(world.invariants.violations.splice(0)).toHaveLength(1);
    await world.advance(REVERSE_CYCLE_MS);
    expect(world.host.status(loop).runtimeStatus).toBe('Completed');
    expect(points()).toHaveLength(1);
  });
});
