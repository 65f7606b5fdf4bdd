import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { describeWith } from '../../peers/peers.ts';
import { until, untilTrue } from '../../support/control-plane/until.ts';
import { must } from '../../support/must.ts';
import { describeHypervisor } from './conformance.ts';
import { LocalFixture } from './local-fixture.ts';
import { aVmShape, DISK_BYTES } from './vms.ts';

describeHypervisor('The local hypervisor with a simulated boot', {
  start: async () => new LocalFixture(),
  hasGuests: true,
});

describeWith('qemu', 'with QEMU', () => {
  describeHypervisor('The local hypervisor', {
    start: async () => new LocalFixture({ boot: 'qemu' }),
    hasGuests: true,
  });
});

describe('The local hypervisor alone', () => {
  let site: LocalFixture;
  beforeEach(() => {
    site = new LocalFixture();
  });
  afterEach(async () => site.stop());

  async function ready(): Promise<{ vmId: string; disks: readonly [string, string] }> {
    const shape = aVmShape();
    const vmId = await site.hypervisor.createVm(shape, shape.name, false);
    await site.hypervisor.ensureDisks(vmId, shape.disks);
    const fileOf = (id: string): string => join(site.folder, vmId, `${id}.raw`);
    return { vmId, disks: [fileOf('os'), fileOf('lun-0')] };
  }

  async function other(config: ConstructorParameters<typeof LocalFixture>[0], url?: string) {
    await site.stop();
    site = new LocalFixture(config, url);
  }

  it('says that a boot was only simulated, and what was found instead', async () => {
    const { vmId } = await ready();
    const [os] = await site.hypervisor.attachToMasterTarget(vmId);
    await site.installGuest(must(os, 'the system disk').device, 'MARK-1');
    await site.hypervisor.attachToVm(vmId);
    await site.hypervisor.powerOn(vmId);
    expect(await site.hypervisor.bootEvidence(vmId)).toMatchObject({
      isSimulated: true,
      evidence: expect.stringMatching(/^SIMULATED-BOOT \(not booted.*marker=MARK-1$/),
    });
  });

  it('shows why nothing boots from a disk without a boot signature', async () => {
    const { vmId } = await ready();
    await site.hypervisor.powerOn(vmId);
    const { consoleTail } = await site.hypervisor.bootEvidence(vmId);
    expect(consoleTail).toContain('No bootable device');
  });

  it('takes no disk space for what was never written', async () => {
    const { disks } = await ready();
    const { statSync } = await import('node:fs');
    expect(statSync(disks[0])).toMatchObject({ size: DISK_BYTES, blocks: 0 });
  });

  it('does not mind what else lies in its folder', async () => {
    const { vmId } = await ready();
    mkdirSync(join(site.folder, 'lost+found'));
    writeFileSync(join(site.folder, 'notes.txt'), 'of the administrator');
    writeFileSync(join(site.folder, vmId, 'vm.json.new'), '{"vmId":');
    await site.restart();
    expect(await site.hypervisor.findVm({ vmId, name: '' })).toMatchObject({ vmId });
    expect(await site.hypervisor.findVm({ name: 'of the administrator' })).toBeNull();
  });

  it('keeps a copy of the disks as they were right before the boot', async () => {
    await other({ keepBootCopy: true, guestPauseMs: 1 });
    const { vmId, disks } = await ready();
    await site.hypervisor.powerOn(vmId);
    await untilTrue('the guest writes', () =>
      readFileSync(disks[1]).includes('written on-premises'),
    );
    await site.hypervisor.powerOff(vmId);
    const copy = readFileSync(join(site.folder, vmId, 'images/boot-copy/lun-0.raw'));
    expect(copy.equals(Buffer.alloc(DISK_BYTES))).toBe(true);
  });

  it('has guests that write while they run, and only then, and not into the boot area', async () => {
    await other({ guestPauseMs: 1 });
    const { vmId, disks } = await ready();
    await site.hypervisor.powerOn(vmId);
    await untilTrue('the guest writes to both disks', () =>
      disks.every((file) => readFileSync(file).includes('written on-premises')),
    );
    await site.hypervisor.powerOff(vmId);
    const after = disks.map((file) => readFileSync(file));
    expect(
      must(after[0], 'the system disk')
        .subarray(0, DISK_BYTES / 2)
        .equals(Buffer.alloc(DISK_BYTES / 2)),
    ).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(disks.map((file, index) => readFileSync(file).equals(must(after[index], file)))).toEqual(
      [true, true],
    );
  });

  it('takes images between two writes of a guest, of all disks at one instant', async () => {
    await other({ guestPauseMs: 1 });
    const { vmId, disks } = await ready();
    await site.hypervisor.powerOn(vmId);
    await untilTrue('the guest writes', () =>
      readFileSync(disks[1]).includes('written on-premises'),
    );
    const image = await site.hypervisor.openImage(vmId, 'point-1');
    const rounds = await Promise.all(
      image.map(async ({ device }) => roundsIn(await site.read(device, 0, DISK_BYTES))),
    );
    const all = new Set(rounds.flat());
    // The guest writes its rounds in order, so that an instant has no gaps.
    expect(all.size).toBe(Math.max(...all) + 1);
    await site.hypervisor.powerOff(vmId);
  });

  it('has guests whose agent registers a while after the boot, until it is heard', async () => {
    const bodies: unknown[] = [];
    const server = createServer((request, response) => {
      request.on('data', (chunk) => bodies.push(JSON.parse(String(chunk))));
      request.on('end', () => response.writeHead(bodies.length === 1 ? 503 : 204).end());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = server.address() as AddressInfo;
      await other({ agentDelaySeconds: 0 }, `http://127.0.0.1:${port}/`);
      const { vmId } = await ready();
      await site.hypervisor.powerOn(vmId);
      const second = await until('it registers', () => bodies[1]);
      expect(second).toMatchObject({ vmId, proof: `proof of ${vmId}` });
      await site.hypervisor.powerOff(vmId);
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it('keeps disks that nobody named', async () => {
    const disks = ['os', 'extra'].map((diskId) => ({ diskId, sizeBytes: DISK_BYTES }));
    const vmId = await site.addVm({ name: 'web-01', disks });
    const os = { id: 'os', isOsDisk: true, sizeBytes: DISK_BYTES };
    expect(await site.hypervisor.ensureDisks(vmId, [os])).toEqual([]);
    expect(await site.hypervisor.findVm({ vmId, name: '' })).toMatchObject({ disks });
  });

  it('makes a disk again that a crash left without a size', async () => {
    const shape = aVmShape();
    const vmId = await site.hypervisor.createVm(shape, shape.name, false);
    writeFileSync(join(site.folder, vmId, 'os.raw'), '');
    expect(await site.hypervisor.ensureDisks(vmId, shape.disks)).toEqual(['os', 'lun-0']);
    expect(readFileSync(join(site.folder, vmId, 'os.raw'))).toHaveLength(DISK_BYTES);
  });

  it('leaves a disk alone that a VM knows and that is empty', async () => {
    const disks = [{ diskId: 'os', sizeBytes: DISK_BYTES }];
    const vmId = await site.addVm({ name: 'web-01', disks });
    writeFileSync(join(site.folder, vmId, 'os.raw'), '');
    const attempt = site.hypervisor.ensureDisks(vmId, aVmShape().disks);
    await expect(attempt).rejects.toMatchObject({ code: 'FB-SITE-006' });
  });

  it('makes an image anew that a crash left unfinished', async () => {
    const { vmId } = await ready();
    const unfinished = join(site.folder, vmId, 'images/point-1.new');
    mkdirSync(unfinished, { recursive: true });
    writeFileSync(join(unfinished, 'os.raw'), 'half of it');
    const image = await site.hypervisor.openImage(vmId, 'point-1');
    for (const { device } of image) {
      const bytes = await site.read(device, 0, DISK_BYTES);
      expect(bytes.equals(Buffer.alloc(DISK_BYTES))).toBe(true);
    }
    expect(existsSync(unfinished)).toBe(false);
  });

  it('has one guest a VM, however often what ran is taken up again', async () => {
    await other({ guestPauseMs: 1 });
    const { vmId, disks } = await ready();
    await site.hypervisor.powerOn(vmId);
    await site.restart();
    await site.hypervisor.resume();
    await site.hypervisor.resume();
    await untilTrue('the guest writes', () =>
      readFileSync(disks[1]).includes('written on-premises'),
    );
    await site.hypervisor.powerOff(vmId);
    const after = disks.map((file) => readFileSync(file));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(disks.map((file, index) => readFileSync(file).equals(must(after[index], file)))).toEqual(
      [true, true],
    );
  });

  it('says that it is away, not that its VMs are gone, when its folder is', async () => {
    const { vmId } = await ready();
    rmSync(site.folder, { recursive: true });
    expect(await site.hypervisor.describe()).toEqual({ isConnected: false, freeBytes: null });
    await expect(site.hypervisor.findVm({ vmId, name: '' })).rejects.toThrow('is not there');
    await expect(site.hypervisor.findVm({ name: 'web-01' })).rejects.toThrow('ENOENT');
  });

  it('has no mobility agent in a VM that is cut off', async () => {
    let registrations = 0;
    const server = createServer((request, response) => {
      registrations += 1;
      request.resume();
      response.writeHead(204).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = server.address() as AddressInfo;
      await other({ agentDelaySeconds: 0 }, `http://127.0.0.1:${port}/`);
      const shape = aVmShape();
      const isolated = await site.hypervisor.createVm(shape, 'isolated', true);
      await site.hypervisor.ensureDisks(isolated, shape.disks);
      await site.hypervisor.powerOn(isolated);
      const { vmId } = await ready();
      await site.hypervisor.powerOn(vmId);
      // Its neighbour, started after it, is heard; it is not.
      await untilTrue('the neighbour registers', () => registrations > 0);
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(registrations).toBe(1);
      await site.hypervisor.powerOff(vmId);
      await site.hypervisor.powerOff(isolated);
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it('does not choose among several VMs of one name', async () => {
    const { name } = aVmShape();
    const one = await site.addVm({ name, disks: [] });
    const two = await site.addVm({ name, disks: [] });
    await expect(site.hypervisor.findVm({ name })).rejects.toMatchObject({ code: 'FB-SITE-011' });
    for (const vmId of [one, two]) {
      expect(await site.hypervisor.findVm({ vmId, name })).toMatchObject({ vmId, name });
    }
  });

  it('forgets all of a VM that is deleted', async () => {
    const { vmId } = await ready();
    await site.hypervisor.openImage(vmId, 'point-1');
    await site.hypervisor.deleteVm(vmId);
    expect(existsSync(join(site.folder, vmId))).toBe(false);
  });
});

function roundsIn(bytes: Buffer): readonly number[] {
  const text = bytes.toString('latin1');
  return [...text.matchAll(/written on-premises, round (\d+)\n(?=w|\0|$)/g)].map(([, round]) =>
    Number(round),
  );
}
