import { readFileSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { expect, it } from '@jest/globals';
import { describeWith } from '../../peers/peers.ts';
import { createRawVm, disksOf, xml } from '../../support/vcenter/raw-vm.ts';
import { faultKindOf, list, node, ref, text } from '../../support/vcenter/raw-soap.ts';
import { aVm, usePeer } from './peer-fixture.ts';

describeWith('vcenter', 'Copies and places of VMs of the vCenter peer', () => {
  const site = usePeer({ hostsPerCluster: 2 });

  it('are clones with the bytes of every disk, and disks and addresses of their own', async () => {
    const made = await site.peer.addVms({
      prefix: 'source',
      datastore: 'ds1',
      disks: 2,
      diskMb: 1,
      network: 'VM Network',
    });
    const source = { type: 'VirtualMachine', value: made['source'] ?? '' };
    const bytes = Buffer.alloc(1024 * 1024);
    bytes.write('the second disk', 4096);
    writeFileSync(`${site.folder}/source/source_1-flat.vmdk`, bytes);
    const { vmFolder } = await site.soap.properties(site.datacenter, ['vmFolder']);
    const result = await site.soap.task(
      'CloneVM_Task',
      source,
      `${ref('folder', { type: 'Folder', value: text(vmFolder) })}<name>clone</name>` +
        `<spec><location></location><template>false</template><powerOn>false</powerOn></spec>`,
    );
    const clone = { type: 'VirtualMachine', value: text(result) };
    expect(readFileSync(`${site.folder}/clone/clone_1-flat.vmdk`).equals(bytes)).toBe(true);
    const before = await disksOf(site.soap, source);
    const after = await disksOf(site.soap, clone);
    expect(before.map(({ fileName }) => fileName)).toEqual([
      '[ds1] source/source.vmdk',
      '[ds1] source/source_1.vmdk',
    ]);
    expect(new Set([...before, ...after].map(({ uuid }) => uuid)).size).toBe(4);
    const { network } = await site.soap.properties(clone, ['network']);
    expect(list(node(network)['ManagedObjectReference'])).toHaveLength(1);
  });

  it('stand on a host that sees the datastore, and the cluster keeps its hosts', async () => {
    const [, second] = await site.soap.all('HostSystem');
    const folder = `${site.folder}/second-only`;
    await site.peer.addDatastore({
      name: 'ds2',
      folder,
      type: 'VMFS',
      hosts: [second?.name ?? ''],
    });
    const vm = await createRawVm(site.soap, { name: 'placed', datastore: 'ds2' });
    const { 'runtime.host': host } = await site.soap.properties(vm, ['runtime.host']);
    expect(text(host)).toBe(second?.value);
    expect(await site.soap.all('HostSystem')).toHaveLength(2);
    const first = await aVm(site, 'first');
    const { 'runtime.host': other } = await site.soap.properties(first, ['runtime.host']);
    expect(text(other)).not.toBe(second?.value);
    const attach = site.soap.task(
      'ReconfigVM_Task',
      first,
      xml.spec(xml.newDisk('[ds2] first.vmdk', 1, 1024)),
    );
    expect(await faultKindOf(attach)).toBe('InvalidDatastorePath');
  });

  it('need a network that exists and a name that is free', async () => {
    const card =
      `<deviceChange><operation>add</operation><device xsi:type="VirtualVmxnet3"><key>-9</key>` +
      `<backing xsi:type="VirtualEthernetCardNetworkBackingInfo"><deviceName>Nowhere</deviceName>` +
      `</backing></device></deviceChange>`;
    const lost = createRawVm(site.soap, { name: 'lost', datastore: 'ds1', changes: card });
    expect(await faultKindOf(lost)).toBe('InvalidDeviceBacking');
    await aVm(site, 'twin');
    const twin = createRawVm(site.soap, { name: 'twin', datastore: 'ds1' });
    expect(await faultKindOf(twin)).toBe('DuplicateName');
  });

  it('have files that only somebody who logged in can fetch', async () => {
    await aVm(site, 'fetched');
    const { origin } = new URL(site.peer.ready.url);
    const url = `${origin}/folder/fetched/fetched.vmx?dcPath=DC0&dsName=ds1`;
    expect(await fetched(url, '')).toMatchObject({ status: 401 });
    const answer = await fetched(url, site.soap.cookie ?? '');
    expect(answer.status).toBe(200);
    expect(answer.text).toContain('displayName = "fetched"');
  });
});

function fetched(url: string, cookie: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const options = { headers: { cookie }, rejectUnauthorized: false };
    get(url, options, (incoming) => {
      const parts: Buffer[] = [];
      incoming.on('data', (part: Buffer) => parts.push(part));
      incoming.on('end', () =>
        resolve({
          status: incoming.statusCode ?? 0,
          text: Buffer.concat(parts).toString('utf8'),
        }),
      );
    }).on('error', reject);
  });
}
