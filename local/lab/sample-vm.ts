import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Lab } from './start-lab.ts';

const MIB = 1024 * 1024;
const GROUP = 'dr';
const OS_DISK_BYTES = 32 * MIB;
const DATA_DISK_BYTES = 64 * MIB;

export interface SampleVm {
  readonly itemId: string;
  readonly vmName: string;
  readonly disks: readonly {
    readonly id: string;
    readonly diskName: string;
    readonly sizeBytes: number;
  }[];
}

/** The VM of the demonstration: an OS disk and a data disk, part random, part text, most of it empty. */
export function sampleVm(name: string): SampleVm {
  return {
    itemId: name,
    vmName: name,
    disks: [
      { id: 'os', diskName: `${name}-os`, sizeBytes: OS_DISK_BYTES },
      { id: 'lun-0', diskName: `${name}-data`, sizeBytes: DATA_DISK_BYTES },
    ],
  };
}

/** Fills in an OS disk; without one, a disk that has a boot signature and a marker and nothing to boot. */
export type BuildOsDisk = (request: {
  readonly file: string;
  readonly sizeBytes: number;
  readonly marker: string;
}) => Promise<void>;

/** Puts the VM into the lab's Azure, running, and takes it under care; again changes nothing. */
export async function seedSampleVm(
  lab: Lab,
  vm: SampleVm,
  buildOsDisk: BuildOsDisk,
): Promise<void> {
  const isThere = lab.arm.state.virtualMachines.some(({ name }) => name === vm.vmName);
  if (!isThere) await createVm(lab, vm, buildOsDisk);
  const { site } = lab.options;
  const known = await lab.api.protectedItem(vm.itemId).catch(() => null);
  if (known !== null) return;
  await lab.api.putProtectedItem(vm.itemId, {
    name: vm.vmName,
    origin: 'VMware',
    resourceGroup: GROUP,
    vmName: vm.vmName,
    target: {
      configurationServer: 'lab-configuration-server',
      masterTarget: 'lab-master-target',
      vmName: vm.vmName,
      ...(site === undefined ? {} : { datastore: site.datastore }),
      networks: [{ name: 'Production', staticIpAddress: '192.168.10.20' }],
    },
    isRehearsalEnabled: true,
    failover: {
      isNetworkManagerRemoved: false,
      isMigrationCompleted: false,
      // The site begins empty: what the machine was there is lost.
      isOriginalVmGone: true,
      ...site?.failover,
    },
  });
}

async function createVm(lab: Lab, vm: SampleVm, buildOsDisk: BuildOsDisk): Promise<void> {
  const folder = lab.options.folder.folder('images');
  const [osFile, dataFile] = [join(folder, 'os.raw'), join(folder, 'data.raw')];
  const marker = `MARK-${vm.vmName}`;
  await buildOsDisk({ file: osFile, sizeBytes: OS_DISK_BYTES, marker });
  await buildDataDisk(dataFile);
  if (lab.options.site !== undefined) connectNetwork(lab);
  await lab.arm.seed({
    resourceGroup: GROUP,
    name: vm.vmName,
    osType: 'Linux',
    vmSize: 'Standard_B1s',
    disks: vm.disks.map(({ id, diskName: name, sizeBytes }) => ({
      name,
      sizeBytes,
      lun: id === 'os' ? null : 0,
      imageFile: id === 'os' ? osFile : dataFile,
      // The guest leaves the boot loader and the file system of the OS disk alone.
      writableFrom: id === 'os' ? (sizeBytes * 3) / 4 : 0,
    })),
  });
}

/** A VPN to the site: what leaves this machine's own folders is asked for one. */
function connectNetwork({ arm }: Lab): void {
  const gateway = arm.put(GROUP, 'Network/virtualNetworkGateways/gateway', {});
  const address = { id: `${gateway}/ipConfigurations/default` };
  const subnet = { name: 'GatewaySubnet', properties: { ipConfigurations: [address] } };
  arm.put(GROUP, 'Network/virtualNetworks/lab-vnet', { subnets: [subnet] });
  arm.put(GROUP, 'Network/connections/to-site', {
    virtualNetworkGateway1: { id: gateway },
    connectionType: 'IPsec',
    connectionStatus: 'Connected',
  });
}

/** What cannot be booted still has what a BIOS looks for, and our marker. */
export const buildPlainOsDisk: BuildOsDisk = async ({ file, sizeBytes, marker }) => {
  const handle = await open(file, 'w');
  try {
    await handle.truncate(sizeBytes);
    const head = Buffer.alloc(1024);
    head.writeUInt16LE(0xaa55, 510);
    head.write(marker, 512);
    await handle.write(head, 0, head.length, 0);
    for (let block = 0; block < 8; block += 1) {
      await handle.write(randomBytes(MIB, block), 0, MIB, (1 + block) * MIB);
    }
  } finally {
    await handle.close();
  }
};

async function buildDataDisk(file: string): Promise<void> {
  const handle = await open(file, 'w');
  try {
    await handle.truncate(DATA_DISK_BYTES);
    for (let block = 0; block < 16; block += 1) {
      const bytes =
        block % 2 === 0
          ? randomBytes(MIB, 100 + block)
          : Buffer.alloc(MIB, `row ${block} of a table\n`);
      await handle.write(bytes, 0, MIB, block * 3 * MIB);
    }
  } finally {
    await handle.close();
  }
}

/** Incompressible and the same every time. */
function randomBytes(length: number, seed: number): Buffer {
  const parts = Array.from({ length: length / 32 }, (_, index) =>
    createHash('sha256').update(`${seed}/${index}`).digest(),
  );
  return Buffer.concat(parts);
}
