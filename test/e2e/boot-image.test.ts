import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { LocalHypervisor } from '../../agents/configuration-server/hypervisors/local/local-hypervisor.ts';
import { buildBootImage } from '../../local/boot-image/build-boot-image.ts';
import type { VmShape } from '../../shared/contracts/commands.ts';
import type { BootEvidence } from '../../shared/ports/hypervisor.ts';
import { describeWith } from '../peers/peers.ts';

const MIB = 1024 * 1024;
const SIZE_BYTES = 24 * MIB;
/** Kept between runs: the kernel package is 27 MB. */
const CACHE_FOLDER = join(process.cwd(), '.lab', 'boot-image');
const BOOT_DEADLINE_MS = 120_000;
const TEST_DEADLINE_MS = 600_000;
const XZ_MAGIC = Buffer.from('fd377a585a00', 'hex');
const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

describeWith(['qemu', 'bootImage'], 'the boot image', () => {
  const marker = `MARK-${randomUUID()}`;
  let folder: string;
  let image: string;
  let hypervisor: LocalHypervisor;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'boot-image-'));
    image = join(folder, 'image.raw');
    hypervisor = new LocalHypervisor({
      config: {
        kind: 'local',
        folder: join(folder, 'vms'),
        boot: 'qemu',
        agentDelaySeconds: null,
        guestPauseMs: null,
        keepBootCopy: false,
      },
      log: SILENT,
      mobilityUrl: 'http://127.0.0.1:9/never-called',
      mobilityProof: () => 'never asked for',
    });
    await buildBootImage({ file: image, sizeBytes: SIZE_BYTES, marker, cacheFolder: CACHE_FOLDER });
  }, TEST_DEADLINE_MS);

  afterAll(async () => {
    await hypervisor?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Puts the file on a new VM's disk, starts the VM and waits until its console shows how it went. */
  async function boot(
    file: string,
    isOver: (seen: BootEvidence) => boolean,
  ): Promise<BootEvidence> {
    const shape: VmShape = {
      name: `guest-${randomUUID()}`,
      osType: 'Linux',
      firmware: 'bios',
      cpuCount: 1,
      memoryMiB: 256,
      disks: [{ id: 'os', isOsDisk: true, sizeBytes: SIZE_BYTES }],
      networks: [],
    };
    const vmId = await hypervisor.createVm(shape, shape.name, true);
    await hypervisor.ensureDisks(vmId, shape.disks);
    const [disk] = await hypervisor.attachToMasterTarget(vmId);
    if (disk?.device.kind !== 'file') throw new Error('The local hypervisor has disks as files.');
    await copyFile(file, disk.device.path);
    await hypervisor.attachToVm(vmId);
    await hypervisor.powerOn(vmId);
    try {
      const deadline = Date.now() + BOOT_DEADLINE_MS;
      for (;;) {
        const seen = await hypervisor.bootEvidence(vmId);
        if (isOver(seen)) return seen;
        if (Date.now() > deadline) {
          throw new Error(`The guest's console has not got anywhere: ${seen.consoleTail}`);
        }
        await delay(100);
      }
    } finally {
      await hypervisor.powerOff(vmId);
    }
  }

  it(
    'boots in QEMU and shows the marker that was read from the disk',
    async () => {
      const seen = await boot(image, ({ evidence }) => evidence !== null);
      expect(seen.isSimulated).toBe(false);
      expect(seen.evidence).toMatch(/^ASR-BOOT-OK kernel=\S+-cloud-amd64 disk=\/dev\/vda marker=/);
      expect(seen.evidence?.split('marker=')[1]).toBe(marker);
    },
    TEST_DEADLINE_MS,
  );

  it(
    'gives no evidence when bytes of its initramfs were lost',
    async () => {
      const bytes = readFileSync(image);
      const initramfsAt = bytes.lastIndexOf(XZ_MAGIC);
      expect(initramfsAt).toBeGreaterThan(MIB);
      const corrupted = join(folder, 'corrupted.raw');
      writeFileSync(corrupted, bytes.fill(0, initramfsAt + 64 * 1024, initramfsAt + 128 * 1024));
      const seen = await boot(corrupted, ({ consoleTail }) => consoleTail.includes('Kernel panic'));
      expect(seen.evidence).toBeNull();
    },
    TEST_DEADLINE_MS,
  );

  it.each([
    { sizeMiB: 24, partitionMiB: 23 },
    { sizeMiB: 65, partitionMiB: 64 },
    { sizeMiB: 256, partitionMiB: 64 },
  ])(
    'has a partition of $partitionMiB MiB on a disk of $sizeMiB MiB',
    async ({ sizeMiB, partitionMiB }) => {
      const file = join(folder, `${sizeMiB}.raw`);
      const sizeBytes = sizeMiB * MIB;
      await buildBootImage({ file, sizeBytes, marker, cacheFolder: CACHE_FOLDER });
      const bytes = readFileSync(file);
      expect(bytes.length).toBe(sizeBytes);
      expect(bytes.readUInt32LE(446 + 12) * 512).toBe(partitionMiB * MIB);
      expect(bytes.toString('latin1', MIB + 54, MIB + 62).trim()).toBe('FAT16');
      const sectors = bytes.readUInt16LE(MIB + 19) || bytes.readUInt32LE(MIB + 32);
      expect(sectors * 512).toBe(partitionMiB * MIB);
    },
    TEST_DEADLINE_MS,
  );

  it.each([
    {
      title: 'a disk the kernel does not fit on',
      sizeBytes: 12 * MIB,
      marker: 'M',
      says: /too small/,
    },
    { title: 'a size of broken MiB', sizeBytes: SIZE_BYTES + 512, marker: 'M', says: /whole MiB/ },
    { title: 'a marker with blanks', sizeBytes: SIZE_BYTES, marker: 'a b', says: /marker "a b"/ },
    {
      title: 'a marker of 65 bytes',
      sizeBytes: SIZE_BYTES,
      marker: 'x'.repeat(65),
      says: /marker/,
    },
  ])(
    'refuses $title and leaves no file',
    async ({ sizeBytes, marker, says }) => {
      const file = join(folder, 'refused.raw');
      await expect(
        buildBootImage({ file, sizeBytes, marker, cacheFolder: CACHE_FOLDER }),
      ).rejects.toThrow(says);
      expect(existsSync(file)).toBe(false);
      expect(readdirSync(folder).filter((name) => name.startsWith('.boot-image-'))).toEqual([]);
    },
    TEST_DEADLINE_MS,
  );
});
