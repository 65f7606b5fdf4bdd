import { expect, it } from '@jest/globals';
import { describeWith } from '../../peers/peers.ts';
import {
  faultKindOf,
  list,
  type Moref,
  node,
  RawFault,
  RawSoap,
  ref,
  text,
} from '../../support/vcenter/raw-soap.ts';
import { must } from '../../support/must.ts';
import { reconfigure, xml } from '../../support/vcenter/raw-vm.ts';
import { aVm, diskManager, diskSpec, usePeer } from './peer-fixture.ts';

describeWith('vcenter', 'Access to the vCenter peer', () => {
  const site = usePeer();

  async function operator(): Promise<RawSoap> {
    await site.peer.setAccount({ name: 'operator', password: 'secret' });
    return RawSoap.connect(site.peer.ready, 'operator', 'secret');
  }

  async function refusal(
    call: Promise<unknown>,
  ): Promise<{ kind: string; needs: string; on: string }> {
    try {
      await call;
    } catch (error) {
      if (!(error instanceof RawFault)) throw error;
      return {
        kind: error.kind,
        needs: text(error.detail['privilegeId']),
        on: text(error.detail['object']),
      };
    }
    return { kind: 'none', needs: '', on: '' };
  }

  it('needs the right password', async () => {
    await expect(
      RawSoap.connect(site.peer.ready, site.peer.ready.user, 'wrong'),
    ).rejects.toMatchObject({ kind: 'InvalidLogin' });
  });

  it('is refused with the privilege and the object that it lacks', async () => {
    const soap = await operator();
    const vm = await aVm(site, 'denied');
    await site.peer.setAccount({
      name: 'operator',
      denied: [
        { privilege: 'VirtualMachine.Interact.PowerOn' },
        { privilege: 'VirtualMachine.Config.AddExistingDisk', object: vm.value },
      ],
    });
    expect(await refusal(soap.call('PowerOnVM_Task', vm))).toEqual({
      kind: 'NoPermission',
      needs: 'VirtualMachine.Interact.PowerOn',
      on: vm.value,
    });
    const other = await aVm(site, 'allowed', { disks: 0 });
    await diskManager(site, 'CreateVirtualDisk_Task', {
      name: '[ds1] extra.vmdk',
      rest: diskSpec(1024),
    });
    const attach = xml.existingDisk('[ds1] extra.vmdk', 5);
    expect(await refusal(reconfigure(soap, vm, attach))).toMatchObject({
      needs: 'VirtualMachine.Config.AddExistingDisk',
    });
    await reconfigure(soap, other, attach);
  });

  it('of an account with a list is what the list says, and no more', async () => {
    const soap = await operator();
    const vm = await aVm(site, 'listed');
    await site.peer.setAccount({
      name: 'operator',
      privileges: ['System.Read', 'VirtualMachine.Interact.PowerOn'],
    });
    await soap.task('PowerOnVM_Task', vm);
    expect(await refusal(soap.call('PowerOffVM_Task', vm))).toMatchObject({
      kind: 'NoPermission',
      needs: 'VirtualMachine.Interact.PowerOff',
    });
  });

  it('of an account with a role on an object counts there and below, and nowhere else', async () => {
    const soap = await operator();
    const vm = await aVm(site, 'below');
    const [datacenter] = await site.soap.all('Datacenter');
    const object = datacenter?.value ?? '';
    const on = 'VirtualMachine.Interact.PowerOn';
    const grants = [{ object, privileges: [on] }];
    await site.peer.setAccount({ name: 'operator', grants });
    await soap.task('PowerOnVM_Task', vm);
    expect(await refusal(soap.call('PowerOffVM_Task', vm))).toMatchObject({ on: vm.value });
    const ask = async (entity: Moref): Promise<unknown> =>
      soap.call(
        'HasUserPrivilegeOnEntities',
        soap.service('authorizationManager'),
        `${ref('entities', entity)}<userName>operator</userName><privId>${on}</privId>`,
      );
    expect(node(node(await ask(vm))['privAvailability'])['isGranted']).toBe('true');
    expect(await refusal(ask(soap.service('rootFolder')))).toMatchObject({ needs: 'System.View' });
    // A role on a nearer object counts instead of the one above.
    const [datastore] = await site.soap.all('Datastore');
    const nearer = { object: must(datastore, 'a datastore').value, privileges: ['System.View'] };
    await site.peer.setAccount({ name: 'operator', grants: [...grants, nearer] });
    const onDatastore = node(await ask(must(datastore, 'a datastore')));
    expect(node(onDatastore['privAvailability'])['isGranted']).toBe('false');
  });

  it('is one of its own for raw device mappings', async () => {
    const soap = await operator();
    const vm = await aVm(site, 'raw', { disks: 0 });
    const denied = [{ privilege: 'VirtualMachine.Config.RawDevice' }];
    await site.peer.setAccount({ name: 'operator', denied });
    const mapping = xml
      .existingDisk('[ds1] raw/lun.vmdk', 1)
      .replace('VirtualDiskFlatVer2BackingInfo', 'VirtualDiskRawDiskMappingVer1BackingInfo');
    expect(await refusal(reconfigure(soap, vm, mapping))).toMatchObject({
      needs: 'VirtualMachine.Config.RawDevice',
    });
  });

  it('can be asked for beforehand, also for a privilege that does not exist', async () => {
    const soap = await operator();
    const vm = await aVm(site, 'asked');
    await site.peer.setAccount({
      name: 'operator',
      denied: [{ privilege: 'Datastore.FileManagement' }],
    });
    const session = node(
      (await soap.properties(soap.service('sessionManager'), ['currentSession']))['currentSession'],
    );
    const ids = ['VirtualMachine.Interact.PowerOn', 'Datastore.FileManagement', 'Nope.Nope'];
    const answer = node(
      await soap.call(
        'HasPrivilegeOnEntities',
        soap.service('authorizationManager'),
        `${ref('entity', vm)}<sessionId>${text(session['key'])}</sessionId>` +
          ids.map((id) => `<privId>${id}</privId>`).join(''),
      ),
    );
    const granted = list(answer['privAvailability']).map((each) => text(node(each)['isGranted']));
    expect(granted).toEqual(['true', 'false', 'false']);
    const fetched = node(
      await soap.call(
        'FetchUserPrivilegeOnEntities',
        soap.service('authorizationManager'),
        `${ref('entities', vm)}<userName>operator</userName>`,
      ),
    );
    expect(list(fetched['privileges'])).toContain('VirtualMachine.Interact.PowerOn');
    expect(list(fetched['privileges'])).not.toContain('Datastore.FileManagement');
  });

  it('ends with the session, and is back after a new login', async () => {
    const soap = await operator();
    expect(await site.peer.expireSessions()).toBeGreaterThan(0);
    const list = (): Promise<unknown> => soap.all('VirtualMachine');
    expect(await faultKindOf(list())).toBe('NotAuthenticated');
    await soap.login('operator', 'secret');
    await list();
    await site.soap.login(site.peer.ready.user, site.peer.ready.password);
  });

  it('ends for somebody who waits for updates, too', async () => {
    const soap = await operator();
    const collector = soap.service('propertyCollector');
    const wait = (version: string): Promise<unknown> =>
      soap.call('WaitForUpdatesEx', collector, `<version>${version}</version>`);
    const vm = await aVm(site, 'watched');
    await soap.call(
      'CreateFilter',
      collector,
      `<spec><propSet><type>VirtualMachine</type><pathSet>name</pathSet></propSet>` +
        `<objectSet>${ref('obj', vm)}</objectSet></spec><partialUpdates>false</partialUpdates>`,
    );
    const waiting = faultKindOf(wait(text(node(await wait(''))['version'])));
    await site.peer.expireSessions();
    expect(await waiting).toBe('NotAuthenticated');
    await site.soap.login(site.peer.ready.user, site.peer.ready.password);
  });

  it('only reads with the licence of the free ESXi', async () => {
    const vm = await aVm(site, 'free');
    await site.peer.setLicence('esxBasic', 'vSphere Hypervisor');
    const licences = node(
      (await site.soap.properties(site.soap.service('licenseManager'), ['licenses']))['licenses'],
    );
    expect(list(licences['LicenseManagerLicenseInfo']).map(node)).toMatchObject([
      { editionKey: 'esxBasic' },
    ]);
    expect(await faultKindOf(site.soap.call('PowerOnVM_Task', vm))).toBe('RestrictedVersion');
    await site.soap.all('VirtualMachine');
    await site.peer.setLicence('esxEnterprisePlus');
    await site.soap.task('PowerOnVM_Task', vm);
  });
});
