import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  findDevice,
  letGoOf,
  locateDevice,
  type Surroundings,
} from '../../../../agents/master-target/locate-device.ts';

const UUID = '6000C29a-1122-3344-5566-778899aabbcc';
const ID = '6000c29a11223344556677889900';
const device = { kind: 'diskUuid', uuid: UUID } as const;
const wwn = '6000c29a112233445566778899aabbcc';

let root: string;
const tell: Surroundings['tell'] = async (file, text) => writeFileSync(file, text, { flag: 'r+' });
const surroundings = (): Surroundings => ({ root, appearMs: 1_000, tell });

function put(file: string, text = ''): string {
  const path = join(root, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'devices-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('a disk that was hot-added to the master target', () => {
  it.each([`wwn-0x${wwn}`, `scsi-3${wwn}`])('is found by the name %s of udev', async (name) => {
    const path = put(`dev/disk/by-id/${name}`);
    expect(await locateDevice(device, surroundings())).toBe(path);
  });

  it('is found by what the kernel says where there is no udev', async () => {
    put('sys/block/sda/device/wwid', `naa.${ID}\n`);
    put('sys/block/sdb/device/wwid', `naa.${wwn.toUpperCase()}\n`);
    put('sys/block/sr0/removable', '1\n');
    expect(await locateDevice(device, surroundings())).toBe(join(root, 'dev/sdb'));
  });

  it('is looked for on all buses when it does not show up by itself', async () => {
    const scan = put('sys/class/scsi_host/host2/scan');
    // An adapter that cannot be searched does not keep the others from it.
    mkdirSync(join(root, 'sys/class/scsi_host/host0/scan'), { recursive: true });
    const searched: Surroundings['tell'] = async (file, text) => {
      await tell(file, text);
      if (file === scan && text === '- - -') put('sys/block/sdc/device/wwid', `naa.${wwn}\n`);
    };
    const found = await locateDevice(device, { ...surroundings(), tell: searched });
    expect(found).toBe(join(root, 'dev/sdc'));
  });

  it('is missed when no disk has its UUID, however much they look alike', async () => {
    put('sys/block/sda/device/wwid', `naa.${wwn.slice(0, -1)}d\n`);
    put(`dev/disk/by-id/wwn-0x${wwn}-part1`);
    expect(await locateDevice(device, { ...surroundings(), appearMs: 0 })).toBeNull();
  });
});

/** Disks as the guest shows them; `real` is what each slot holds in truth, `null` = nothing any more. */
class Kernel {
  readonly #slots = new Map<string, { shown: string; real: string | null }>();
  readonly dropped: string[] = [];

  put(name: string, shown: string, real: string | null): void {
    this.#slots.set(name, { shown, real });
    put(`sys/block/${name}/device/wwid`, `naa.${shown}\n`);
  }

  readonly tell: Surroundings['tell'] = async (file) => {
    const name = /sys\/block\/(\w+)\//.exec(file)?.[1];
    if (file.endsWith('/scan')) {
      // The search finds what is there, under the name it had.
      for (const [each, { real }] of this.#slots) if (real !== null) this.put(each, real, real);
    }
    const slot = this.#slots.get(name ?? '');
    if (name === undefined || slot === undefined) return;
    if (file.endsWith('/rescan') && slot.real !== null) this.put(name, slot.real, slot.real);
    if (file.endsWith('/delete')) {
      this.dropped.push(name);
      rmSync(join(root, 'sys/block', name), { recursive: true });
    }
  };
}

describe('a disk whose device outlived another one', () => {
  const other = '6000c29affffffffffffffffffffffff';
  let kernel: Kernel;
  const around = (): Surroundings => ({ root, appearMs: 1_000, tell: kernel.tell });
  beforeEach(() => {
    kernel = new Kernel();
    put('sys/class/scsi_host/host2/scan');
  });

  it('is not a device that shows its id but holds another disk by now', async () => {
    kernel.put('sdb', wwn, other);
    const link = put('dev/sdb');
    mkdirSync(join(root, 'dev/disk/by-id'), { recursive: true });
    symlinkSync(link, join(root, `dev/disk/by-id/wwn-0x${wwn}`));
    expect(await locateDevice(device, { ...around(), appearMs: 0 })).toBeNull();
  });

  it('is found in a slot that still shows the disk before it', async () => {
    kernel.put('sdb', other, wwn);
    expect(await locateDevice(device, around())).toBe(join(root, 'dev/sdb'));
  });

  it('is the one of two that is still there when all are looked for anew', async () => {
    kernel.put('sdb', wwn, null);
    kernel.put('sdc', wwn, wwn);
    expect(await locateDevice(device, around())).toBe(join(root, 'dev/sdc'));
    expect(kernel.dropped).toEqual(['sdb', 'sdc']);
  });

  it('is refused when another disk has its id, too', async () => {
    kernel.put('sdb', wwn, wwn);
    kernel.put('sdc', wwn, wwn);
    await expect(locateDevice(device, around())).rejects.toMatchObject({
      code: 'FB-JRN-011',
      values: { uuid: UUID, devices: 'sdb, sdc' },
    });
  });
});

describe('a disk that will be taken away', () => {
  it('is forgotten by the guest, and found again when it stays after all', async () => {
    const kernel = new Kernel();
    const around = { root, appearMs: 1_000, tell: kernel.tell };
    put('sys/class/scsi_host/host2/scan');
    kernel.put('sda', `${wwn.slice(0, -1)}d`, `${wwn.slice(0, -1)}d`);
    kernel.put('sdb', wwn, wwn);
    await letGoOf(device, around, 'linux');
    expect(kernel.dropped).toEqual(['sdb']);
    await letGoOf(device, around, 'linux');
    expect(kernel.dropped).toEqual(['sdb']);
    expect(await locateDevice(device, around)).toBe(join(root, 'dev/sdb'));
  });

  it('needs nothing under Windows, which notices by itself', async () => {
    const kernel = new Kernel();
    kernel.put('sdb', wwn, wwn);
    await letGoOf(device, { root, appearMs: 0, tell: kernel.tell }, 'win32');
    expect(kernel.dropped).toEqual([]);
  });
});

describe('a disk that is a file', () => {
  it('is there or not', async () => {
    const path = put('disk.raw');
    expect(await locateDevice({ kind: 'file', path }, surroundings())).toBe(path);
    const missing = join(root, 'other.raw');
    expect(await locateDevice({ kind: 'file', path: missing }, surroundings())).toBeNull();
  });

  it.each(['linux', 'win32'] as const)('is found as such on %s', async (platform) => {
    const path = put('disk.raw');
    expect(await findDevice({ kind: 'file', path }, platform)).toEqual({ path, sizeBytes: null });
    const other = { kind: 'file', path: join(root, 'other.raw') } as const;
    expect(await findDevice(other, platform)).toBeNull();
  });
});
