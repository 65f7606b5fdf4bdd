import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LocalHypervisorConfig } from '../../../agents/configuration-server/config.ts';
import { LocalHypervisor } from '../../../agents/configuration-server/hypervisors/local/local-hypervisor.ts';
import type { TargetDevice } from '../../../shared/contracts/commands.ts';
import type { HypervisorFixture } from './fixture.ts';

const SILENT = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** Real-mode code of a boot sector: writes the text behind it to the first serial port, then halts. */
const PRINT_AND_HALT = Buffer.from('31c08ed8be167cfcac84c07406baf803eeebf5f4ebfd', 'hex');

/** Boots in QEMU, and looks bootable to the simulated boot; both show `evidence`. */
export function bootDisk(evidence: string): Buffer {
  const disk = Buffer.alloc(1024);
  PRINT_AND_HALT.copy(disk);
  disk.write(`ASR-BOOT-OK marker=${evidence}\n`, PRINT_AND_HALT.length);
  disk.writeUInt16LE(0xaa55, 510);
  disk.write(evidence, 512);
  return disk;
}

/** The hypervisor of folders. `restart` stops the old one, because its guests live in this process. */
export class LocalFixture implements HypervisorFixture {
  readonly folder = mkdtempSync(join(tmpdir(), 'local-hypervisor-'));
  hypervisor: LocalHypervisor;
  readonly #config: Partial<LocalHypervisorConfig>;
  #mobilityUrl: string;

  constructor(config: Partial<LocalHypervisorConfig> = {}, mobilityUrl = 'http://127.0.0.1:9/') {
    this.#config = config;
    this.#mobilityUrl = mobilityUrl;
    this.hypervisor = this.#start();
  }

  async addVm(vm: Parameters<HypervisorFixture['addVm']>[0]): Promise<string> {
    const vmId = randomUUID();
    const folder = join(this.folder, vmId);
    mkdirSync(folder);
    for (const { diskId, sizeBytes } of vm.disks) {
      writeFileSync(join(folder, `${diskId}.raw`), Buffer.alloc(sizeBytes));
    }
    const state = { powerState: 'off', startedAt: null, disksAt: 'vm', snapshotCount: 0 };
    const file = { vmId, creationKey: null, isIsolated: false, ...state, ...vm };
    writeFileSync(join(folder, 'vm.json'), JSON.stringify(file));
    return vmId;
  }

  async write(device: TargetDevice, offset: number, bytes: Buffer): Promise<void> {
    const file = await open(pathOf(device), 'r+');
    try {
      await file.write(bytes, 0, bytes.length, offset);
    } finally {
      await file.close();
    }
  }

  async writeAsGuest(vmId: string, diskId: string, offset: number, bytes: Buffer): Promise<void> {
    const path = join(this.folder, vmId, `${diskId}.raw`);
    await this.write({ kind: 'file', path }, offset, bytes);
  }

  async read(device: TargetDevice, offset: number, length: number): Promise<Buffer> {
    const file = await open(pathOf(device), 'r');
    try {
      const bytes = Buffer.alloc(length);
      await file.read(bytes, 0, length, offset);
      return bytes;
    } finally {
      await file.close();
    }
  }

  async installGuest(device: TargetDevice, evidence: string): Promise<string> {
    await this.write(device, 0, bootDisk(evidence));
    return evidence;
  }

  async addSnapshot(vmId: string): Promise<void> {
    const path = join(this.folder, vmId, 'vm.json');
    const vm = JSON.parse(readFileSync(path, 'utf8')) as object;
    writeFileSync(path, JSON.stringify({ ...vm, snapshotCount: 1 }));
  }

  async isIsolated(vmId: string): Promise<boolean> {
    const text = readFileSync(join(this.folder, vmId, 'vm.json'), 'utf8');
    return (JSON.parse(text) as { isIsolated: boolean }).isIsolated;
  }

  async restart(): Promise<void> {
    await this.hypervisor.stop();
    this.hypervisor = this.#start();
  }

  async stop(): Promise<void> {
    await this.hypervisor.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #start(): LocalHypervisor {
    return new LocalHypervisor({
      config: {
        kind: 'local',
        folder: this.folder,
        boot: 'simulated',
        agentDelaySeconds: null,
        guestPauseMs: null,
        keepBootCopy: false,
        ...this.#config,
      },
      log: SILENT,
      mobilityUrl: this.#mobilityUrl,
      mobilityProof: (vmId) => `proof of ${vmId}`,
    });
  }
}

function pathOf(device: TargetDevice): string {
  if (device.kind !== 'file') throw new Error('The local hypervisor gives disks out as files.');
  return device.path;
}
