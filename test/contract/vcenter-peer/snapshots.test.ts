import { existsSync, openSync, readFileSync, readSync, closeSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { describeWith } from '../../peers/peers.ts';
import { disksOf } from '../../support/vcenter/raw-vm.ts';
import {
  faultKindOf,
  list,
  type Moref,
  node,
  ref,
  refOf,
  text,
} from '../../support/vcenter/raw-soap.ts';
import { aVm, usePeer } from './peer-fixture.ts';

const KIB = 1024;

describeWith('vcenter', 'Snapshots of the vCenter peer', () => {
  const site = usePeer();
  const file = (path: string): string => join(site.folder, path);

  async function snapshot(vm: Moref, name: string): Promise<Moref> {
    return refOf(
      await site.soap.task(
        'CreateSnapshot_Task',
        vm,
        `<name>${name}</name><memory>false</memory><quiesce>false</quiesce>`,
      ),
    );
  }

  function write(path: string, text: string, at: number): void {
    const handle = openSync(file(path), 'r+');
    writeSync(handle, text, at);
    closeSync(handle);
  }

  function read(path: string, at: number, length: number): string {
    const handle = openSync(file(path), 'r');
    const buffer = Buffer.alloc(length);
    readSync(handle, buffer, 0, length, at);
    closeSync(handle);
    return buffer.toString('utf8');
  }

  async function namesOf(vm: Moref): Promise<string[]> {
    const { snapshot: tree } = await site.soap.properties(vm, ['snapshot']);
    const walk = (items: unknown): string[] =>
      list(items).flatMap((item) => [
        text(node(item)['name']),
        ...walk(node(item)['childSnapshotList']),
      ]);
    return walk(node(tree)['rootSnapshotList']);
  }

  it('form a tree, and leave the disk in its base file with the newest content once all are gone', async () => {
    const vm = await aVm(site, 'tree');
    write('tree/tree-flat.vmdk', 'first', 0);
    await snapshot(vm, 'one');
    const [disk] = await disksOf(site.soap, vm);
    expect(disk?.fileName).toBe('[ds1] tree/tree-000001.vmdk');
    expect(readFileSync(file('tree/tree-000001.vmdk'), 'utf8')).toContain(
      'parentFileNameHint="tree.vmdk"',
    );
    write('tree/tree-000001-delta.vmdk', 'later', 0);
    expect(read('tree/tree-flat.vmdk', 0, 5)).toBe('first');
    await snapshot(vm, 'two');
    expect(await namesOf(vm)).toEqual(['one', 'two']);
    write('tree/tree-000002-delta.vmdk', 'final', 0);
    await site.soap.task('RemoveAllSnapshots_Task', vm);
    expect(await namesOf(vm)).toEqual([]);
    expect(await disksOf(site.soap, vm)).toMatchObject([
      { fileName: '[ds1] tree/tree.vmdk', uuid: disk?.uuid },
    ]);
    expect(read('tree/tree-flat.vmdk', 0, 5)).toBe('final');
    expect(existsSync(file('tree/tree-000001-delta.vmdk'))).toBe(false);
    expect(existsSync(file('tree/tree-000002.vmdk'))).toBe(false);
  });

  it('can go one by one, and the content stays', async () => {
    const vm = await aVm(site, 'single');
    const one = await snapshot(vm, 'one');
    write('single/single-000001-delta.vmdk', 'kept', 0);
    const two = await snapshot(vm, 'two');
    write('single/single-000002-delta.vmdk', 'more', 4);
    const remove = (each: Moref): Promise<unknown> =>
      site.soap.task('RemoveSnapshot_Task', each, '<removeChildren>false</removeChildren>');
    await remove(one);
    expect(await namesOf(vm)).toEqual(['two']);
    expect(read('single/single-flat.vmdk', 0, 8)).toBe('kept\0\0\0\0');
    await remove(two);
    expect(read('single/single-flat.vmdk', 0, 8)).toBe('keptmore');
    expect(await disksOf(site.soap, vm)).toMatchObject([{ fileName: '[ds1] single/single.vmdk' }]);
  });

  it('bring back what a disk held when the VM reverts', async () => {
    const vm = await aVm(site, 'back');
    write('back/back-flat.vmdk', 'good', 0);
    const one = await snapshot(vm, 'one');
    write('back/back-000001-delta.vmdk', 'bad!', 0);
    await site.soap.task('RevertToSnapshot_Task', one);
    await site.soap.task('RemoveAllSnapshots_Task', vm);
    expect(read('back/back-flat.vmdk', 0, 4)).toBe('good');
  });

  it('say which areas changed between two of them', async () => {
    const vm = await aVm(site, 'tracked');
    await site.soap.task(
      'ReconfigVM_Task',
      vm,
      '<spec><changeTrackingEnabled>true</changeTrackingEnabled></spec>',
    );
    write('tracked/tracked-flat.vmdk', 'x', 128 * KIB);
    const first = await snapshot(vm, 'first');
    const [key, changeId] = await changeIdOf(first);
    expect(await changed(vm, first, key, '*')).toEqual([[128 * KIB, 64 * KIB]]);
    write('tracked/tracked-000001-delta.vmdk', 'y', 1024 * KIB - 1);
    write('tracked/tracked-000001-delta.vmdk', 'yy', 1088 * KIB - 1);
    await site.soap.task('RemoveAllSnapshots_Task', vm);
    const second = await snapshot(vm, 'second');
    expect(await changed(vm, second, key, changeId)).toEqual([[960 * KIB, 192 * KIB]]);
    expect(await faultKindOf(changed(vm, second, key, 'no such/1'))).toBe('FileFault');
  });

  async function changeIdOf(snapshot: Moref): Promise<[key: string, changeId: string]> {
    const { 'config.hardware.device': devices } = await site.soap.properties(snapshot, [
      'config.hardware.device',
    ]);
    const disk = list(node(devices)['VirtualDevice'])
      .map(node)
      .find((device) => device['@xsi:type'] === 'VirtualDisk');
    return [text(disk?.['key']), text(node(disk?.['backing'])['changeId'])];
  }

  async function changed(
    vm: Moref,
    snapshot: Moref,
    key: string,
    changeId: string,
  ): Promise<number[][]> {
    const info = node(
      await site.soap.call(
        'QueryChangedDiskAreas',
        vm,
        `${ref('snapshot', snapshot)}<deviceKey>${key}</deviceKey><startOffset>0</startOffset>` +
          `<changeId>${changeId}</changeId>`,
      ),
    );
    return list(info['changedArea'])
      .map(node)
      .map((area) => [Number(area['start']), Number(area['length'])]);
  }
});
