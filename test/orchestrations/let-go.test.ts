import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { letGo } from '../../functions/jobs/let-go.ts';
import type { CommandName } from '../../shared/contracts/commands.ts';
import { isTerminal } from '../../shared/domain/job.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { REVERSE_CYCLE_MS } from '../../shared/policy/limits.ts';
import { must } from '../support/must.ts';
import { refused } from '../support/world/faults.ts';
import {
  aProtectedItem,
  CONFIGURATION_SERVER,
  HOUR_MS,
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

/** Everything that may be lost, at both ends. */
const belongings = (): Readonly<Record<string, unknown>> => ({
  azure: [world.vm.state, world.vm.deletions, world.vm.powerActions],
  snapshots: world.snapshots.names,
  replicas: [world.replicas.content('web/os.vhd'), world.replicas.content('web/lun-0.vhd')],
  home: [...world.site.vms.values()].map(({ vmId, disksAt, writes }) => [
    vmId,
    disksAt,
    writes.isRunning,
  ]),
  replications: [...world.site.replications.keys()],
  processServers: world.processServers.names,
});

async function leave(): Promise<void> {
  await letGo(world.deps, must(await world.items.get('web'), 'the item'));
  await world.settle();
  expect(world.items.all()).toEqual([]);
}

const commands = (): readonly CommandName[] => world.agents.done.map(({ name }) => name);
const orchestrations = (state: string): readonly string[] =>
  world.host.management.list(({ status }) => status === state).map(({ instanceId }) => instanceId);

/** Nobody is sent anything, nothing runs, and nothing that there was has changed. */
async function expectLeftAlone(before: unknown): Promise<void> {
  const sent = world.commands.all().length;
  await world.advance(2 * HOUR_MS);
  expect(belongings()).toEqual(before);
  expect(world.commands.all()).toHaveLength(sent);
  expect([orchestrations('Running'), orchestrations('Failed')]).toEqual([[], []]);
  expect(world.jobs.all().every(({ state }) => isTerminal(state))).toBe(true);
}

describe('a machine that no failback moves on', () => {
  const deadEnds: readonly [string, () => Promise<void>][] = [
    [
      'committing',
      async () => {
        // The snapshots that the replica would be made of were deleted by somebody.
        world.faults.fail('replicas.beginSeed', Number.POSITIVE_INFINITY, refused());
        await world.startAutomatic();
      },
    ],
    [
      'waitingForAgent',
      async () => {
        world.site.agentRegistersAfterMs = null;
        await world.startAutomatic();
      },
    ],
    [
      'reverseReplicating',
      async () => {
        const error = new FailbackError('FB-JRN-007', { status: 500, code: 'injected' });
        world.agents.behaviours.plan('replicateToAzure', { error });
        await world.startAutomatic();
      },
    ],
    [
      'rollingBack',
      async () => {
        await world.start();
        await world.untilWaiting('replicating');
        world.setAgentDown(CONFIGURATION_SERVER, true);
        await world.ask('cancel');
      },
    ],
  ];

  it.each(deadEnds)('from %s can be let go, and keeps all that it has', async (phase, begin) => {
    await begin();
    expect((await world.untilEnd()).state).toBe('failed');
    expect(world.item.phase).toBe(phase);
    expect((await world.view()).allowedActions).not.toContain('cancel');
    expect((await world.viewItem()).allowedOperations).toContain('unprotect');
    const before = belongings();
    await leave();
    await expectLeftAlone(before);
    await expect(world.takeUp('resume')).rejects.toMatchObject({ code: 'FB-REQ-007' });
  });

  it('from committing is not overwritten when it is taken under care once more', async () => {
    world.replicas.isBroken = true;
    await world.startAutomatic();
    await world.untilEnd();
    await leave();
    await world.items.create(aProtectedItem());
    const before = belongings();
    await world.startAutomatic();
    const { error } = await world.untilEnd();
    expect(error?.message).toContain('FB-PRE-054');
    expect(world.machines.home).toBe('on');
    expect(belongings()).toMatchObject({ home: before['home'] });
    expect(world.agents.timesDone('prepareTarget')).toBe(1);
    expect(world.agents.timesDone('stopVm')).toBe(0);
    await leave();
  });

  it('can be let go although somebody has terminated its orchestration', async () => {
    world.site.agentRegistersAfterMs = null;
    await world.startAutomatic();
    await world.untilPhase('waitingForAgent');
    world.terminateEverything();
    const before = belongings();
    await leave();
    expect(world.job()).toMatchObject({ state: 'failed', error: { code: 'FB-ORC-012' } });
    await expectLeftAlone(before);
  });
});

describe('a failback at work whose machine is let go', () => {
  it('ends as cancelled while it waits for the mobility agent, and asks nobody any more', async () => {
    world.site.agentRegistersAfterMs = null;
    await world.startAutomatic();
    await world.untilPhase('waitingForAgent');
    await world.advance(MINUTE_MS);
    const before = belongings();
    await leave();
    const job = await world.untilEnd(MINUTE_MS);
    expect(job).toMatchObject({ state: 'cancelled', error: { code: 'FB-ORC-005' } });
    await expectLeftAlone(before);
  });

  it('does not wait for a configuration server that is gone', async () => {
    world.agents.behaviours.plan('checkMobilityAgent', { answer: 'never' });
    await world.startAutomatic();
    await world.untilPhase('waitingForAgent');
    await world.advance(30_000);
    await leave();
    expect((await world.untilEnd(30_000)).state).toBe('cancelled');
    world.agents.behaviours.plan('checkMobilityAgent', {}, 0);
  });

  it('breaks off a delta that would take for ever, seals nothing and gives the image back', async () => {
    world.agents.behaviours.plan('replicateToAzure', { afterMs: 3 * 24 * HOUR_MS });
    await world.startAutomatic();
    await world.untilPhase('reverseReplicating');
    await world.advance(10 * MINUTE_MS);
    const before = belongings();
    await leave();
    expect((await world.untilEnd(MINUTE_MS)).state).toBe('cancelled');
    expect(world.agents.timesDone('closeReverseSource')).toBe(1);
    expect(world.replicas.sealedPointIds).toEqual([]);
    await expectLeftAlone(before);
  });

  it('sends no disk once it has an image that nobody wants any more', async () => {
    world.agents.behaviours.plan('openReverseSource', { afterMs: 10 * MINUTE_MS });
    await world.startAutomatic();
    await world.untilPhase('reverseReplicating');
    await world.advance(MINUTE_MS);
    const before = belongings();
    await leave();
    expect((await world.untilEnd(HOUR_MS)).state).toBe('cancelled');
    expect(commands().slice(-2)).toEqual(['openReverseSource', 'closeReverseSource']);
    expect(world.commands.all().map(({ name }) => name)).not.toContain('replicateToAzure');
    await expectLeftAlone(before);
  });

  it('keeps its machine where it is in the middle of something', async () => {
    world.replicas.seedCopyMs = HOUR_MS;
    await world.startAutomatic();
    await world.untilPhase('committing');
    await world.advance(MINUTE_MS);
    const found = must(await world.items.get('web'), 'the item');
    await expect(letGo(world.deps, found)).rejects.toMatchObject({ code: 'FB-REQ-003' });
    expect((await world.untilEnd()).state).toBe('succeeded');
  });
});

describe('the loop of deltas towards Azure', () => {
  it('ends once its machine was let go', async () => {
    await world.startAutomatic();
    await world.untilEnd();
    await world.advance(3 * REVERSE_CYCLE_MS);
    const before = belongings();
    await leave();
    await expectLeftAlone(before);
  });
});
