import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { CertificateAuthority } from '../../../agents/configuration-server/certificate-authority.ts';
import { SiteDatabase } from '../../../agents/configuration-server/database.ts';
import { createConfigurationServerHandlers } from '../../../agents/configuration-server/handlers.ts';
import type { CommandHandlers } from '../../../agents/runtime/types.ts';
import type { CommandOutput, VmShape } from '../../../shared/contracts/commands.ts';
import { Secret } from '../../../shared/domain/secret.ts';
import type { Hypervisor } from '../../../shared/ports/hypervisor.ts';
import { aCommandContext, runCommand } from '../../support/data-plane/command-context.ts';
import { aVmShape } from '../hypervisor/vms.ts';
import { LocalFixture } from '../hypervisor/local-fixture.ts';

const self = { address: 'cs1.site.example', backups: null };
const LATER = '2999-01-01T00:00:00.000Z';
const id = { replicationId: 'web-01' };

let site: LocalFixture;
let folder: string;
let database: SiteDatabase;
let handlers: CommandHandlers;
let shape: VmShape;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'later-failback-'));
  site = new LocalFixture();
  database = new SiteDatabase(folder);
  const authority = await CertificateAuthority.open(folder, new Secret('a passphrase'));
  const parts = { hypervisor: site.hypervisor, database, authority, self };
  handlers = createConfigurationServerHandlers(parts);
  shape = aVmShape();
});
afterEach(async () => {
  database.close();
  await site.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** prepareTarget of one job; of the same one when it is delivered again. */
async function prepareFor(
  job: string,
  vm: VmShape = shape,
): Promise<CommandOutput<'prepareTarget'>> {
  const context = { ...aCommandContext(), commandId: `${job}.prepare-target` };
  return runCommand(handlers, 'prepareTarget', { ...id, vm, isRehearsal: false }, context);
}

const vmNamed = async (name: string): ReturnType<Hypervisor['findVm']> =>
  site.hypervisor.findVm({ name });
const cancel = async (): Promise<CommandOutput<'restoreTarget'>> =>
  runCommand(handlers, 'restoreTarget', { ...id, startVm: true });
const blanks = ({ disks }: CommandOutput<'prepareTarget'>): readonly boolean[] =>
  disks.map(({ isBlank }) => isBlank);

/** A new VM that came home, runs, and was looked at after the commit. */
async function broughtHome(): Promise<string> {
  const { vmId } = await prepareFor('job-1');
  await runCommand(handlers, 'attachDisks', id);
  await runCommand(handlers, 'startVm', id);
  return vmId;
}

describe('disks of an earlier failback that was never tidied up', () => {
  it('are blank to the command that made them, also when it comes again', async () => {
    expect(blanks(await prepareFor('job-1'))).toEqual([true, true]);
    expect(blanks(await prepareFor('job-1'))).toEqual([true, true]);
  });

  it('are blank to no later one: what lies on them would stay where the source has zeros', async () => {
    const first = await prepareFor('job-1');
    const second = await prepareFor('job-2');
    expect(second.vmId).toBe(first.vmId);
    expect(blanks(second)).toEqual([false, false]);
    expect(blanks(await prepareFor('job-2'))).toEqual([false, false]);
  });

  it('go with the VM that was made for them when the later failback is given up, too', async () => {
    await prepareFor('job-1');
    await prepareFor('job-2');
    expect(await cancel()).toMatchObject({ deletedVm: true });
    expect(await vmNamed(shape.name)).toBeNull();
  });

  it('are made anew when somebody deleted that VM', async () => {
    const first = await prepareFor('job-1');
    await site.hypervisor.deleteVm(first.vmId);
    const second = await prepareFor('job-2');
    expect(second.vmId).not.toBe(first.vmId);
    expect(blanks(second)).toEqual([true, true]);
  });

  it('are left alone when the item stands for another machine by now', async () => {
    const first = await prepareFor('job-1');
    const other = aVmShape();
    const disks = other.disks.map(({ id: diskId, sizeBytes }) => ({ diskId, sizeBytes }));
    const otherId = await site.addVm({ name: `${other.name}-2`, disks });
    const second = await prepareFor('job-2', { ...other, name: `${other.name}-2` });
    expect(second).toMatchObject({ vmId: otherId, location: 'original' });
    expect(second.vmId).not.toBe(first.vmId);
  });
});

describe('a VM that was made for a failback that was committed', () => {
  const lookForAgent = async (): Promise<void> => {
    const looked = runCommand(handlers, 'checkMobilityAgent', id);
    await expect(looked).rejects.toMatchObject({ code: 'FB-AGENT-001' });
  };
  const openImage = async (): Promise<void> => {
    await runCommand(handlers, 'openReverseSource', { ...id, pointId: 'point-1' });
  };

  it.each([
    ['the agent was looked for', lookForAgent],
    ['an image was taken for the way back', openImage],
  ])('is not deleted when the next failback is given up, once %s', async (_name, follow) => {
    const vmId = await broughtHome();
    await follow();
    await site.hypervisor.powerOff(vmId);
    const prepared = await prepareFor('job-2');
    expect(prepared).toMatchObject({ vmId, location: 'original', wasRunning: false });
    expect(blanks(prepared)).toEqual([false, false]);
    expect(await cancel()).toEqual({ deletedVm: false, startedVm: false });
    expect(await vmNamed(shape.name)).toMatchObject({ vmId, disksAt: 'vm' });
  });

  it('is not deleted either when it runs and the site forgot that it was committed', async () => {
    const vmId = await broughtHome();
    expect(await prepareFor('job-2')).toMatchObject({
      vmId,
      location: 'original',
      wasRunning: true,
    });
    expect(await cancel()).toEqual({ deletedVm: false, startedVm: true });
    await site.hypervisor.powerOff(vmId);
  });

  it('is deleted as long as it was not', async () => {
    await broughtHome();
    const agent = { vmId: 'another', hostName: 'web-01', version: '0.1.0' };
    database.putMobilityAgent({ ...agent, registeredAt: LATER });
    expect(await cancel()).toMatchObject({ deletedVm: true });
  });
});
