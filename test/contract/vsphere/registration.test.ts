import { mkdtempSync, renameSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { CertificateAuthority } from '../../../agents/configuration-server/certificate-authority.ts';
import { SiteDatabase } from '../../../agents/configuration-server/database.ts';
import { createConfigurationServerHandlers } from '../../../agents/configuration-server/handlers.ts';
import type { CommandHandlers } from '../../../agents/runtime/types.ts';
import type { VmShape } from '../../../shared/contracts/commands.ts';
import { Secret } from '../../../shared/domain/secret.ts';
import { describeWith } from '../../peers/peers.ts';
import { runCommand } from '../../support/data-plane/command-context.ts';
import { untilTrue } from '../../support/control-plane/until.ts';
import { RawSoap } from '../../support/vcenter/raw-soap.ts';
import { must } from '../../support/must.ts';
import { aVmShape } from '../hypervisor/vms.ts';
import { MASTER_TARGET, VsphereFixture } from '../hypervisor/vsphere-fixture.ts';

const code = async (attempt: Promise<unknown>): Promise<string> =>
  attempt.then(
    () => 'done',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  );

describeWith('vcenter', 'A VM that left the inventory of a vCenter', () => {
  let site: VsphereFixture;
  let folder: string;
  let database: SiteDatabase;
  let handlers: CommandHandlers;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'registration-'));
    site = await VsphereFixture.start();
    database = new SiteDatabase(folder);
    const authority = await CertificateAuthority.open(folder, new Secret('a passphrase'));
    const self = { address: '127.0.0.1', backups: null };
    const { hypervisor } = site;
    handlers = createConfigurationServerHandlers({ hypervisor, database, authority, self });
  });
  afterEach(async () => site.peer.clearFailures());
  afterAll(async () => {
    database.close();
    await site.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  interface Left {
    readonly shape: VmShape;
    readonly vmId: string;
    /** Its configuration, on the disk of this machine. */
    readonly vmx: string;
  }

  /** Somebody else takes it out, while discovery looks. */
  const takenByHand = async (): Promise<Left> => {
    const shape = aVmShape();
    const vmId = await site.hypervisor.createVm(shape, shape.name, false);
    await site.hypervisor.ensureDisks(vmId, shape.disks);
    const { ref, record } = await site.vms.require(vmId);
    await site.discover();
    await site.session.call('UnregisterVM', ref, {});
    await site.discover();
    const path = (record.vmxFile ?? '').replace(/^\[[^\]]*\] /, '');
    return { shape, vmId, vmx: join(site.folder, path) };
  };
  const prepared = async (
    { name }: VmShape,
    input: object = {},
  ): Promise<{ vmId: string; location: string }> => {
    const shape = { ...aVmShape(), name };
    const whole = { replicationId: name, vm: shape, isRehearsal: false, ...input };
    return runCommand(handlers, 'prepareTarget', whole);
  };

  it('is told before anything is changed, with all that was known of it', async () => {
    const { shape, vmId } = await takenByHand();
    const told = await runCommand(handlers, 'describeSite', { vmName: shape.name });
    expect(told.originalVm).toMatchObject({ vmId, isRegistered: false, powerState: 'off' });
    expect(told.vsphere?.originalVm?.disks).toHaveLength(2);
    expect(await site.hypervisor.findVm({ vmId, name: shape.name })).toBeNull();
  });

  it('is registered again where it was, and is the target', async () => {
    const { shape, vmId } = await takenByHand();
    expect(await prepared(shape, { targetVmId: vmId })).toMatchObject({
      vmId,
      location: 'original',
    });
    expect(await prepared(shape)).toMatchObject({ vmId, location: 'original' });
    await runCommand(handlers, 'restoreTarget', { replicationId: shape.name, startVm: false });
    // It stays: that it was outside was no part of what the failback found working.
    expect(await site.hypervisor.findVm({ vmId, name: shape.name })).toMatchObject({
      disksAt: 'vm',
    });
  });

  it('is registered once when the answer to that was lost', async () => {
    const { shape, vmId } = await takenByHand();
    await site.peer.addFailure({ method: 'RegisterVM_Task', action: 'dropAfter', times: 1 });
    expect(await code(prepared(shape))).toBe('FB-VSPHERE-003');
    expect(await prepared(shape)).toMatchObject({ vmId, location: 'original' });
  });

  it('is registered when the task did its work and still failed', async () => {
    const { vmId } = await takenByHand();
    await site.peer.addFailure({ method: 'RegisterVM_Task', action: 'taskLost', times: 1 });
    expect(await code(site.hypervisor.registerVm(vmId))).toBe('FB-VSPHERE-009');
    await site.hypervisor.registerVm(vmId);
    expect(await site.hypervisor.findVm({ vmId, name: '' })).toMatchObject({ vmId });
  });

  it('goes to the host of the master target when its own is away', async () => {
    const shape = aVmShape();
    const vmId = await site.hypervisor.createVm(shape, shape.name, false);
    const { record } = await site.vms.require(vmId);
    await site.hypervisor.unregisterVm(vmId);
    const gone = { hostId: 'host-gone', resourcePoolId: 'pool-gone', parentId: 'folder-gone' };
    site.tables.putDeparted({ ...record, ...gone }, new Date().toISOString());
    await site.hypervisor.registerVm(vmId);
    const masterTarget = await site.vms.findNamed(MASTER_TARGET);
    const now = (await site.vms.require(vmId)).record;
    expect(now.hostId).toBe(masterTarget?.record.hostId);
    expect(now.parentId).toBe(record.parentId);
  });

  it('goes to the host of the master target when its own is in maintenance mode', async () => {
    const shape = aVmShape();
    const vmId = await site.hypervisor.createVm(shape, shape.name, false);
    const { record } = await site.vms.require(vmId);
    const hosts = await site.vms.objects({ HostSystem: ['name'] });
    const other = must(hosts.find(({ ref }) => ref.value !== record.hostId)?.ref, 'another host');
    await site.hypervisor.unregisterVm(vmId);
    site.tables.putDeparted({ ...record, hostId: other.value }, new Date().toISOString());
    const soap = await RawSoap.connect(site.peer.ready);
    await soap.task('EnterMaintenanceMode_Task', other, '<timeout>0</timeout>');
    await site.hypervisor.registerVm(vmId);
    expect((await site.vms.require(vmId)).record.hostId).toBe(record.hostId);
    await soap.task('ExitMaintenanceMode_Task', other, '<timeout>0</timeout>');
  });

  it('is not registered when another VM lies in its place, which stays outside too', async () => {
    const { shape, vmId, vmx } = await takenByHand();
    const other = '52aa0000-0000-4000-8000-000000000001';
    const text = readFileSync(vmx, 'utf8');
    writeFileSync(vmx, text.replace(/vc\.uuid = "[^"]*"/, `vc.uuid = "${other}"`));
    await expect(prepared(shape)).rejects.toMatchObject({
      code: 'FB-SITE-009',
      values: { vmId, actual: other },
    });
    const { hypervisor } = site;
    expect(await hypervisor.findVm({ vmId: other, name: shape.name })).toBeNull();
    expect(await hypervisor.findVm({ name: shape.name })).toBeNull();
  });

  it('is gone when its files are: a new one is made', async () => {
    const { shape, vmId, vmx } = await takenByHand();
    renameSync(vmx, `${vmx}.away`);
    const told = await runCommand(handlers, 'describeSite', { vmName: shape.name });
    expect(told.originalVm).toBeNull();
    expect(await code(site.hypervisor.registerVm(vmId))).toBe('FB-SITE-008');
    expect((await prepared(shape, { targetVmId: vmId })).location).toBe('alternate');
  });

  it('is no VM of ours any more when somebody registered its files under another id', async () => {
    const { shape, vmId } = await takenByHand();
    await site.hypervisor.registerVm(vmId);
    await site.discover();
    const entry = must(site.tables.named('vm', shape.name)[0], 'the VM');
    const taken = { ...entry.record, instanceUuid: 'another' };
    const { ref } = await site.vms.require(vmId);
    await site.session.call('UnregisterVM', ref, {});
    site.tables.apply([{ kind: 'vm', id: entry.id, changes: null }], '2026-03-01T00:00:00.000Z');
    site.tables.apply([{ kind: 'vm', id: 'vm-x', changes: taken }], '2026-03-01T00:00:00.000Z');
    const { hypervisor } = site;
    expect(await hypervisor.findUnregistered({ vmId, name: shape.name })).toBeNull();
  });

  it('makes room when that is asked for, in a folder of its own, and comes back with a rollback', async () => {
    const shape = aVmShape();
    const original = await site.hypervisor.createVm(shape, `original-${shape.name}`, false);
    await site.hypervisor.ensureDisks(original, shape.disks);
    const before = (await site.vms.require(original)).record;
    const asked = { originalVm: 'unregister' };
    await site.peer.addFailure({ method: 'UnregisterVM', action: 'dropAfter', times: 1 });
    expect(await code(prepared(shape, asked))).toBe('FB-VSPHERE-003');
    const made = await prepared(shape, asked);
    expect(made.location).toBe('alternate');
    const after = (await site.vms.require(made.vmId)).record;
    expect(after.name).toBe(before.name);
    expect(after.vmxFile).not.toBe(before.vmxFile);
    const folderOf = (file: string | null): string => (file ?? '').replace(/[^/]*$/, '');
    for (const { file } of after.disks) expect(folderOf(file)).toBe(folderOf(after.vmxFile));
    expect(await site.hypervisor.findVm({ vmId: original, name: shape.name })).toBeNull();

    await site.peer.addFailure({ method: 'RegisterVM_Task', action: 'dropAfter', times: 1 });
    const restore = { replicationId: shape.name, startVm: false };
    expect(await code(runCommand(handlers, 'restoreTarget', restore))).toBe('FB-VSPHERE-003');
    await untilTrue('it is back', async () => (await site.vms.find(original)) !== null);
    await runCommand(handlers, 'restoreTarget', restore);
    const { record } = await site.vms.require(original);
    expect(record).toMatchObject({ name: before.name, vmxFile: before.vmxFile });
    expect(record.disks.map(({ file }) => file)).toEqual(before.disks.map(({ file }) => file));
    expect(await site.vms.find(made.vmId)).toBeNull();
  });
});
