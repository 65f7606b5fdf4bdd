import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { DiskShape, TargetDevice, VmShape } from '../../../shared/contracts/commands.ts';
import type { HypervisorVm } from '../../../shared/ports/hypervisor.ts';
import { untilTrue } from '../../support/control-plane/until.ts';
import type { HypervisorFixture } from './fixture.ts';

export const DISK_BYTES = 1024 * 1024;
const ABSENT = 'no-such-vm';

const disk = (id: string): DiskShape => ({ id, isOsDisk: id === 'os', sizeBytes: DISK_BYTES });

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

const code = async (attempt: Promise<unknown>): Promise<string> =>
  attempt.then(
    () => 'done',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  );

interface ConformanceOptions {
  /** Gives an empty site of its own. */
  readonly start: () => Promise<HypervisorFixture>;
  /** False for a site that can switch VMs on but has no guest in them, as a simulated vCenter. */
  readonly hasGuests: boolean;
  /** For a site that passes the rest without its guests, which take long to boot. */
  readonly onlyBoots?: boolean;
}

/** What every driver of the Hypervisor port promises. */
export function describeHypervisor(
  title: string,
  { start, hasGuests, onlyBoots = false }: ConformanceOptions,
): void {
  describe(`${title}, as every hypervisor,`, () => {
    let site: HypervisorFixture;
    beforeAll(async () => {
      site = await start();
    });
    afterAll(async () => site.stop());
    const parts = { site: (): HypervisorFixture => site };
    if (hasGuests) describeBoots(parts);
    if (onlyBoots) return;
    describeInventory(parts);
    describeRegistration(parts);
    describeDisks(parts);
    describeSnapshots(parts);
    describePower(parts);
    describeImages(parts);
    describeInterruptions(parts);
  });
}

interface Parts {
  readonly site: () => HypervisorFixture;
}

async function create(site: HypervisorFixture, shape = aVmShape(), isIsolated = false) {
  const vmId = await site.hypervisor.createVm(shape, `key-${shape.name}`, isIsolated);
  await site.hypervisor.ensureDisks(vmId, shape.disks);
  return { vmId, shape };
}

async function vmOf(site: HypervisorFixture, vmId: string): Promise<HypervisorVm> {
  const found = await site.hypervisor.findVm({ vmId, name: ABSENT });
  if (found === null) throw new Error(`There is no VM ${vmId}`);
  return found;
}

async function deviceOf(
  site: HypervisorFixture,
  vmId: string,
  diskId: string,
): Promise<TargetDevice> {
  const disks = await site.hypervisor.attachToMasterTarget(vmId);
  const found = disks.find((each) => each.diskId === diskId);
  if (found === undefined) throw new Error(`The master target did not get ${diskId}`);
  return found.device;
}

/** A VM that runs, with a guest where the driver can have one. */
async function running(site: HypervisorFixture, evidence = 'running') {
  const created = await create(site);
  const device = await deviceOf(site, created.vmId, 'os');
  const shown = await site.installGuest(device, evidence);
  await site.hypervisor.attachToVm(created.vmId);
  await site.hypervisor.powerOn(created.vmId);
  return { ...created, shown };
}

function describeInventory({ site }: Parts): void {
  describe('its inventory', () => {
    it('is reached, and says how much is free or that it does not know', async () => {
      const { isConnected, freeBytes } = await site().hypervisor.describe();
      expect(isConnected).toBe(true);
      expect(freeBytes === null || freeBytes > 0).toBe(true);
    });

    it('finds a VM that was there before by its name and by its id', async () => {
      const name = aVmShape().name;
      const disks = [{ diskId: 'os', sizeBytes: DISK_BYTES }];
      const vmId = await site().addVm({ name, disks });
      const byName = await site().hypervisor.findVm({ name });
      expect(byName).toMatchObject({ vmId, name, powerState: 'off', disksAt: 'vm', disks });
      expect(await site().hypervisor.findVm({ vmId, name })).toEqual(byName);
    });

    it('has nothing under a name and an id that nobody has', async () => {
      expect(await site().hypervisor.findVm({ name: ABSENT })).toBeNull();
      expect(await site().hypervisor.findVm({ vmId: ABSENT, name: ABSENT })).toBeNull();
    });

    it('never answers for an id that is gone with another VM of the same name', async () => {
      const { vmId, shape } = await create(site());
      expect(await site().hypervisor.findVm({ vmId: ABSENT, name: shape.name })).toBeNull();
      const name = `${shape.name}-rehearsal`;
      const scratch = await site().hypervisor.createVm({ ...shape, name }, `r-${name}`, true);
      await site().hypervisor.deleteVm(scratch);
      expect(await site().hypervisor.findVm({ vmId: scratch, name: shape.name })).toBeNull();
      expect(await site().hypervisor.findVm({ name: shape.name })).toMatchObject({ vmId });
    });

    it('gets a new VM that is off, without disks and snapshots', async () => {
      const shape = aVmShape();
      const vmId = await site().hypervisor.createVm(shape, `key-${shape.name}`, false);
      expect(await vmOf(site(), vmId)).toEqual(
        expect.objectContaining({
          vmId,
          name: shape.name,
          powerState: 'off',
          startedAt: null,
          snapshotCount: 0,
          disks: [],
          disksAt: 'vm',
        }),
      );
      expect(await site().isIsolated(vmId)).toBe(false);
    });

    it('gets one VM for one creation key, also after a restart', async () => {
      const shape = aVmShape();
      const first = await site().hypervisor.createVm(shape, shape.name, false);
      expect(await site().hypervisor.createVm(shape, shape.name, false)).toBe(first);
      await site().restart();
      expect(await site().hypervisor.createVm(shape, shape.name, false)).toBe(first);
      const other = aVmShape();
      expect(await site().hypervisor.createVm(other, other.name, false)).not.toBe(first);
    });

    it('keeps a VM for a rehearsal away from the networks and from the real one', async () => {
      const { vmId, shape } = await create(site());
      const name = `${shape.name}-rehearsal`;
      const scratch = await site().hypervisor.createVm({ ...shape, name }, `r-${name}`, true);
      expect(scratch).not.toBe(vmId);
      expect(await site().isIsolated(scratch)).toBe(true);
      await site().hypervisor.ensureDisks(scratch, shape.disks);
      await site().hypervisor.powerOn(scratch);
      await site().hypervisor.deleteVm(scratch);
      expect(await vmOf(site(), vmId)).toMatchObject({ powerState: 'off', name: shape.name });
      expect(await site().hypervisor.findVm({ name })).toBeNull();
    });

    it('loses a VM that is deleted, once, and no other', async () => {
      const [doomed, other] = [await create(site()), await create(site())];
      await site().hypervisor.deleteVm(doomed.vmId);
      await site().hypervisor.deleteVm(doomed.vmId);
      expect(await site().hypervisor.findVm({ name: doomed.shape.name })).toBeNull();
      expect((await vmOf(site(), other.vmId)).disks).toHaveLength(2);
    });

    it('loses a VM that is deleted while it runs', async () => {
      const { vmId, shape } = await running(site());
      await site().hypervisor.deleteVm(vmId);
      expect(await site().hypervisor.findVm({ name: shape.name })).toBeNull();
    });

    it.each([
      ['disks', async (vmId: string) => site().hypervisor.ensureDisks(vmId, [disk('os')])],
      ['a master target', async (vmId: string) => site().hypervisor.attachToMasterTarget(vmId)],
      ['its disks back', async (vmId: string) => site().hypervisor.attachToVm(vmId)],
      ['power', async (vmId: string) => site().hypervisor.powerOn(vmId)],
      ['an image', async (vmId: string) => site().hypervisor.openImage(vmId, 'image')],
    ])('refuses to give %s to a VM that does not exist', async (_name, attempt) => {
      expect(await code(attempt(ABSENT))).toBe('FB-SITE-002');
    });
  });
}

function describeRegistration({ site }: Parts): void {
  describe('a VM that is taken out of its inventory', () => {
    const taken = async (): Promise<{ vmId: string; shape: VmShape }> => {
      const created = await create(site());
      const device = await deviceOf(site(), created.vmId, 'os');
      await site().write(device, 4096, Buffer.alloc(512, 'x'));
      await site().hypervisor.unregisterVm(created.vmId);
      return created;
    };

    it('is not there any more, once, and is known with its disks, also after a restart', async () => {
      const { vmId, shape } = await taken();
      await site().hypervisor.unregisterVm(vmId);
      await site().restart();
      expect(await site().hypervisor.findVm({ vmId, name: shape.name })).toBeNull();
      expect(await site().hypervisor.findVm({ name: shape.name })).toBeNull();
      const left = await site().hypervisor.findUnregistered({ vmId, name: ABSENT });
      expect(left).toMatchObject({ vmId, name: shape.name, powerState: 'off', disksAt: 'vm' });
      expect(left?.disks.map(({ diskId }) => diskId)).toEqual(['os', 'lun-0']);
      expect(await site().hypervisor.findUnregistered({ name: shape.name })).toEqual(left);
    });

    it('is put back, once, as the VM it was with what its disks hold', async () => {
      const { vmId, shape } = await taken();
      await site().hypervisor.registerVm(vmId);
      await site().hypervisor.registerVm(vmId);
      expect(await vmOf(site(), vmId)).toMatchObject({
        name: shape.name,
        powerState: 'off',
        disksAt: 'vm',
        disks: [{ diskId: 'os' }, { diskId: 'lun-0' }],
      });
      expect(await site().hypervisor.findUnregistered({ vmId, name: shape.name })).toBeNull();
      expect(await site().hypervisor.findUnregistered({ name: shape.name })).toBeNull();
      expect(await site().hypervisor.ensureDisks(vmId, shape.disks)).toEqual([]);
      const device = await deviceOf(site(), vmId, 'os');
      expect((await site().read(device, 4096, 512)).equals(Buffer.alloc(512, 'x'))).toBe(true);
    });

    it('makes room for another of its name, which touches none of its files', async () => {
      const { vmId, shape } = await taken();
      const other = await site().hypervisor.createVm(shape, `other-${shape.name}`, false);
      expect(await site().hypervisor.ensureDisks(other, shape.disks)).toEqual(['os', 'lun-0']);
      const device = await deviceOf(site(), other, 'os');
      expect((await site().read(device, 4096, 512)).equals(Buffer.alloc(512))).toBe(true);
      await site().hypervisor.deleteVm(other);
      await site().hypervisor.registerVm(vmId);
      const own = await deviceOf(site(), vmId, 'os');
      expect((await site().read(own, 4096, 512)).equals(Buffer.alloc(512, 'x'))).toBe(true);
    });

    it('is not guessed among several of one name', async () => {
      const [one, two] = [await taken(), await create(site())];
      expect(await site().hypervisor.findUnregistered({ name: two.shape.name })).toBeNull();
      const twin = await site().hypervisor.createVm(one.shape, `twin-${one.shape.name}`, false);
      await site().hypervisor.unregisterVm(twin);
      expect(await site().hypervisor.findUnregistered({ name: one.shape.name })).toBeNull();
      const name = one.shape.name;
      expect(await site().hypervisor.findUnregistered({ vmId: twin, name })).toMatchObject({
        name,
      });
    });

    it('has to be off', async () => {
      const { vmId } = await running(site());
      expect(await code(site().hypervisor.unregisterVm(vmId))).toBe('FB-SITE-010');
      expect(await vmOf(site(), vmId)).toMatchObject({ powerState: 'on' });
      await site().hypervisor.powerOff(vmId, false);
    });

    it('is nothing that was never there', async () => {
      await site().hypervisor.unregisterVm(ABSENT);
      const { hypervisor } = site();
      expect(await hypervisor.findUnregistered({ vmId: ABSENT, name: ABSENT })).toBeNull();
      expect(await hypervisor.findUnregistered({ name: ABSENT })).toBeNull();
      expect(await code(hypervisor.registerVm(ABSENT))).toBe('FB-SITE-008');
    });
  });
}

function describeDisks({ site }: Parts): void {
  describe('its disks', () => {
    it('are made once, of the size that was asked for, and read as zeros', async () => {
      const shape = aVmShape();
      const vmId = await site().hypervisor.createVm(shape, shape.name, false);
      expect(await site().hypervisor.ensureDisks(vmId, [disk('os')])).toEqual(['os']);
      expect(await site().hypervisor.ensureDisks(vmId, shape.disks)).toEqual(['lun-0']);
      expect(await site().hypervisor.ensureDisks(vmId, shape.disks)).toEqual([]);
      expect((await vmOf(site(), vmId)).disks).toEqual([
        { diskId: 'os', sizeBytes: DISK_BYTES },
        { diskId: 'lun-0', sizeBytes: DISK_BYTES },
      ]);
      const device = await deviceOf(site(), vmId, 'lun-0');
      const bytes = await site().read(device, 0, DISK_BYTES);
      expect(bytes.equals(Buffer.alloc(DISK_BYTES))).toBe(true);
    });

    it('keep what was written when they are asked for again', async () => {
      const { vmId, shape } = await create(site());
      const device = await deviceOf(site(), vmId, 'os');
      await site().write(device, 4096, Buffer.alloc(512, 'x'));
      expect(await site().hypervisor.ensureDisks(vmId, shape.disks)).toEqual([]);
      expect((await site().read(device, 4096, 512)).equals(Buffer.alloc(512, 'x'))).toBe(true);
    });

    it('stay with the VM when it is asked for others only', async () => {
      const { vmId } = await create(site());
      expect(await site().hypervisor.ensureDisks(vmId, [disk('lun-1')])).toEqual(['lun-1']);
      const ids = (await vmOf(site(), vmId)).disks.map(({ diskId }) => diskId);
      expect(ids.toSorted()).toEqual(['lun-0', 'lun-1', 'os']);
    });

    it('begin as copies of those of another VM that is off, which keeps its own', async () => {
      const seed = await create(site());
      const original = await deviceOf(site(), seed.vmId, 'lun-0');
      await site().write(original, 4096, Buffer.alloc(512, 'x'));
      await site().hypervisor.attachToVm(seed.vmId);
      const shape = aVmShape({ disks: [...seed.shape.disks, disk('lun-1')] });
      const vmId = await site().hypervisor.createVm(shape, shape.name, true);
      const copy = async (): Promise<readonly string[]> =>
        site().hypervisor.ensureDisks(vmId, shape.disks, seed.vmId);
      expect(await copy()).toEqual(['lun-1']);
      expect(await copy()).toEqual([]);
      const device = await deviceOf(site(), vmId, 'lun-0');
      expect((await site().read(device, 4096, 512)).equals(Buffer.alloc(512, 'x'))).toBe(true);
      await site().write(device, 4096, Buffer.alloc(512, 'y'));
      expect((await site().read(original, 4096, 512)).equals(Buffer.alloc(512, 'x'))).toBe(true);
      expect((await vmOf(site(), seed.vmId)).disks).toHaveLength(2);
    });

    it.each([
      ['runs', async () => (await running(site())).vmId],
      [
        'has disks of other sizes',
        async () => {
          const large = { ...disk('os'), sizeBytes: 2 * DISK_BYTES };
          return (await create(site(), aVmShape({ disks: [large] }))).vmId;
        },
      ],
      ['is gone', async () => ABSENT],
    ])('read as zeros when the VM whose copies they would be %s', async (_name, seedOf) => {
      const seedVmId = await seedOf();
      const shape = aVmShape();
      const vmId = await site().hypervisor.createVm(shape, shape.name, true);
      const fresh = await site().hypervisor.ensureDisks(vmId, shape.disks, seedVmId);
      expect(fresh).toEqual(['os', 'lun-0']);
      const bytes = await site().read(await deviceOf(site(), vmId, 'os'), 0, DISK_BYTES);
      expect(bytes.equals(Buffer.alloc(DISK_BYTES))).toBe(true);
    });

    it('of another size are left alone and named', async () => {
      const { vmId } = await create(site());
      const larger = { ...disk('os'), sizeBytes: 2 * DISK_BYTES };
      const attempt = site().hypervisor.ensureDisks(vmId, [larger]);
      await expect(attempt).rejects.toMatchObject({
        code: 'FB-SITE-006',
        values: { diskId: 'os', actualBytes: DISK_BYTES, neededBytes: 2 * DISK_BYTES },
      });
      expect((await vmOf(site(), vmId)).disks[0]).toEqual({ diskId: 'os', sizeBytes: DISK_BYTES });
    });

    it('are told to be unfit while the VM runs, which goes on running', async () => {
      const { vmId, shape } = await running(site());
      const larger = { ...disk('os'), sizeBytes: 2 * DISK_BYTES };
      expect(await code(site().hypervisor.checkDisks(vmId, [larger]))).toBe('FB-SITE-006');
      expect(await code(site().hypervisor.checkDisks(vmId, shape.disks))).toBe('done');
      expect(await vmOf(site(), vmId)).toMatchObject({ powerState: 'on' });
      await site().hypervisor.powerOff(vmId, false);
    });

    it('are either with the VM or with the master target', async () => {
      const { vmId } = await create(site());
      const first = await site().hypervisor.attachToMasterTarget(vmId);
      expect(first.map(({ diskId }) => diskId)).toEqual(['os', 'lun-0']);
      expect(await site().hypervisor.attachToMasterTarget(vmId)).toEqual(first);
      expect((await vmOf(site(), vmId)).disksAt).toBe('masterTarget');
      await site().hypervisor.attachToVm(vmId);
      await site().hypervisor.attachToVm(vmId);
      expect((await vmOf(site(), vmId)).disksAt).toBe('vm');
      expect(await site().hypervisor.attachToMasterTarget(vmId)).toEqual(first);
    });

    it('do not leave a VM that runs', async () => {
      const { vmId } = await running(site());
      expect(await code(site().hypervisor.attachToMasterTarget(vmId))).toBe('FB-SITE-004');
      expect(await vmOf(site(), vmId)).toMatchObject({ powerState: 'on', disksAt: 'vm' });
      await site().hypervisor.powerOff(vmId, false);
    });

    it('of one VM are not those of another', async () => {
      const [one, two] = [await create(site()), await create(site())];
      const device = await deviceOf(site(), one.vmId, 'os');
      await site().write(device, 0, Buffer.alloc(512, 'x'));
      const other = await deviceOf(site(), two.vmId, 'os');
      expect((await site().read(other, 0, 512)).equals(Buffer.alloc(512))).toBe(true);
    });
  });
}

function describeSnapshots({ site }: Parts): void {
  it('has no snapshots any more once they were removed, however often that is asked for', async () => {
    const { vmId } = await create(site());
    await site().addSnapshot(vmId);
    expect((await vmOf(site(), vmId)).snapshotCount).toBe(1);
    expect(await site().hypervisor.removeSnapshots(vmId)).toBe(1);
    expect(await site().hypervisor.removeSnapshots(vmId)).toBe(0);
    expect((await vmOf(site(), vmId)).snapshotCount).toBe(0);
    expect(await site().hypervisor.attachToMasterTarget(vmId)).toHaveLength(2);
  });
}

function describePower({ site }: Parts): void {
  describe('its power', () => {
    it('is refused to a VM whose disks the master target holds', async () => {
      const { vmId } = await create(site());
      await site().hypervisor.attachToMasterTarget(vmId);
      expect(await code(site().hypervisor.powerOn(vmId))).toBe('FB-SITE-003');
      expect((await vmOf(site(), vmId)).powerState).toBe('off');
    });

    it('is switched on once, however often it is asked for', async () => {
      const { vmId } = await running(site());
      const { startedAt, powerState } = await vmOf(site(), vmId);
      expect(powerState).toBe('on');
      expect(Date.parse(startedAt ?? '')).not.toBeNaN();
      await site().hypervisor.powerOn(vmId);
      expect((await vmOf(site(), vmId)).startedAt).toBe(startedAt);
      await site().hypervisor.powerOff(vmId, false);
    });

    it.each([true, false])('goes off, twice too, gracefully: %s', async (isGraceful) => {
      const { vmId } = await running(site());
      expect(await site().hypervisor.powerOff(vmId, isGraceful)).toBe(true);
      expect(await site().hypervisor.powerOff(vmId, isGraceful)).toBe(false);
      expect(await vmOf(site(), vmId)).toMatchObject({ powerState: 'off', startedAt: null });
    });

    it('stays as it is over a restart of the configuration server', async () => {
      const [on, off] = [await running(site()), await create(site())];
      const before = await vmOf(site(), on.vmId);
      await site().restart();
      await site().hypervisor.resume();
      expect(await vmOf(site(), on.vmId)).toEqual(before);
      expect((await vmOf(site(), off.vmId)).powerState).toBe('off');
      await site().hypervisor.powerOff(on.vmId, true);
      expect((await vmOf(site(), on.vmId)).powerState).toBe('off');
    });

    it('reports every fix-up of the guest, and the same again', async () => {
      const { vmId, shape } = await create(site());
      const fixups = await site().hypervisor.fixGuest(vmId, shape);
      const address = fixups.find(({ detail }) => detail.includes('192.168.10.20'));
      expect(address?.outcome).not.toBe('notNeeded');
      expect(fixups.every(({ name, detail }) => name.length > 0 && detail.length > 0)).toBe(true);
      expect(await site().hypervisor.fixGuest(vmId, shape)).toEqual(fixups);
    });
  });
}

function describeBoots({ site }: Parts): void {
  describe('its boots', () => {
    it('shows what the guest showed when it booted', async () => {
      const evidence = `up-${randomUUID().slice(0, 8)}`;
      const { vmId, shown } = await running(site(), evidence);
      await untilTrue('the guest shows that it booted', async () => {
        const seen = await site().hypervisor.bootEvidence(vmId);
        return seen.evidence?.includes(shown) === true;
      });
      await site().hypervisor.powerOff(vmId, false);
    });

    it('shows nothing of a guest that does not boot', async () => {
      const { vmId } = await create(site());
      await site().hypervisor.powerOn(vmId);
      expect((await site().hypervisor.bootEvidence(vmId)).evidence).toBeNull();
      await site().hypervisor.powerOff(vmId, false);
    });

    it('shows nothing of an earlier boot', async () => {
      const { vmId } = await running(site());
      await untilTrue('the guest shows that it booted', async () => {
        return (await site().hypervisor.bootEvidence(vmId)).evidence !== null;
      });
      await site().hypervisor.powerOff(vmId, false);
      expect((await site().hypervisor.bootEvidence(vmId)).evidence).toBeNull();
      const device = await deviceOf(site(), vmId, 'os');
      await site().write(device, 0, Buffer.alloc(4096));
      await site().hypervisor.attachToVm(vmId);
      await site().hypervisor.powerOn(vmId);
      expect((await site().hypervisor.bootEvidence(vmId)).evidence).toBeNull();
      await site().hypervisor.powerOff(vmId, false);
    });
  });
}

function describeImages({ site }: Parts): void {
  describe('an image of a VM that runs', () => {
    it('holds what the disks held, and stays as it is while the guest writes', async () => {
      const { vmId, shape } = await create(site());
      const device = await deviceOf(site(), vmId, 'lun-0');
      await site().write(device, 512, Buffer.alloc(512, 'x'));
      await site().hypervisor.attachToVm(vmId);
      await site().hypervisor.powerOn(vmId);
      const image = await site().hypervisor.openImage(vmId, 'point-1');
      expect(image.map(({ diskId }) => diskId)).toEqual(shape.disks.map(({ id }) => id));
      const copy = image.find(({ diskId }) => diskId === 'lun-0')!.device;
      expect((await vmOf(site(), vmId)).powerState).toBe('on');
      const before = await site().read(copy, 0, DISK_BYTES);
      await site().writeAsGuest(vmId, 'lun-0', 512, Buffer.alloc(512, 'y'));
      expect((await site().read(copy, 0, DISK_BYTES)).equals(before)).toBe(true);
      expect(before.subarray(512, 1024).equals(Buffer.alloc(512, 'x'))).toBe(true);
      expect(await site().hypervisor.closeImage(vmId, 'point-1')).toBe(true);
      await site().hypervisor.powerOff(vmId, false);
      const later = await deviceOf(site(), vmId, 'lun-0');
      expect((await site().read(later, 512, 512)).equals(Buffer.alloc(512, 'y'))).toBe(true);
    });

    it('is the same when it is opened again', async () => {
      const { vmId } = await create(site());
      await site().hypervisor.powerOn(vmId);
      const image = await site().hypervisor.openImage(vmId, 'point-1');
      await site().hypervisor.powerOff(vmId, false);
      await site().writeAsGuest(vmId, 'os', 0, Buffer.alloc(512, 'y'));
      expect(await site().hypervisor.openImage(vmId, 'point-1')).toEqual(image);
      const copy = image.find(({ diskId }) => diskId === 'os')!.device;
      expect((await site().read(copy, 0, 512)).equals(Buffer.alloc(512))).toBe(true);
      await site().hypervisor.closeImage(vmId, 'point-1');
    });

    it('is there until it is closed, once, or until the next is opened', async () => {
      const { vmId } = await running(site());
      await site().hypervisor.openImage(vmId, 'point-1');
      const [kept] = await site().hypervisor.openImage(vmId, 'point-2');
      expect(await site().hypervisor.closeImage(vmId, 'point-1')).toBe(false);
      expect(await site().read(kept!.device, 0, 512)).toHaveLength(512);
      expect(await site().hypervisor.closeImage(vmId, 'point-2')).toBe(true);
      expect(await site().hypervisor.closeImage(vmId, 'point-2')).toBe(false);
      expect(await site().hypervisor.closeImage(vmId, 'never-opened')).toBe(false);
      await site().hypervisor.powerOff(vmId, false);
    });

    it('that was left open keeps no disk from coming to the master target', async () => {
      const { vmId, shape } = await running(site());
      await site().hypervisor.openImage(vmId, 'point-1');
      await site().hypervisor.powerOff(vmId, false);
      expect(await vmOf(site(), vmId)).toMatchObject({ snapshotCount: 0, disksAt: 'vm' });
      await site().hypervisor.checkDisks(vmId, shape.disks);
      expect(await site().hypervisor.attachToMasterTarget(vmId)).toHaveLength(2);
      await site().hypervisor.attachToVm(vmId);
    });
  });
}

/** Each step of a failback in order; a driver must be able to die after any of them. */
function describeInterruptions({ site }: Parts): void {
  it('completes a failback that dies after every step and repeats each', async () => {
    const shape = aVmShape();
    let vmId = '';
    let device: TargetDevice | null = null;
    const steps: readonly (() => Promise<unknown>)[] = [
      async () => (vmId = await site().hypervisor.createVm(shape, shape.name, false)),
      async () => site().hypervisor.powerOff(vmId, true),
      async () => site().hypervisor.ensureDisks(vmId, shape.disks),
      async () => (device = await deviceOf(site(), vmId, 'lun-0')),
      async () => site().write(device!, 0, Buffer.alloc(512, 'x')),
      async () => site().hypervisor.attachToVm(vmId),
      async () => site().hypervisor.fixGuest(vmId, shape),
      async () => site().hypervisor.powerOn(vmId),
      async () => site().hypervisor.openImage(vmId, 'point-1'),
      async () => site().hypervisor.closeImage(vmId, 'point-1'),
      async () => site().hypervisor.powerOff(vmId, false),
      async () => (device = await deviceOf(site(), vmId, 'lun-0')),
    ];
    for (const step of steps) {
      await step();
      await site().restart();
      await site().hypervisor.resume();
      await step();
    }
    expect((await vmOf(site(), vmId)).disks).toHaveLength(2);
    expect((await site().read(device!, 0, 512)).equals(Buffer.alloc(512, 'x'))).toBe(true);
    await site().hypervisor.deleteVm(vmId);
    await site().restart();
    await site().hypervisor.deleteVm(vmId);
    expect(await site().hypervisor.findVm({ name: shape.name })).toBeNull();
  });
}
