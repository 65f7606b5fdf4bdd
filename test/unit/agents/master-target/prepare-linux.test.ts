import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

const SCRIPT = resolve(
  import.meta.dirname ?? __dirname,
  '../../../../agents/master-target/prepare-linux.sh',
);
const PACKAGES = ['open-vm-tools', 'lsscsi', 'sg3-utils', 'lvm2'];
const LVM = 'etc/lvm/lvmlocal.conf';
const RULES = 'etc/udev/rules.d/61-azure-failback.rules';
const EARLIER_RULES = 'etc/udev/rules.d/60-azure-failback.rules';
const MARKER = '# azure-failback: custom changes of the master target';

/** A root file system of a VM under vSphere as far as the script looks at it, and the commands it calls. */
let folder: string;
const root = (): string => join(folder, 'root');

function put(file: string, text: string): void {
  const path = join(root(), file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

function command(name: string, script: string): void {
  const file = join(folder, 'bin', name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
}

const read = (file: string): string => readFileSync(join(root(), file), 'utf8');

function run(...options: string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync('sh', [SCRIPT, '--root', root(), ...options], {
    encoding: 'utf8',
    env: { PATH: `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}` },
  });
  return { status, output: stdout + stderr };
}

const check = (): unknown => JSON.parse(run('--check').output);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'prepare-linux-'));
  put('proc/sys/kernel/random/boot_id', 'boot-1\n');
  put('proc/mounts', '/dev/sda1 / ext4 rw 0 0\n/dev/sdb1 /mnt/retention xfs rw 0 0\n');
  put('sys/block/sda/device/wwid', 'naa.6000c29a11223344\n');
  writeFileSync(join(folder, 'installed'), 'lvm2\n');
  // The package is the last argument of dpkg-query, and apt-get's are what follows its options.
  command(
    'dpkg-query',
    `for last; do :; done; grep -qx "$last" '${folder}/installed' && printf installed`,
  );
  command('apt-get', `for word; do echo "$word" >> '${folder}/installed'; done`);
  command('lvs', 'echo "  vg-system"; echo "  vg-system"; echo "  vg-retention"');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('a Linux VM that is to be a master target', () => {
  it('gets its packages and custom changes, and then has to be restarted', () => {
    expect(run()).toMatchObject({ status: 3, output: expect.stringContaining('Restart') });
    const installed = readFileSync(join(folder, 'installed'), 'utf8').split('\n');
    expect(installed).toEqual(expect.arrayContaining(PACKAGES));
    expect(read(RULES)).toContain('ATTRS{vendor}=="VMware*", ENV{UDISKS_IGNORE}="1"');
    // No other rule has to come first for it: udev has not asked the disk for its ID_VENDOR by then.
    expect(read(RULES)).not.toContain('ENV{ID_');
    expect(read('etc/mdadm/mdadm.conf.d/azure-failback.conf')).toBe('AUTO -all\n');
    expect(read(LVM)).toContain('auto_activation_volume_list = [ "vg-retention", "vg-system" ]');
  });

  it('is ready after the restart', () => {
    run();
    put('proc/sys/kernel/random/boot_id', 'boot-2\n');
    expect(run()).toMatchObject({ status: 0, output: expect.stringContaining('is ready') });
    expect(check()).toEqual({
      missingPackages: [],
      customChangesCount: 1,
      isRestartedSince: true,
      hasDiskUuids: true,
      isRetentionSeparate: true,
    });
  });

  it('gets the custom changes exactly once, however often it is prepared', () => {
    run();
    const once = read(LVM);
    run();
    run();
    expect(read(LVM)).toBe(once);
    expect(check()).toMatchObject({ customChangesCount: 1 });
  });

  it('gets the rules of today for those of an earlier version, which matched nothing', () => {
    run();
    rmSync(join(root(), RULES));
    put(EARLIER_RULES, 'ENV{ID_VENDOR}=="VMware*", ENV{UDISKS_IGNORE}="1"\n');
    run();
    expect(read(RULES)).toContain('ATTRS{vendor}');
    expect(existsSync(join(root(), EARLIER_RULES))).toBe(false);
  });

  it('keeps what its administrators wrote', () => {
    put(LVM, 'global { system_id_source = "none" }\n');
    run();
    expect(read(LVM)).toMatch(/^global \{ system_id_source = "none" \}\n/);
  });

  it('makes the changes anew when a run was cut off before they were complete', () => {
    run();
    // The marker is written last: without it nothing counts as made.
    rmSync(join(root(), LVM));
    expect(check()).toMatchObject({ customChangesCount: 0 });
    run();
    expect(check()).toMatchObject({ customChangesCount: 1 });
  });

  it('is refused with changes that were made twice', () => {
    put(LVM, `${MARKER}\n${MARKER}\n`);
    expect(run()).toMatchObject({ status: 4, output: expect.stringContaining('2 times') });
    expect(check()).toMatchObject({ customChangesCount: 2 });
  });

  it.each([
    ['no disk at all', null],
    ['disks without the UUIDs of vSphere', 'naa.5000c500a1b2c3d4\n'],
  ])('is refused with %s', (_name, wwid) => {
    rmSync(join(root(), 'sys'), { recursive: true });
    if (wwid !== null) put('sys/block/sda/device/wwid', wwid);
    expect(run()).toMatchObject({ status: 4, output: expect.stringContaining('disk.EnableUUID') });
    expect(check()).toMatchObject({ hasDiskUuids: false });
  });

  it.each([
    ['in the root file system', '/dev/sda1 / ext4 rw 0 0\n'],
    ['on a FAT volume', '/dev/sdb1 /mnt/retention vfat rw 0 0\n'],
    ['beside the volume', '/dev/sdb1 /mnt/retention2 xfs rw 0 0\n'],
  ])('is refused with a retention folder %s', (_name, mounts) => {
    put('proc/mounts', mounts);
    expect(run()).toMatchObject({ status: 4, output: expect.stringContaining('/mnt/retention') });
    expect(check()).toMatchObject({ isRetentionSeparate: false });
  });

  it('may have its retention volume somewhere else', () => {
    put('proc/mounts', '/dev/sdb1 /data vfat rw 0 0\n/dev/sdb1 /data ext4 rw 0 0\n');
    expect(run('--retention', '/data')).toMatchObject({ status: 3 });
  });

  it('stops when packages cannot be installed, before it changes anything', () => {
    command('apt-get', 'echo "E: no network" >&2; exit 100');
    expect(run()).toMatchObject({ status: 100, output: expect.stringContaining('no network') });
    expect(existsSync(join(root(), LVM))).toBe(false);
  });

  it('is not changed by a check', () => {
    expect(check()).toMatchObject({
      missingPackages: ['open-vm-tools', 'lsscsi', 'sg3-utils'],
      customChangesCount: 0,
      isRestartedSince: false,
    });
    expect(existsSync(join(root(), 'etc'))).toBe(false);
    expect(readFileSync(join(folder, 'installed'), 'utf8')).toBe('lvm2\n');
  });

  it('explains itself when it is called wrongly', () => {
    expect(run('--nonsense')).toMatchObject({
      status: 2,
      output: expect.stringContaining('--check'),
    });
  });
});
