import { beforeEach, describe, expect, it } from '@jest/globals';
import { FailbackError } from '../../../../shared/errors/failback-error.ts';
import { lookAtSource, lookForWholeSource } from '../../../../shared/services/look-at-source.ts';
import { anItem } from '../../../support/memory/builders.ts';
import { aWorld, type MemoryWorld } from '../../../support/memory/memory-world.ts';

let world: MemoryWorld;

beforeEach(() => {
  world = aWorld();
});

const silent = async (): Promise<never> => {
  throw new FailbackError('FB-AZ-002', { operation: 'read', code: '503', detail: 'busy' });
};

describe('a look at the Azure VM', () => {
  it('tells its power where it is there', async () => {
    const seen = await lookAtSource(world.vms, anItem());
    expect(seen).toEqual({ state: 'there', reason: '', power: 'running' });
  });

  it('tells that it has another disk than those that are copied, whatever its place', async () => {
    const { disks, ...item } = anItem();
    const [os, ...others] = disks.toReversed();
    const shuffled = [...others, ...(os === undefined ? [] : [os])];
    expect(await lookAtSource(world.vms, { ...item, disks: shuffled })).toMatchObject({
      state: 'there',
    });
    const [first, ...rest] = disks;
    const other = { ...first, id: 'os', isOsDisk: true, diskName: 'web-01-old', sizeBytes: 512 };
    expect(await lookAtSource(world.vms, { ...item, disks: [other, ...rest] })).toMatchObject({
      state: 'changed',
      reason: expect.stringContaining(
        `${first?.diskName}, which is not carried, and not web-01-old`,
      ),
      power: 'running',
    });
    expect(await lookAtSource(world.vms, { ...item, disks: [other, ...disks] })).toMatchObject({
      state: 'incomplete',
      reason: expect.stringContaining('web-01-old'),
    });
  });

  it('tells that it is gone where Azure does not know it', async () => {
    world.vms.vms.clear();
    expect(await lookAtSource(world.vms, anItem())).toMatchObject({
      state: 'gone',
      reason: 'Azure knows no VM web-01-azure in the resource group rg-dr',
      power: 'absent',
    });
  });

  it('does not take one that was moved for one that is off', async () => {
    world.vms.vms.clear();
    const facts = await world.vms.gatherFacts('rg-dr', 'web-01-azure');
    const whereabouts = { kind: 'moved', resourceGroup: 'rg-new' } as const;
    world.vms.gatherFacts = async () => ({ ...facts, whereabouts });
    expect(await lookAtSource(world.vms, anItem())).toMatchObject({
      state: 'unreachable',
      reason: expect.stringContaining('rg-new'),
      power: null,
    });
  });

  it('tells that nobody knows where Azure does not answer, and hides no defect', async () => {
    world.vms.powerState = silent;
    expect(await lookAtSource(world.vms, anItem())).toMatchObject({ state: 'unreachable' });
    world.vms.powerState = async () => {
      throw new TypeError('a defect');
    };
    await expect(lookAtSource(world.vms, anItem())).rejects.toThrow('a defect');
  });
});

describe('a look for the last copies', () => {
  it('finds the machine whole', async () => {
    const seen = await lookForWholeSource(world.vms, anItem());
    expect(seen).toEqual({ state: 'there', reason: '' });
  });

  it('misses a disk that the VM has lost', async () => {
    const item = anItem();
    const [os] = item.disks;
    const lost = { ...os, id: 'lun-9', isOsDisk: false, diskName: 'web-01-lost', sizeBytes: 512 };
    const seen = await lookForWholeSource(world.vms, { ...item, disks: [...item.disks, lost] });
    expect(seen).toEqual({ state: 'gone', reason: 'web-01-azure has lost its disk web-01-lost' });
  });

  it('misses the VM, and says so where Azure does not answer', async () => {
    world.vms.vms.clear();
    expect(await lookForWholeSource(world.vms, anItem())).toMatchObject({ state: 'gone' });
    world.vms.describe = silent;
    expect(await lookForWholeSource(world.vms, anItem())).toMatchObject({ state: 'unreachable' });
  });
});
