import { afterEach, describe, expect, it } from '@jest/globals';
import { reverseReplicationInstanceId } from '../../shared/contracts/orchestrations.ts';
import { killPlaces } from '../support/world/kill-places.ts';
import { World } from '../support/world/world.ts';

/** Only there to end a test that hangs: hundreds of failbacks take a while on a busy machine. */
const HANGS_AFTER_MS = 900_000;

let world: World | undefined;

afterEach(() => {
  world?.dispose();
  world = undefined;
});

/** A failback with as few steps of waiting as possible: what is not there need not be crashed. */
async function startedWorld(crashAfter: number): Promise<World> {
  world = await World.create();
  world.processServers.registersAfterMs = 0;
  world.vm.operationMs = 4_000;
  world.replicas.seedCopyMs = 5_000;
  world.host.crashAfter(crashAfter);
  await world.startAutomatic();
  return world;
}

/** Everything that must not depend on where the host died. Times may: a restart looks again sooner. */
function outcomeOf(it: World): object {
  const { state, phase, error, history, cycles, report } = it.job();
  return {
    job: { state, phase, error },
    phases: it.phases,
    history: history.map((event) => `${event.phase}: ${event.message}`),
    cycles: cycles.map(({ pointId, kind, reasons }) => ({ pointId, kind, reasons })),
    proof: report.proof,
    item: { ...it.item, lastRecoveryPointAt: null },
    machines: it.machines,
    boots: it.site.boots,
    deletions: it.vm.deletions,
    deployments: it.processServers.deployments,
    processServers: it.processServers.names,
    snapshotsTaken: it.snapshots.taken.toSorted(),
    snapshotsLeft: it.snapshots.names,
    commandsDone: it.agents.done.map(({ commandId }) => commandId).toSorted(),
    recoveryPoints: it.recoveryPoints.all().map(({ pointId }) => pointId),
    sealedReplicas: it.replicas.sealedPointIds,
    reverseLoop: it.host.status(reverseReplicationInstanceId('web')).runtimeStatus,
  };
}

describe('a host that dies during a failback', () => {
  it(
    'comes to the same end, with every effect once, whichever commit it dies after',
    async () => {
      const whole = await startedWorld(Number.POSITIVE_INFINITY);
      await whole.untilEnd();
      const { commits } = whole.host;
      const expected = outcomeOf(whole);
      expect(expected).toMatchObject({ job: { state: 'succeeded' }, boots: ['web'], deletions: 1 });
      whole.dispose();
      for (const after of killPlaces('failback', commits, 3)) {
        const it = await startedWorld(after);
        await it.until(() => it.host.isCrashed);
        await it.host.restart();
        await it.untilEnd();
        expect({ after, ...outcomeOf(it) }).toEqual({ after, ...expected });
        it.dispose();
      }
      world = undefined;
    },
    HANGS_AFTER_MS,
  );

  it('comes to the same end when it dies after every single commit', async () => {
    const whole = await startedWorld(Number.POSITIVE_INFINITY);
    await whole.untilEnd();
    const expected = outcomeOf(whole);
    whole.dispose();
    const it = await startedWorld(1);
    let deaths = 0;
    while (it.jobs.all()[0]?.endedAt === null) {
      await it.until(() => it.host.isCrashed || it.job().endedAt !== null);
      await it.host.restart();
      it.host.crashAfter(1);
      deaths += 1;
    }
    await it.host.restart();
    await it.settle();
    expect(deaths).toBeGreaterThan(200);
    expect(outcomeOf(it)).toEqual(expected);
  });
});

describe('a host that dies during a rollback', () => {
  async function cancelledWorld(crashAfter: number): Promise<World> {
    world = await World.create();
    world.processServers.registersAfterMs = 0;
    world.vm.operationMs = 4_000;
    await world.start({ autoFailover: true });
    await world.untilWaiting('commitPending');
    world.host.crashAfter(crashAfter);
    await world.ask('cancel');
    return world;
  }

  it(
    'has the machine back in Azure at the end, whichever commit it dies after',
    async () => {
      const whole = await cancelledWorld(Number.POSITIVE_INFINITY);
      const before = whole.host.commits;
      await whole.untilEnd();
      const commits = whole.host.commits - before;
      const { state, error, report } = whole.job();
      const expected = { state, error, undo: report.undo, machines: whole.machines };
      expect(expected).toMatchObject({ machines: { azure: 'running', home: 'off' } });
      whole.dispose();
      // Each of these runs is a failback and a rollback.
      for (const after of killPlaces('rollback', commits, 3)) {
        const it = await cancelledWorld(after);
        await it.until(() => it.host.isCrashed);
        await it.host.restart();
        const job = await it.untilEnd();
        const { undo } = job.report;
        const actual = { state: job.state, error: job.error, undo, machines: it.machines };
        expect({ after, ...actual }).toEqual({ after, ...expected });
        expect(it.vm.powerActions).toEqual(['powerOff', 'start']);
        it.dispose();
      }
      world = undefined;
    },
    HANGS_AFTER_MS,
  );
});
