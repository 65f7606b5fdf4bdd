import { createHash, X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { connect } from 'node:tls';
import { expect, it } from '@jest/globals';
import { describeWith } from '../../peers/peers.ts';
import { disksOf } from '../../support/vcenter/raw-vm.ts';
import { faultKindOf, list, node, RawSoap, text } from '../../support/vcenter/raw-soap.ts';
import { PEER_START_TIMEOUT_MS, VcenterPeer } from '../../support/vcenter/vcenter-peer.ts';
import { aVm, usePeer } from './peer-fixture.ts';

describeWith('vcenter', 'The inventory of the vCenter peer', () => {
  const site = usePeer({ version: '8.0.2', hostsPerCluster: 2, type: 'vsan' });

  it('names vCenter, its version and that of its hosts', async () => {
    const about = node(site.soap.content['about']);
    expect(about).toMatchObject({
      apiType: 'VirtualCenter',
      version: '8.0.2',
      apiVersion: '8.0.2',
    });
    const hosts = await site.soap.all('HostSystem');
    expect(hosts).toHaveLength(2);
    for (const host of hosts) {
      const { 'summary.config.product': product } = await site.soap.properties(host, [
        'summary.config.product',
      ]);
      expect(node(product)).toMatchObject({ version: '8.0.2', productLineId: 'embeddedEsx' });
    }
  });

  it('shows the type of a datastore, its size, and which hosts mount it', async () => {
    const [first] = await site.soap.all('HostSystem');
    const folder = `${site.folder}/only-one`;
    await site.peer.addDatastore({ name: 'ds2', folder, type: 'NFS', hosts: [first?.name ?? ''] });
    await site.peer.setDatastoreSize('ds2', 5_000, 2_000);
    const datastores = await site.soap.all('Datastore');
    const facts = await Promise.all(
      datastores.map(async (datastore) => {
        const found = await site.soap.properties(datastore, ['summary', 'host', 'info']);
        return {
          name: datastore.name,
          type: text(node(found['summary'])['type']),
          info: text(node(found['info'])['@xsi:type']),
          freeBytes: Number(text(node(found['summary'])['freeSpace'])),
          hosts: list(node(found['host'])['DatastoreHostMount']).length,
        };
      }),
    );
    expect(facts).toMatchObject([
      { name: 'ds1', type: 'vsan', info: 'VsanDatastoreInfo', hosts: 2 },
      { name: 'ds2', type: 'NFS', info: 'NasDatastoreInfo', freeBytes: 2_000, hosts: 1 },
    ]);
  });

  it('gives a thousand VMs page by page', async () => {
    await site.peer.addVms({ prefix: 'many-', datastore: 'ds1', count: 1_000, diskMb: 1 });
    const collector = site.soap.service('propertyCollector');
    const spec = await site.soap.viewOf('VirtualMachine');
    const sizes: number[] = [];
    const names = new Set<string>();
    let page = node(
      await site.soap.call(
        'RetrievePropertiesEx',
        collector,
        `${spec}<options><maxObjects>400</maxObjects></options>`,
      ),
    );
    for (;;) {
      const objects = list(page['objects']).map(node);
      sizes.push(objects.length);
      for (const object of objects) names.add(text(node(object['propSet'])['val']));
      const token = text(page['token']);
      if (token === '') break;
      page = node(
        await site.soap.call('ContinueRetrievePropertiesEx', collector, `<token>${token}</token>`),
      );
    }
    expect(sizes).toEqual([400, 400, 200]);
    expect(names.size).toBe(1_000);
    expect(
      await faultKindOf(
        site.soap.call('ContinueRetrievePropertiesEx', collector, '<token>old</token>'),
      ),
    ).toBe('InvalidArgument');
  });

  it('shows a raw device mapping, also after the VM was changed', async () => {
    const made = await site.peer.addVms({ prefix: 'raw', datastore: 'ds1', hasRdm: true });
    const vm = { type: 'VirtualMachine', value: made['raw'] ?? '' };
    await site.soap.task('ReconfigVM_Task', vm, '<spec><numCPUs>2</numCPUs></spec>');
    const kinds = (await disksOf(site.soap, vm)).map((disk) =>
      text(node(disk.node['backing'])['@xsi:type']),
    );
    expect(kinds).toEqual([
      'VirtualDiskFlatVer2BackingInfo',
      'VirtualDiskRawDiskMappingVer1BackingInfo',
    ]);
  });
});

describeWith('vcenter', 'The vCenter peer as a standalone ESXi host', () => {
  const site = usePeer({ mode: 'esxi' });

  it('says that it is one, runs VMs on its datastore and has no vCenter methods', async () => {
    expect(node(site.soap.content['about'])).toMatchObject({ apiType: 'HostAgent' });
    const [host] = await site.soap.all('HostSystem');
    expect(host?.value).toBe('ha-host');
    const vm = await aVm(site, 'alone');
    await site.soap.task('PowerOnVM_Task', vm);
    expect(existsSync(`${site.folder}/alone/alone-flat.vmdk`)).toBe(true);
    const check = site.soap.call(
      'SessionIsActive',
      site.soap.service('sessionManager'),
      '<sessionID>x</sessionID><userName>x</userName>',
    );
    expect(await faultKindOf(check)).toBe('NotImplemented');
  });
});

describeWith('vcenter', 'The program of the vCenter peer', () => {
  it(
    'shows the certificate it announced, ends with its caller and leaves nothing behind',
    async () => {
      const peer = await VcenterPeer.start();
      const scratch = peer.ready.datastores[0]?.folder ?? '';
      expect(existsSync(scratch)).toBe(true);
      const der = await certificateOf(Number(new URL(peer.ready.url).port));
      const sha256 = new X509Certificate(der).fingerprint256;
      expect(sha256).toBe(peer.ready.thumbprints.sha256);
      const sha1 = createHash('sha1').update(der).digest('hex').toUpperCase();
      expect(peer.ready.thumbprints.sha1.replaceAll(':', '')).toBe(sha1);
      await peer.stop();
      expect(existsSync(scratch)).toBe(false);
      expect(() => process.kill(peer.ready.pid, 0)).toThrow('ESRCH');
      expect(existsSync(dirname(scratch))).toBe(false);
      await expect(RawSoap.connect(peer.ready)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    },
    PEER_START_TIMEOUT_MS,
  );

  it('says what is wrong with its parameters', async () => {
    const start = VcenterPeer.start({
      datastores: [{ name: 'x', folder: tmpdir(), type: 'FAT' as 'NFS' }],
    });
    await expect(start).rejects.toThrow('unknown datastore type "FAT"');
  });
});

function certificateOf(port: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      const { raw } = socket.getPeerCertificate();
      socket.destroy();
      resolve(raw);
    });
    socket.on('error', reject);
  });
}
