import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { runTask } from '../../../agents/configuration-server/hypervisors/vsphere/vim/tasks.ts';
import type { VsphereFacts } from '../../../shared/contracts/site-facts.ts';
import { describeWith } from '../../peers/peers.ts';
import { must } from '../../support/must.ts';
import { RawSoap } from '../../support/vcenter/raw-soap.ts';
import { PEER_START_TIMEOUT_MS } from '../../support/vcenter/vcenter-peer.ts';
import { MASTER_TARGET, VsphereFixture } from '../hypervisor/vsphere-fixture.ts';

const HOUR_MS = 60 * 60_000;

describeWith('vcenter', 'What a vSphere site tells preflight', () => {
  let site: VsphereFixture;

  beforeAll(async () => {
    site = await VsphereFixture.start();
  }, PEER_START_TIMEOUT_MS);
  afterEach(async () => {
    await site.peer.clearFailures();
    await site.peer.setAccount({ name: site.peer.ready.user });
  });
  afterAll(async () => site.stop());

  const told = async (): Promise<VsphereFacts> => {
    const { vsphere } = await site.hypervisor.describe({ vmName: 'web' });
    return must(vsphere, 'what it tells');
  };
  /** As of a site that was last looked at so long ago. */
  const ageBy = (ageMs: number): void => {
    const at = new Date(Date.now() - ageMs).toISOString();
    site.tables.putFact('objects', {}, at);
  };

  it('is the master target as it is now, without the snapshot that was removed a moment ago', async () => {
    const { ref: self } = must(await site.vms.findMasterTarget(MASTER_TARGET), 'its VM');
    const parameters = { name: 'before', memory: false, quiesce: false };
    await runTask(site.session, 'CreateSnapshot_Task', { self, parameters });
    expect((await told()).masterTargetVm?.snapshotCount).toBe(1);
    await runTask(site.session, 'RemoveAllSnapshots_Task', { self, parameters: {} });
    expect((await told()).masterTargetVm?.snapshotCount).toBe(0);
  });

  it('is what the account lacks now, in the session that goes on', async () => {
    expect((await told()).missingPrivileges).toEqual([]);
    const denied = [{ privilege: 'Datastore.Browse' }];
    await site.peer.setAccount({ name: site.peer.ready.user, denied });
    expect((await told()).missingPrivileges).toEqual(['Datastore.Browse on datastore1']);
    await site.peer.setAccount({ name: site.peer.ready.user });
    expect((await told()).missingPrivileges).toEqual([]);
  });

  it('is that a host is in maintenance mode, where no VM would start', async () => {
    const { record } = must(await site.vms.findMasterTarget(MASTER_TARGET), 'its VM');
    const host = { type: 'HostSystem', value: record.hostId ?? '' };
    expect((await told()).neededHosts).toMatchObject([{ isInMaintenance: false }]);
    const soap = await RawSoap.connect(site.peer.ready);
    await soap.task('EnterMaintenanceMode_Task', host, '<timeout>0</timeout>');
    expect((await told()).neededHosts).toMatchObject([{ isInMaintenance: true }]);
    await soap.task('ExitMaintenanceMode_Task', host, '<timeout>0</timeout>');
    expect((await told()).neededHosts).toMatchObject([{ isInMaintenance: false }]);
  });

  it('is what was read minutes ago while the server does not answer, and nothing after that', async () => {
    await told();
    await site.peer.addFailure({ method: 'WaitForUpdatesEx', action: 'fault' });
    ageBy(60_000);
    expect((await told()).masterTargetVm).toMatchObject({ snapshotCount: 0 });
    ageBy(HOUR_MS);
    const old = await told();
    expect(old).toMatchObject({ masterTargetVm: null, placement: null, missingPrivileges: null });
    await site.peer.clearFailures();
    expect((await told()).masterTargetVm).toMatchObject({ snapshotCount: 0 });
  });
});
