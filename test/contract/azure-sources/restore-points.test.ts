import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { SnapshotsTaken } from '../../../shared/ports/azure.ts';
import { must } from '../../support/must.ts';
import { GROUP, MIB, outcome, reader, snapshotOf, SourceLab } from './source-lab.ts';

const HOUR_MS = 3_600_000;
let lab: SourceLab;

beforeAll(async () => {
  lab = await SourceLab.start();
});
afterAll(async () => lab.stop());

describe('a point of a VM with several managed disks that runs', () => {
  it('is found again by its id, without another restore point or snapshot', async () => {
    await lab.seed('again');
    const request = lab.request('again', 'p1');
    const first = await lab.snapshots.take(request);
    expect(first.snapshots['os']).toMatch(/^rp:/);
    const { restorePoints, snapshots } = lab.azure.arm.state;
    const [points, all] = [restorePoints.length, snapshots.length];
    expect(await lab.snapshots.take(request)).toEqual(first);
    expect(lab.azure.arm.state.restorePoints).toHaveLength(points);
    expect(lab.azure.arm.state.snapshots).toHaveLength(all);
  }, 60_000);

  it('is made over again where an earlier attempt was cut off', async () => {
    await lab.seed('cut');
    const { arm } = lab.azure;
    arm.inject({ operation: 'restorePoints.create', status: 500, code: 'InternalError', times: 1 });
    const request = lab.request('cut', 'p1');
    await expect(lab.snapshots.take(request)).rejects.toMatchObject({ code: 'FB-AZ-002' });
    expect((await lab.snapshots.take(request)).isOneInstant).toBe(true);
  }, 60_000);

  it('says so when the host cache or the VM size make one instant doubtful', async () => {
    const disk = { sizeBytes: MIB, writableFrom: 0 };
    await lab.seed('doubt', {
      vmSize: 'Standard_D2s_v6',
      disks: [
        { ...disk, name: 'doubt-os', lun: null, caching: 'ReadWrite' },
        { ...disk, name: 'doubt-data', lun: 0 },
        { ...disk, name: 'doubt-more', lun: 1 },
      ],
    });
    const { disks, ...request } = lab.request('doubt', 'p1');
    const more = { id: 'lun-1', diskName: 'doubt-more', kind: 'managedDisk' } as const;
    const taken = await lab.snapshots.take({ ...request, disks: [...disks, more] });
    expect(taken.isOneInstant).toBe(false);
    expect(taken.reasons.join()).toMatch(/doubt-os.*Standard_D2s_v6/);
  }, 60_000);
});

describe('what Azure does not make restore points of', () => {
  it('falls back to snapshots of single disks for shared disks and says why', async () => {
    await lab.seed('shared');
    lab.diskRecord('shared-data').maxShares = 2;
    const request = lab.request('shared', 'p1');
    const taken = await lab.snapshots.take(request);
    expect(taken).toMatchObject({
      isOneInstant: false,
      consistency: 'crashConsistent',
      snapshots: { os: 'shared-p1-os', 'lun-0': 'shared-p1-lun-0' },
    });
    expect(taken.reasons.join()).toMatch(/VMRestorePointClientError.*Shared disks/);
    const again = await lab.snapshots.take(request);
    expect(again).toMatchObject({ snapshots: taken.snapshots, takenAt: taken.takenAt });
    expect(again.reasons.join()).toMatch(/Shared disks/);
  }, 60_000);

  it('falls back for disks of the Ultra kind and for confidential VMs', async () => {
    await lab.seed('ultra');
    lab.diskRecord('ultra-data').sku = 'UltraSSD_LRS';
    const ultra = await lab.snapshots.take(lab.request('ultra', 'p1'));
    expect(ultra.reasons.join()).toMatch(/UltraSSD_LRS/);
    await lab.seed('secret', { securityType: 'ConfidentialVM' });
    const secret = await lab.snapshots.take(lab.request('secret', 'p1'));
    expect(secret.reasons.join()).toMatch(/confidential/);
  }, 60_000);

  it('does not take a lock for a reason to fall back', async () => {
    await lab.seed('locked');
    lab.azure.arm.lock({ resourceGroup: GROUP, name: 'keep', level: 'ReadOnly' });
    const attempt = lab.snapshots.take(lab.request('locked', 'p1'));
    await expect(attempt).rejects.toMatchObject({ code: 'FB-AZ-001' });
    lab.azure.arm.unlock('keep');
  }, 60_000);

  it('takes snapshots of a VM that is shut down, which are one instant by themselves', async () => {
    await lab.seed('still');
    await lab.azure.clients.compute.virtualMachines.powerOff(GROUP, 'still');
    const taken = await lab.snapshots.take(lab.request('still', 'p1'));
    expect(taken).toMatchObject({ isOneInstant: true, reasons: [] });
    expect(taken.snapshots['os']).toBe('still-p1-os');
  }, 60_000);

  it('becomes snapshots when three restore points were made in the hour, and says so', async () => {
    await lab.seed('often');
    const take = async (point: string): Promise<SnapshotsTaken> => {
      lab.pass(1000);
      return lab.snapshots.take(lab.request('often', point));
    };
    const first = [await take('p1'), await take('p2'), await take('p3')];
    expect(first.every(({ isOneInstant }) => isOneInstant)).toBe(true);
    const fourth = await take('p4');
    expect(fourth.isOneInstant).toBe(false);
    expect(fourth.reasons.join()).toMatch(/three restore points/);
    lab.pass(HOUR_MS + 1000);
    expect((await take('p5')).isOneInstant).toBe(true);
  }, 90_000);
});

describe('a point that the next delta is made from', () => {
  const points = { isOneInstantWanted: false };

  it('is a snapshot of each disk, of which Azure makes enough', async () => {
    await lab.seed('series');
    const taken = await lab.snapshots.take({ ...lab.request('series', 'p1'), ...points });
    expect(taken).toMatchObject({ isOneInstant: false, reasons: [] });
    expect(taken.snapshots['os']).toBe('series-p1-os');
  }, 60_000);

  it('has the changes since a point of its own kind', async () => {
    await lab.seed('chain');
    const first = await lab.snapshots.take({ ...lab.request('chain', 'p1'), ...points });
    const disk = lab.managedDisk('chain-data');
    await disk.uploadPages(Buffer.alloc(512, 'a'), 4096, 512);
    const second = await lab.snapshots.take({ ...lab.request('chain', 'p2'), ...points });
    expect(await changedSince(first, second)).toEqual([[4096, 512]]);
  }, 60_000);

  it.each([
    ['a snapshot after a restore point', true, false],
    ['a restore point after a snapshot', false, true],
  ])(
    'has no base of another kind: %s',
    async (_name, first, second) => {
      const vm = `mixed-${first}`;
      await lab.seed(vm);
      const take = async (point: string, isOneInstantWanted: boolean): Promise<SnapshotsTaken> =>
        lab.snapshots.take({ ...lab.request(vm, point), isOneInstantWanted });
      const [base, current] = [await take('p1', first), await take('p2', second)];
      // A state near the base would not do: what was written and cleared in between is in no difference.
      const names = {
        snapshot: snapshotOf(current, 'lun-0'),
        base: snapshotOf(base, 'lun-0'),
      };
      expect(await lab.snapshots.grantRead(GROUP, names)).toMatchObject({
        base: null,
        baseRefusal: 'the base snapshot is of another kind or series',
      });
    },
    60_000,
  );
});

async function changedSince(base: SnapshotsTaken, current: SnapshotsTaken): Promise<number[][]> {
  const names = {
    snapshot: snapshotOf(current, 'lun-0'),
    base: snapshotOf(base, 'lun-0'),
  };
  const access = await lab.openRead(names);
  expect(access?.baseRefusal).toBeNull();
  const diff = await reader(access.source.url.reveal()).getPageRangesDiffForManagedDisks(
    0,
    2 * MIB,
    must(access.base, 'a base that may be read').url.reveal(),
  );
  await lab.snapshots.release(GROUP, Object.values(names));
  return (diff.pageRange ?? []).map(({ offset, count = 0 }) => [offset, count + 1]);
}

describe('application consistency', () => {
  it('is got from a guest that supports it', async () => {
    await lab.seed('app', { guestConsistency: 'application' });
    const request = lab.request('app', 'p1', 'applicationConsistent');
    const taken = await lab.snapshots.take(request);
    const got = { consistency: 'applicationConsistent', isOneInstant: true, reasons: [] };
    expect(taken).toMatchObject(got);
    expect(await lab.snapshots.take(request)).toEqual(taken);
  }, 60_000);

  it('is reported as not got from a guest that only freezes its file systems', async () => {
    await lab.seed('files');
    const request = lab.request('files', 'p1', 'applicationConsistent');
    const taken = await lab.snapshots.take(request);
    expect(taken).toMatchObject({ consistency: 'crashConsistent', isOneInstant: true });
    expect(taken.reasons.join()).toMatch(/file-system consistent/);
  }, 60_000);

  it('becomes a crash-consistent point when the guest has no agent that answers', async () => {
    await lab.seed('mute', { guestConsistency: 'none' });
    const request = lab.request('mute', 'p1', 'applicationConsistent');
    const taken = await lab.snapshots.take(request);
    expect(taken).toMatchObject({ consistency: 'crashConsistent', isOneInstant: true });
    expect(taken.reasons.join()).toMatch(/VMAgentStatusCommunicationError/);
  }, 60_000);

  it('becomes snapshots of a VM that does not run', async () => {
    await lab.seed('off', { guestConsistency: 'application' });
    await lab.azure.clients.compute.virtualMachines.deallocate(GROUP, 'off');
    const taken = await lab.snapshots.take(lab.request('off', 'p1', 'applicationConsistent'));
    expect(taken).toMatchObject({ consistency: 'crashConsistent', isOneInstant: true });
    expect(taken.reasons.join()).toMatch(/does not run/);
  }, 60_000);
});

describe('pruning', () => {
  it('keeps the restore point that is named, and removes all others', async () => {
    await lab.seed('prune');
    const points = [];
    for (const point of ['p1', 'p2', 'p3']) {
      points.push(await lab.snapshots.take(lab.request('prune', point)));
    }
    const request = lab.request('prune', 'p3');
    const keep = Object.values(must(points[2], 'the third point').snapshots);
    expect(await lab.prune(request, keep)).toBe(2);
    expect(await lab.prune(request, keep)).toBe(0);
    for (const [index, { snapshots }] of points.entries()) {
      const access = await lab.snapshots.grantRead(GROUP, {
        snapshot: snapshotOf({ snapshots }, 'os'),
        base: null,
      });
      expect(access === null).toBe(index < 2);
    }
    expect(await lab.prune(request, [])).toBe(1);
    const { restorePointCollections } = lab.azure.arm.state;
    expect(restorePointCollections.some(({ vmName }) => vmName === 'prune')).toBe(false);
  }, 90_000);

  it('leaves what belongs to other items alone', async () => {
    await lab.seed('mine');
    await lab.seed('theirs');
    const mine = await lab.snapshots.take(lab.request('mine', 'p1'));
    await lab.prune(lab.request('theirs', 'p1'), []);
    const names = { snapshot: snapshotOf(mine, 'os'), base: null };
    expect(await outcome(lab.snapshots.grantRead(GROUP, names))).toBe('done');
    expect(await lab.snapshots.grantRead(GROUP, names)).not.toBeNull();
  }, 60_000);
});
