import { randomUUID } from 'node:crypto';
import type { DiskShape, TargetDevice, VmShape } from '../../../shared/contracts/commands.ts';
import type { HypervisorVm } from '../../../shared/ports/hypervisor.ts';
import type { HypervisorFixture } from './fixture.ts';

export const DISK_BYTES = 1024 * 1024;
/** The id and the name of nobody. */
export const ABSENT = 'no-such-vm';

export const disk = (id: string): DiskShape => ({
  id,
  isOsDisk: id === 'os',
  sizeBytes: DISK_BYTES,
});

/** A machine as a failback knows it; its name is its own. */
export function aVmShape(change: Partial<VmShape> = {}): VmShape {
  return {
    name: `vm-${randomUUID().slice(0, 8)}`,
    osType: 'Linux',
    firmware: 'bios',
    cpuCount: 1,
    memoryMiB: 256,
    disks: [disk('os'), disk('lun-0')],
    networks: [{ name: 'Production', staticIpAddress: '192.168.10.20' }],
    ...change,
  };
}

/** The error's code, or that there was none. */
export const code = async (attempt: Promise<unknown>): Promise<string> =>
  attempt.then(
    () => 'done',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  );

/** What the tests of one subject are given; the site is there once the tests run. */
export interface Parts {
  readonly site: () => HypervisorFixture;
}

interface Created {
  readonly vmId: string;
  readonly shape: VmShape;
}

/** A new VM that is off and has its disks. */
export async function create(site: HypervisorFixture, shape = aVmShape()): Promise<Created> {
  const vmId = await site.hypervisor.createVm(shape, `key-${shape.name}`, false);
  await site.hypervisor.ensureDisks(vmId, shape.disks);
  return { vmId, shape };
}

export async function vmOf(site: HypervisorFixture, vmId: string): Promise<HypervisorVm> {
  const found = await site.hypervisor.findVm({ vmId, name: ABSENT });
  if (found === null) throw new Error(`There is no VM ${vmId}`);
  return found;
}

/** Where the master target has the disk, which is given to it for that. */
export async function deviceOf(
  site: HypervisorFixture,
  vmId: string,
  diskId: string,
): Promise<TargetDevice> {
  const disks = await site.hypervisor.attachToMasterTarget(vmId);
  const found = disks.find((each) => each.diskId === diskId);
  if (found === undefined) throw new Error(`The master target did not get ${diskId}`);
  return found.device;
}

/** A VM that runs, with a guest where the driver can have one; `shown` is what that shows once it booted. */
export async function running(
  site: HypervisorFixture,
  evidence = 'running',
): Promise<Created & { readonly shown: string }> {
  const created = await create(site);
  const device = await deviceOf(site, created.vmId, 'os');
  const shown = await site.installGuest(device, evidence);
  await site.hypervisor.attachToVm(created.vmId);
  await site.hypervisor.powerOn(created.vmId);
  return { ...created, shown };
}
