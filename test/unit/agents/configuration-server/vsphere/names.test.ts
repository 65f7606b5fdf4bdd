import { describe, expect, it } from '@jest/globals';
import { chooseOne } from '../../../../../agents/configuration-server/hypervisors/vsphere/choose-one.ts';
import type { ManagedObject } from '../../../../../agents/configuration-server/hypervisors/vsphere/vim/properties.ts';
import { locate } from '../../../../../agents/configuration-server/hypervisors/vsphere/vm-places.ts';

const object = (type: string, id: string, name: string, parent?: ManagedObject): ManagedObject => ({
  ref: { type, value: id },
  properties: new Map<string, string | { type: string; value: string }>([
    ['name', name],
    ...(parent === undefined ? [] : [['parent', parent.ref] as const]),
  ]),
});

describe('an object that is known by its name', () => {
  const all = [object('Network', 'n-1', 'Prod'), object('Network', 'n-2', 'Prod')];
  const choice = { kind: 'network', name: 'Prod', address: 'vcenter' };

  it('is none when several have it, which are told', () => {
    const refusal = (within: readonly string[]): unknown => {
      try {
        return chooseOne(all, { ...choice, within });
      } catch (error) {
        return error;
      }
    };
    const known = { code: 'FB-VSPHERE-013', values: { known: 'Prod (n-1), Prod (n-2)' } };
    expect(refusal([])).toMatchObject(known);
    expect(refusal(['n-1', 'n-2'])).toMatchObject(known);
  });

  it('is the one of them that the host has', () => {
    expect(chooseOne(all, { ...choice, within: ['n-2'] })).toBe(all[1]);
  });
});

describe('VMs of one name', () => {
  const root = object('Folder', 'f-0', 'Datacenters');
  const datacenters = ['Berlin', 'Bonn'].map((name) => object('Datacenter', name, name, root));
  const folders = datacenters.map((dc, index) => object('Folder', `f-${index + 1}`, 'vm', dc));
  const vms = folders.map((folder, index) =>
    object('VirtualMachine', `vm-${index}`, 'web', folder),
  );
  const all = [root, ...datacenters, ...folders, ...vms];
  const places = (datacenter?: string): readonly string[] =>
    locate(all, 'web', datacenter).map(({ place }) => place);

  it('are found in all datacenters, or in the configured one only', () => {
    expect(places()).toEqual(['/Berlin/vm/web', '/Bonn/vm/web']);
    expect(places('Bonn')).toEqual(['/Bonn/vm/web']);
  });

  it('count when their datacenter cannot be told, because they may be in that one', () => {
    const lost = object('VirtualMachine', 'vm-9', 'web');
    expect(locate([...all, lost], 'web', 'Bonn').map(({ ref }) => ref.value)).toEqual([
      'vm-1',
      'vm-9',
    ]);
  });
});
