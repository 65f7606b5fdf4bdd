import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { REVERSE_CYCLE_MS } from '../../shared/policy/limits.ts';
import { World } from '../support/world/world.ts';

let world: World;

beforeEach(async () => {
  world = await World.create();
});

afterEach(() => {
  world.dispose();
});

const broken = new FailbackError('FB-JRN-007', { status: 500, code: 'injected' });

describe('the loop of deltas towards Azure', () => {
  it('keeps why its last delta failed in the item until one arrives', async () => {
    await world.startAutomatic();
    await world.untilEnd();
    world.agents.behaviours.plan('replicateToAzure', { error: broken }, 1);
    const limit = 3 * REVERSE_CYCLE_MS;
    await world.untilHolds(() => world.item.reverseError !== undefined, limit);
    expect(world.item.reverseError?.code).toBe('FB-JRN-007');
    const { healthErrors } = await world.viewItem();
    expect(healthErrors.map(({ code }) => code)).toContain('FB-HLT-006');
    await world.untilHolds(() => world.item.reverseError === undefined, limit);
  });

  it('names its points by their time alone: with the id of a machine they could be longer than an id may be', async () => {
    await world.startAutomatic();
    await world.untilEnd();
    const before = world.replicas.sealedPointIds.length;
    await world.untilHolds(
      () => world.replicas.sealedPointIds.length > before,
      3 * REVERSE_CYCLE_MS,
    );
    expect(world.replicas.sealedPointIds.at(-1)).toMatch(/^reverse-\d{13}$/);
  });
});

describe('the first delta towards Azure', () => {
  it('that fails gives the image of the disks back, seals nothing and leaves the machine at home', async () => {
    world.agents.behaviours.plan('replicateToAzure', { error: broken });
    await world.startAutomatic();
    const job = await world.untilEnd();
    expect(job).toMatchObject({
      state: 'failed',
      phase: 'reverseReplicating',
      error: { code: 'FB-JRN-007' },
    });
    expect(world.agents.timesDone('closeReverseSource')).toBe(1);
    expect(world.replicas.sealedPointIds).toEqual([]);
    expect(world.machines).toEqual({ azure: 'absent', home: 'on' });
  });

  it('that has no image gives back what there is of one, and reports why', async () => {
    const locked = new FailbackError('FB-VSPHERE-009', {
      address: 'vcenter',
      method: 'ReconfigVM_Task',
      fault: 'GenericVmConfigFault',
      reason: '',
    });
    world.agents.behaviours.plan('openReverseSource', { error: locked });
    await world.startAutomatic();
    expect((await world.untilEnd()).error?.code).toBe('FB-VSPHERE-009');
    expect(world.agents.timesDone('closeReverseSource')).toBe(1);
    expect(world.replicas.sealedPointIds).toEqual([]);
  });

  it('reports what broke first when giving the image back fails as well', async () => {
    world.agents.behaviours.plan('replicateToAzure', { error: broken });
    const stuck = new FailbackError('FB-SITE-900', { command: 'closeReverseSource', reason: 'x' });
    world.agents.behaviours.plan('closeReverseSource', { error: stuck });
    await world.startAutomatic();
    const job = await world.untilEnd();
    expect(job.error?.code).toBe('FB-JRN-007');
  });

  it('keeps the process server until it is done, and no longer', async () => {
    await world.startAutomatic();
    await world.untilPhase('reverseReplicating');
    expect(world.processServers.names).toEqual(['failback-ps-shop']);
    await world.untilEnd();
    expect(world.processServers.names).toEqual([]);
  });
});
