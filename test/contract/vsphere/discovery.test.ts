import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Discovery } from '../../../agents/configuration-server/hypervisors/vsphere/discovery/discovery.ts';
import type { VmRecord } from '../../../agents/configuration-server/hypervisors/vsphere/discovery/records.ts';
import { VimSession } from '../../../agents/configuration-server/hypervisors/vsphere/vim/session.ts';
import { SoapTransport } from '../../../agents/configuration-server/hypervisors/vsphere/vim/soap-transport.ts';
import { runTask } from '../../../agents/configuration-server/hypervisors/vsphere/vim/tasks.ts';
import { InventoryTables } from '../../../agents/configuration-server/inventory-tables.ts';
import { Secret } from '../../../shared/domain/secret.ts';
import { VSPHERE_PRIVILEGES } from '../../../shared/policy/preflight-limits.ts';
import { CLOUD_ADMIN } from '../hypervisor/cloud-admin.ts';
import { describeWith } from '../../peers/peers.ts';
import { must } from '../../support/must.ts';
import { VcenterPeer } from '../../support/vcenter/vcenter-peer.ts';

const MANY = 1000;
/** In every role. */
const SYSTEM = ['System.Anonymous', 'System.Read', 'System.View'];
const DOCUMENTED = Object.values(VSPHERE_PRIVILEGES).flat();
const CONFIG = {
  datastore: 'datastore1',
  masterTarget: 'master-target',
  masterTargets: {},
  networks: { Production: 'VM Network' },
} as const;
const SILENT = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

describeWith('vcenter', 'Discovery of a vCenter', () => {
  let peer: VcenterPeer;
  let session: VimSession;
  let tables: InventoryTables;
  let discovery: Discovery;
  let discoverAs: (siteKind: 'vcenter' | 'avs') => Discovery;
  let clock = Date.parse('2026-03-01T00:00:00Z');

  beforeEach(async () => {
    peer = await VcenterPeer.start();
    const { url, user, password, thumbprints } = peer.ready;
    session = new VimSession({
      transport: new SoapTransport({ url, thumbprint: thumbprints.sha256 }),
      username: user,
      password: new Secret(password),
      log: SILENT,
    });
    tables = new InventoryTables(new DatabaseSync(':memory:'));
    const now = (): Date => new Date((clock += 1000));
    discoverAs = (siteKind) =>
      new Discovery({ session, tables, config: { ...CONFIG, siteKind }, now });
    discovery = discoverAs('vcenter');
  });
  afterEach(async () => {
    await discovery.close();
    await session.close();
    await peer.stop();
  });

  const one = async (name = 'web-01', change: object = {}): Promise<string> => {
    const made = await peer.addVms({ prefix: name, datastore: 'datastore1', ...change });
    return made[name] ?? '';
  };
  const vmOf = (id: string): VmRecord => must(tables.find('vm', id), 'the VM').record;

  it('finds what there is, and how it hangs together', async () => {
    const id = await one('web-01', {
      disks: 2,
      network: 'VM Network',
      firmware: 'efi',
      isOn: true,
    });
    expect(await discovery.refresh()).toMatchObject({ isFresh: true });
    const vm = vmOf(id);
    expect(vm).toMatchObject({ name: 'web-01', firmware: 'efi', powerState: 'on', snapshots: [] });
    expect(vm.disks).toHaveLength(2);
    expect(vm.disks[0]).toMatchObject({
      backing: 'flat',
      file: '[datastore1] web-01/web-01.vmdk',
      sizeBytes: 16 * 1024 * 1024,
      uuid: expect.stringMatching(/^6000C29/i),
      hasParent: false,
    });
    const types = vm.controllers.map(({ type, busNumber }) => `${type} ${busNumber}`);
    expect(types).toContain('ParaVirtualSCSIController 0');
    expect(vm.nics[0]).toMatchObject({ macAddress: expect.stringMatching(/^00:0c:29/) });
    const host = must(tables.find('host', vm.hostId ?? ''), 'its host').record;
    expect(host).toMatchObject({ version: '7.0.3', isConnected: true, isInMaintenance: false });
    const [entry] = tables.named('datastore', 'datastore1');
    const datastore = must(entry, 'its datastore').record;
    expect(datastore).toMatchObject({ type: 'VMFS', isAccessible: true });
    expect(datastore.freeBytes).toBeGreaterThan(0);
    expect(datastore.mounts.map(({ hostId }) => hostId)).toContain(vm.hostId);
    expect(tables.all('datacenter')).toHaveLength(1);
    expect(tables.all('compute')[0]?.record.hostIds).toHaveLength(2);
    expect(tables.all('network').map(({ record }) => record.name)).toContain('VM Network');
  });

  it('shows a raw device mapping and a snapshot for what they are', async () => {
    const id = await one('db-01', { hasRdm: true });
    const self = { type: 'VirtualMachine', value: id };
    const parameters = { name: 'before', description: '', memory: false, quiesce: false };
    await runTask(session, 'CreateSnapshot_Task', { self, parameters });
    await discovery.refresh();
    const { disks, snapshots } = vmOf(id);
    expect(disks.map(({ backing }) => backing)).toEqual(['flat', 'rdmPhysical']);
    expect(disks[0]?.hasParent).toBe(true);
    expect(snapshots).toMatchObject([{ name: 'before', parentId: null, isQuiesced: false }]);
  });

  it('reads only what changed, and says when all of it was true', async () => {
    const [id, other] = [await one('web-01'), await one('web-02')];
    const first = await discovery.refresh();
    const self = { type: 'VirtualMachine', value: id };
    await runTask(session, 'PowerOnVM_Task', { self, parameters: {} });
    await runTask(session, 'Destroy_Task', {
      self: { type: 'VirtualMachine', value: other },
      parameters: {},
    });
    const added = await one('web-03');
    const second = await discovery.refresh();
    expect(second.isFresh).toBe(false);
    expect(tables.find('vm', id)).toMatchObject({
      changedAt: second.observedAt,
      record: { name: 'web-01', powerState: 'on' },
    });
    expect(vmOf(id).disks).toHaveLength(1);
    expect(tables.find('vm', other)).toBeNull();
    expect(tables.find('vm', added)).toMatchObject({ record: { name: 'web-03' } });
    expect(vmOf(added).disks).toHaveLength(1);
    const [host] = tables.all('host');
    expect(host?.changedAt).toBe(first.observedAt);
    expect(tables.observedAt()).toBe(second.observedAt);
  });

  it('reads all of it again after the server forgot the session, and misses nothing', async () => {
    const gone = await one('web-01');
    await discovery.refresh();
    const self = { type: 'VirtualMachine', value: gone };
    await runTask(session, 'Destroy_Task', { self, parameters: {} });
    const added = await one('web-02');
    await peer.expireSessions();
    expect(await discovery.refresh()).toMatchObject({ isFresh: true });
    expect(tables.find('vm', gone)).toBeNull();
    expect(tables.find('vm', added)).not.toBeNull();
  });

  it('keeps what it knew, with its time, while the server is away, and goes on afterwards', async () => {
    const id = await one();
    const { observedAt } = await discovery.refresh();
    await peer.startOutage(60_000);
    await expect(discovery.refresh()).rejects.toMatchObject({ code: 'FB-VSPHERE-003' });
    expect([tables.observedAt(), tables.find('vm', id)?.record.name]).toEqual([
      observedAt,
      'web-01',
    ]);
    await peer.endOutage();
    await discovery.refresh();
    expect(tables.observedAt()).not.toBe(observedAt);
  });

  it('knows the licences, and which privileges the account lacks', async () => {
    await peer.setLicence('esxBasic');
    const denied = [{ privilege: 'VirtualMachine.State.CreateSnapshot' }];
    await peer.setAccount({ name: peer.ready.user, denied });
    await discovery.refresh();
    const { licences, account } = await discovery.refreshFacts();
    expect(licences.all).toMatchObject([{ edition: 'esxBasic', allowsChanges: false }]);
    expect(account.missingPrivileges).toEqual([
      'VirtualMachine.State.CreateSnapshot on the VMs of DC0',
    ]);
    expect(tables.fact('account')?.fact).toEqual(account);
    expect(JSON.stringify(tables.fact('licences'))).not.toContain('licenseKey');
  });

  /** The role is given on objects by their moids; of the privileges that are documented all but these. */
  const giveRoles = async (roles: Readonly<Record<string, readonly string[]>>): Promise<void> => {
    const grants = Object.entries(roles).map(([object, without]) => ({
      object,
      privileges: [...SYSTEM, ...DOCUMENTED.filter((id) => !without.includes(id))],
    }));
    await peer.setAccount({ name: peer.ready.user, grants });
  };
  const missing = async (siteKind: 'vcenter' | 'avs' = 'vcenter'): Promise<unknown> => {
    const { account } = await discoverAs(siteKind).refreshFacts();
    return account.missingPrivileges;
  };

  it('reads licences and privileges again after five minutes, and after a look that failed', async () => {
    const asked = async (): Promise<number> =>
      (await peer.calls())['HasUserPrivilegeOnEntities'] ?? 0;
    await one('master-target');
    await peer.addFailure({ method: 'HasUserPrivilegeOnEntities', action: 'fault', times: 1 });
    await expect(discovery.look()).rejects.toMatchObject({ code: 'FB-VSPHERE-009' });
    expect(tables.fact('account')).toBeNull();
    await discovery.look();
    expect(tables.fact('account')?.fact).toMatchObject({ missingPrivileges: [] });
    const before = await asked();
    await discovery.look();
    expect(await asked()).toBe(before);
    await peer.setAccount({ name: peer.ready.user, denied: [{ privilege: 'Network.Assign' }] });
    clock += 5 * 60_000;
    await discovery.look();
    expect(tables.fact('account')?.fact).toMatchObject({
      missingPrivileges: ['Network.Assign on VM Network'],
    });
  });

  it('asks for each privilege where it is used: a role on the data centre is enough', async () => {
    const masterTarget = await one('master-target');
    await discovery.refresh();
    const { id: datacenter } = must(tables.all('datacenter')[0], 'the data centre');
    const { rootFolder } = await session.content();
    await giveRoles({ [datacenter]: [] });
    expect(await missing()).toEqual(['Global.Licenses on the root of the inventory']);
    expect(await missing('avs')).toEqual([]);
    const allButLicences = DOCUMENTED.filter((id) => id !== 'Global.Licenses');
    await giveRoles({ [datacenter]: ['Global.Licenses'], [rootFolder.value]: allButLicences });
    expect(await missing()).toEqual([]);
    const { id: datastore } = must(tables.named('datastore', 'datastore1')[0], 'the datastore');
    await giveRoles({ [datacenter]: [], [datastore]: ['Datastore.Browse'] });
    expect(await missing('avs')).toEqual(['Datastore.Browse on datastore1']);
    const { hostId } = vmOf(masterTarget);
    const compute = tables
      .all('compute')
      .find(({ record }) => record.hostIds.includes(hostId ?? ''));
    const pool = must(compute?.record.resourcePoolId ?? undefined, 'its pool');
    await giveRoles({ [datacenter]: [], [pool]: ['Resource.AssignVMToPool'] });
    expect(await missing('avs')).toEqual([
      `Resource.AssignVMToPool on the pool of ${compute?.record.name}`,
    ]);
  });

  it('tells apart what only a raw device mapping needs', async () => {
    await one('master-target');
    await discovery.refresh();
    const denied = [{ privilege: 'VirtualMachine.Config.RawDevice' }];
    await peer.setAccount({ name: peer.ready.user, denied });
    const { account } = await discovery.refreshFacts();
    expect(account).toMatchObject({
      missingPrivileges: [],
      missingForRdm: ['VirtualMachine.Config.RawDevice on master-target'],
    });
  });

  it('misses no privilege that the role CloudAdmin of Azure VMware Solution cannot have', async () => {
    await discovery.refresh();
    await peer.setAccount({ name: peer.ready.user, privileges: CLOUD_ADMIN });
    expect(await missing()).toEqual(['Global.Licenses on the root of the inventory']);
    expect(await missing('avs')).toEqual([]);
  });

  it('is the same for many who ask at the same time', async () => {
    const all = await Promise.all([discovery.refresh(), discovery.refresh(), discovery.refresh()]);
    expect(new Set(all).size).toBe(1);
  });

  it('reads a thousand VMs, and says how long that took', async () => {
    await peer.addVms({ prefix: 'vm-', datastore: 'datastore1', count: MANY, disks: 2, diskMb: 1 });
    const started = performance.now();
    await discovery.refresh();
    const whole = performance.now() - started;
    const self = { type: 'VirtualMachine', value: must(tables.all('vm')[0], 'a VM').id };
    await runTask(session, 'PowerOnVM_Task', { self, parameters: {} });
    const changed = performance.now();
    expect(await discovery.refresh()).toMatchObject({ isFresh: false });
    const delta = performance.now() - changed;
    expect(tables.all('vm').filter(({ record }) => record.disks.length === 2)).toHaveLength(MANY);
    process.stderr.write(
      `Discovery: ${MANY} VMs in ${Math.round(whole)} ms, one change in ${Math.round(delta)} ms.\n`,
    );
  });
});
