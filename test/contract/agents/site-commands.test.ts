import { describe, expect, it } from '@jest/globals';
import type { CommandName, VmShape } from '../../../shared/contracts/commands.ts';
import { aCommandContext, runCommand } from '../../support/data-plane/command-context.ts';
import { must } from '../../support/must.ts';
import { aVmShape } from '../hypervisor/vms.ts';
import { prepare, REPLICATION, useSite } from './site-fixture.ts';

const LATER = '2999-01-01T00:00:00.000Z';
const at = useSite();

describe('facts about the site', () => {
  it('tell of the original VM when there is one, and change nothing', async () => {
    const shape = aVmShape();
    const vmId = await at.originalOf(shape, true);
    const before = await at.vmNamed(shape.name);
    const facts = await runCommand(at.handlers, 'describeSite', { vmName: shape.name });
    expect(facts).toMatchObject({
      hypervisor: 'local',
      isConnected: true,
      originalVm: { vmId, powerState: 'on', snapshotCount: 0, diskCount: 2 },
    });
    expect(await at.vmNamed(shape.name)).toEqual(before);
    const none = await runCommand(at.handlers, 'describeSite', { vmName: 'nobody' });
    expect(none.originalVm).toBeNull();
  });
});

describe('a machine that comes home', () => {
  async function home(evidence: string | null): Promise<VmShape> {
    const shape = aVmShape();
    const { disks } = await runCommand(at.handlers, 'prepareTarget', prepare(shape));
    if (evidence !== null)
      await at.site.installGuest(must(disks[0], 'the system disk').device, evidence);
    return shape;
  }
  const id = { replicationId: REPLICATION };

  it('boots once it has its disks, and says what was seen', async () => {
    const shape = await home('MARK-7');
    expect(await runCommand(at.handlers, 'attachDisks', id)).toMatchObject({ diskCount: 2 });
    const { fixups } = await runCommand(at.handlers, 'fixGuest', id);
    expect(fixups.length).toBeGreaterThan(0);
    const started = await runCommand(at.handlers, 'startVm', id);
    expect(started.isBootSimulated).toBe(true);
    expect((await runCommand(at.handlers, 'startVm', id)).startedAt).toBe(started.startedAt);
    const booted = await runCommand(at.handlers, 'verifyBoot', { ...id, timeoutSeconds: 60 });
    expect(booted.evidence).toContain('MARK-7');
    expect((await at.vmNamed(shape.name))?.powerState).toBe('on');
  });

  it('does not start while the master target has its disks', async () => {
    const shape = await home('MARK-7');
    await expect(runCommand(at.handlers, 'startVm', id)).rejects.toMatchObject({
      code: 'FB-SITE-003',
      values: { vmName: shape.name },
    });
  });

  it('is reported with its console when it does not boot in time', async () => {
    await home(null);
    await runCommand(at.handlers, 'attachDisks', id);
    await runCommand(at.handlers, 'startVm', id);
    const attempt = runCommand(at.handlers, 'verifyBoot', { ...id, timeoutSeconds: 1 });
    await expect(attempt).rejects.toMatchObject({
      code: 'FB-SITE-005',
      values: { console: expect.stringContaining('No bootable device') },
    });
  });

  it('is waited for no longer when the command is given up', async () => {
    await home(null);
    await runCommand(at.handlers, 'attachDisks', id);
    await runCommand(at.handlers, 'startVm', id);
    const context = aCommandContext();
    const input = { ...id, timeoutSeconds: 3600 };
    const attempt = runCommand(at.handlers, 'verifyBoot', input, context);
    context.abort();
    await expect(attempt).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('goes off once, and gives its disks to the master target again', async () => {
    await home('MARK-7');
    await runCommand(at.handlers, 'attachDisks', id);
    await runCommand(at.handlers, 'startVm', id);
    await expect(runCommand(at.handlers, 'detachDisks', id)).rejects.toMatchObject({
      code: 'FB-SITE-004',
    });
    const stop = { ...id, graceful: true };
    expect(await runCommand(at.handlers, 'stopVm', stop)).toEqual({ wasRunning: true });
    expect(await runCommand(at.handlers, 'stopVm', stop)).toEqual({ wasRunning: false });
    expect(await runCommand(at.handlers, 'detachDisks', id)).toEqual({ diskCount: 2 });
    expect(await runCommand(at.handlers, 'detachDisks', id)).toEqual({ diskCount: 2 });
  });

  it('has a mobility agent only when it registered after the last boot', async () => {
    const shape = await home('MARK-7');
    await runCommand(at.handlers, 'attachDisks', id);
    const { vmId } = must(await at.vmNamed(shape.name), 'its VM');
    const agent = { vmId, hostName: 'web-01', version: '0.1.0' };
    const notYet = { code: 'FB-AGENT-001', values: { vmName: shape.name } };
    const check = async (): Promise<unknown> => runCommand(at.handlers, 'checkMobilityAgent', id);
    at.database.putMobilityAgent({ ...agent, registeredAt: LATER });
    await expect(check()).rejects.toMatchObject(notYet);
    at.database.putMobilityAgent({ ...agent, registeredAt: new Date(0).toISOString() });
    await runCommand(at.handlers, 'startVm', id);
    await expect(check()).rejects.toMatchObject(notYet);
    at.database.putMobilityAgent({ ...agent, registeredAt: LATER });
    const { vmId: _vmId, ...seen } = agent;
    expect(await check()).toEqual({ ...seen, registeredAt: LATER });
  });

  it('gives out an image of its disks for the way back, until it is closed', async () => {
    await home('MARK-7');
    await runCommand(at.handlers, 'attachDisks', id);
    await runCommand(at.handlers, 'startVm', id);
    const point = { ...id, pointId: 'point-1' };
    const { disks, takenAt } = await runCommand(at.handlers, 'openReverseSource', point);
    expect(disks.map(({ diskId }) => diskId)).toEqual(['os', 'lun-0']);
    expect(Date.parse(takenAt)).not.toBeNaN();
    expect(await runCommand(at.handlers, 'closeReverseSource', point)).toEqual({ wasOpen: true });
    expect(await runCommand(at.handlers, 'closeReverseSource', point)).toEqual({ wasOpen: false });
  });
});

describe('a command for a replication that the site does not know', () => {
  const names: readonly CommandName[] = [
    'attachDisks',
    'detachDisks',
    'fixGuest',
    'startVm',
    'checkMobilityAgent',
  ];
  it.each(names)('is refused: %s', async (name) => {
    const attempt = runCommand(at.handlers, name, { replicationId: 'nobody' });
    await expect(attempt).rejects.toMatchObject({
      code: 'FB-SITE-001',
      values: { replicationId: 'nobody' },
    });
  });

  it('is fine when it is to stop the VM: there is none that could run', async () => {
    const input = { replicationId: 'nobody', graceful: true };
    expect(await runCommand(at.handlers, 'stopVm', input)).toEqual({ wasRunning: false });
  });
});
