import { describe, expect, it } from '@jest/globals';
import { createActivities } from '../../activities/create-activities.ts';
import { anAgent, anItem, aVm } from '../support/memory/builders.ts';
import { aWorld, type MemoryWorld } from '../support/memory/memory-world.ts';
import { ref } from './cases.ts';
import { failureOf } from './failure-of.ts';

describe('ensureProcessServer', () => {
  it('deploys into the subnet and region of the Azure VM', async () => {
    const world = aWorld();
    await createActivities(world).ensureProcessServer(ref);
    expect([...world.processServers.deployed.values()]).toEqual([
      {
        name: 'failback-ps-rg-dr',
        resourceGroup: 'rg-dr',
        location: 'westeurope',
        subnetId: aVm().subnetId,
      },
    ]);
  });

  it('deploys nothing while one is connected', async () => {
    const world = aWorld();
    const name = 'failback-ps-rg-dr';
    world.stores.agents.put(anAgent({ id: `ps-${name}`, kind: 'processServer', name }));
    await createActivities(world).ensureProcessServer(ref);
    expect(world.processServers.deployed.size).toBe(0);
  });

  it('says that the Azure VM is gone when there is nothing to deploy next to', async () => {
    const world = aWorld();
    world.vms.vms.clear();
    expect((await failureOf(world, 'ensureProcessServer')).code).toBe('FB-PRE-010');
  });
});

describe('retireProcessServer', () => {
  it.each([
    ['another machine of its resource group is on the move', 'rg-dr', 'fb-2', false],
    ['the other machine is at rest', 'rg-dr', null, true],
    ['the other machine is in another resource group', 'rg-else', 'fb-2', true],
  ] as const)('when %s', async (_when, resourceGroup, activeJobId, isDeleted) => {
    const world = aWorld();
    await createActivities(world).ensureProcessServer(ref);
    world.stores.items.put(anItem({ id: 'web-02', resourceGroup, activeJobId }));
    expect(await createActivities(world).retireProcessServer(ref)).toEqual({ isDeleted });
    expect(world.processServers.deployed.size).toBe(isDeleted ? 0 : 1);
  });
});

describe('a process server that is retired', () => {
  const name = 'failback-ps-rg-dr';
  const id = `ps-${name}`;
  const arranged = async (): Promise<MemoryWorld> => {
    const world = aWorld();
    await createActivities(world).ensureProcessServer(ref);
    world.stores.agents.put(anAgent({ id, kind: 'processServer', name }));
    return world;
  };

  it('is given to nobody while its machine is being deleted', async () => {
    const world = await arranged();
    const found: unknown[] = [];
    world.processServers.remove = async () => {
      found.push(await createActivities(world).findAgent({ name }));
      const facts = await createActivities(world).gatherRecordFacts({
        itemId: 'web-01',
        placement: {},
      });
      found.push(facts.processServer);
    };
    await createActivities(world).retireProcessServer(ref);
    expect(found).toEqual([{ agentId: null }, null]);
  });

  it('stays for a machine that has begun to move at that moment', async () => {
    const world = await arranged();
    const { items } = world.stores;
    const list = items.list.bind(items);
    let looks = 0;
    items.list = async (...given) => {
      const seen = await list(...given);
      looks += 1;
      if (looks === 1) items.put(anItem({ id: 'web-02', activeJobId: 'fb-2' }));
      return seen;
    };
    const answer = await createActivities(world).retireProcessServer(ref);
    expect(answer).toEqual({ isDeleted: false });
    expect(world.processServers.deployed.size).toBe(1);
    expect(world.stores.agents.must(id)).not.toHaveProperty('isRetired');
  });

  it('counts again for whoever finds its machine still there', async () => {
    const world = await arranged();
    world.processServers.remove = async () => undefined;
    await createActivities(world).retireProcessServer(ref);
    expect(world.stores.agents.must(id).isRetired).toBe(true);
    await createActivities(world).ensureProcessServer(ref);
    expect(world.stores.agents.must(id)).not.toHaveProperty('isRetired');
  });
});
