import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { MasterTargetLoad } from '../../shared/domain/choose-master-target.ts';
import { updateRecord } from '../../shared/services/update-record.ts';
import { MASTER_TARGET } from '../support/world/fixtures.ts';
import { World } from '../support/world/world.ts';

const OTHER = 'mt-mt2';
const LOAD: MasterTargetLoad = {
  osType: 'Linux',
  openReplications: 0,
  attachedDiskCount: 0,
  retentionFreeBytes: 1024 ** 4,
};
const FULL = { attachedDiskCount: 59 };

let world: World;

/** The machine names no master target; two are registered. */
beforeEach(async () => {
  world = await World.create();
  await world.registry.register(OTHER, 'masterTarget', 'mt2');
  await updateRecord(world.items, world.item.id, (item) => {
    const { masterTarget: _none, ...target } = item.target;
    return { ...item, target };
  });
  await tell(MASTER_TARGET);
  await tell(OTHER);
});

afterEach(() => {
  world.dispose();
});

async function tell(agentId: string, load: Partial<MasterTargetLoad> = {}): Promise<void> {
  const told = { load: { ...LOAD, ...load } };
  await updateRecord(world.registry, agentId, (agent) => ({ ...agent, ...told }));
}

/** Master targets that were asked for anything that changes something. */
function usedMasterTargets(): readonly string[] {
  const used = world.commands
    .all()
    .filter(({ agentId, name }) => agentId.startsWith('mt-') && name !== 'verifyMasterTarget')
    .map(({ agentId }) => agentId);
  return [...new Set(used)];
}

function prepared(): readonly unknown[] {
  return world.commands
    .all()
    .filter(({ name }) => name === 'prepareTarget')
    .map(({ input }) => (input as { masterTarget?: string }).masterTarget);
}

describe('a machine that names no master target', () => {
  it('comes home through the one that is not full, says why, and stays with it', async () => {
    await tell(MASTER_TARGET, FULL);
    await world.start();
    await world.untilWaiting('replicating');
    // Now the other one would be the better choice.
    await tell(MASTER_TARGET);
    await tell(OTHER, FULL);
    await world.ask('failover');
    await world.untilWaiting('commitPending');
    await world.ask('commit');
    expect(await world.untilEnd()).toMatchObject({ state: 'succeeded' });
    expect(usedMasterTargets()).toEqual([OTHER]);
    expect(prepared()).toEqual(['mt2']);
    expect(world.item.chosenMasterTarget).toBe('mt2');
    const { history, report } = await world.view();
    expect(history.map(({ message }) => message)).toContain(
      'master target mt2 was chosen: the only one that fits: it holds 0 of 60 disks and 0 open replications' +
        ' · not mt1: it holds 59 disks and can hold 60; the machine has 2',
    );
    expect(report).toMatchObject({ masterTarget: { name: 'mt2' } });
  });

  it('passes over one that is silent', async () => {
    world.setAgentDown(MASTER_TARGET, true);
    await world.advance(5 * 60_000);
    await world.startAutomatic();
    expect(await world.untilEnd()).toMatchObject({ state: 'succeeded' });
    expect(usedMasterTargets()).toEqual([OTHER]);
  });

  it('fails with the reason of each when none fits, and is back in Azure at once', async () => {
    await tell(MASTER_TARGET, FULL);
    await tell(OTHER, { osType: 'Windows' });
    await world.start();
    const startedAt = world.timers.now().getTime();
    const job = await world.untilEnd();
    expect(job).toMatchObject({ state: 'failed', error: { code: 'FB-ORC-013' } });
    expect(job.error?.message).toBe(
      'No master target can take web-azure: mt1: it holds 59 disks and can hold 60; the machine has 2' +
        ' · mt2: it runs Windows, the machine Linux.',
    );
    expect(world.item.phase).toBe('failedOver');
    expect(world.machines).toEqual({ azure: 'running', home: 'off' });
    expect(world.timers.now().getTime() - startedAt).toBeLessThan(60_000);
    expect(usedMasterTargets()).toEqual([]);
  });

  it('waits for none that an earlier failback used: one that is gone does not keep the way back', async () => {
    const chosen = { chosenMasterTarget: 'mt1' };
    await updateRecord(world.items, world.item.id, (item) => ({ ...item, ...chosen }));
    world.setAgentDown(MASTER_TARGET, true);
    world.setAgentDown(OTHER, true);
    await world.advance(5 * 60_000);
    await world.start();
    await world.untilEnd(60_000);
    expect(world.job().error?.code).toBe('FB-ORC-013');
    expect(world.item).toMatchObject({ phase: 'failedOver' });
    expect(world.item.chosenMasterTarget).toBeUndefined();
  });

  it('says that there is none when none is registered', async () => {
    for (const id of [MASTER_TARGET, OTHER]) {
      const found = await world.registry.get(id);
      await world.registry.delete(id, found?.etag ?? '');
    }
    await world.start();
    expect((await world.untilEnd()).error?.message).toBe(
      'No master target can take web-azure: none is registered.',
    );
  });

  it('may come home through another one after a way back', async () => {
    await tell(OTHER, FULL);
    await world.start();
    await world.untilWaiting('replicating');
    expect(world.item.chosenMasterTarget).toBe('mt1');
    await world.ask('cancel');
    await world.untilEnd();
    await tell(MASTER_TARGET, FULL);
    await tell(OTHER);
    await world.startAutomatic();
    expect(await world.untilEnd()).toMatchObject({ state: 'succeeded' });
    expect(prepared()).toEqual(expect.arrayContaining(['mt1', 'mt2']));
    expect(world.item.chosenMasterTarget).toBe('mt2');
  });

  it('goes back through the one it was given, although another fits better by then', async () => {
    await tell(OTHER, FULL);
    await world.start();
    await world.untilWaiting('replicating');
    await tell(MASTER_TARGET, FULL);
    await tell(OTHER);
    await world.ask('cancel');
    await world.untilEnd();
    expect(usedMasterTargets()).toEqual([MASTER_TARGET]);
    expect(world.item.phase).toBe('failedOver');
  });

  it('is rehearsed through one that fits, and cleaned up there', async () => {
    await tell(MASTER_TARGET, FULL);
    await world.startRehearsal();
    expect(await world.untilEnd()).toMatchObject({ state: 'succeeded' });
    expect(usedMasterTargets()).toEqual([OTHER]);
  });

  it('is checked by itself against the one that would be chosen, which is not kept', async () => {
    await tell(MASTER_TARGET, FULL);
    const id = await world.startPreflight();
    await world.untilHolds(() => world.preflights.peek(id)?.endedAt !== null, 60_000);
    expect(world.preflights.peek(id)?.report?.unanswered).toEqual([]);
    expect(world.commands.all().map(({ agentId }) => agentId)).toContain(OTHER);
    expect(world.item.chosenMasterTarget).toBeUndefined();
  });

  it('is checked by itself with the reasons of all where none fits', async () => {
    await tell(MASTER_TARGET, FULL);
    await tell(OTHER, FULL);
    const id = await world.startPreflight();
    await world.untilHolds(() => world.preflights.peek(id)?.endedAt !== null, 60_000);
    const { report } = world.preflights.peek(id) ?? {};
    expect(report?.isBlocked).toBe(true);
    expect(report?.unanswered).toEqual([
      expect.objectContaining({
        source: 'masterTarget',
        error: expect.objectContaining({ code: 'FB-ORC-013' }),
      }),
    ]);
  });

  it.each([
    ['the configuration server is silent', 'FB-ORC-010'],
    ['its hypervisor is out of reach', 'FB-ORC-013'],
  ])('is not sent anywhere while %s', async (what, code) => {
    if (code === 'FB-ORC-010') {
      world.setAgentDown('cs-cs1', true);
      await world.advance(5 * 60_000);
    } else world.site.isHypervisorAway = true;
    await world.start();
    expect({ what, code: (await world.untilEnd(60_000)).error?.code }).toEqual({ what, code });
    expect(world.item.phase).toBe('failedOver');
  });
});
