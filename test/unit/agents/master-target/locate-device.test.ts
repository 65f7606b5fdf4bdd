import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { findDevice, locateDevice } from '../../../../agents/master-target/locate-device.ts';

const UUID = '6000C29a-1122-3344-5566-778899aabbcc';
const ID = '6000c29a11223344556677889900';
const device = { kind: 'diskUuid', uuid: UUID } as const;
const wwn = '6000c29a112233445566778899aabbcc';

let root: string;
const surroundings = (): { root: string; appearMs: number } => ({ root, appearMs: 1_000 });

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
    const located = locateDevice(device, surroundings());
    setTimeout(() => put('sys/block/sdc/device/wwid', `naa.${wwn}\n`), 300);
    expect(await located).toBe(join(root, 'dev/sdc'));
    expect(readFileSync(scan, 'utf8')).toBe('- - -');
  });

  it('is missed when no disk has its UUID, however much they look alike', async () => {
    put('sys/block/sda/device/wwid', `naa.${wwn.slice(0, -1)}d\n`);
    put(`dev/disk/by-id/wwn-0x${wwn}-part1`);
    expect(await locateDevice(device, { root, appearMs: 0 })).toBeNull();
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
