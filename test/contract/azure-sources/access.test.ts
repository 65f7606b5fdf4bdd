import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { refusalOfBase, type SnapshotFacts } from '../../../shared/adapters/azure/base-chain.ts';
import type { SnapshotsTaken } from '../../../shared/ports/azure.ts';
import { must } from '../../support/must.ts';
import { GROUP, outcome, reader, snapshotOf, SourceLab } from './source-lab.ts';

let lab: SourceLab;

beforeAll(async () => {
  lab = await SourceLab.start();
});
afterAll(async () => lab.stop());

const read = async (url: string): Promise<string> => outcome(reader(url).getPageRanges(0, 512));

/** Points of a VM that is shut down: one snapshot a disk, as many as wanted. */
async function takeStill(vm: string, point: string): Promise<SnapshotsTaken> {
  return lab.snapshots.take(lab.request(vm, point));
}

describe('the base of a delta', () => {
  it('is opened with the snapshot when both are of one chain', async () => {
    await lab.seed('chain');
    const base = await takeStill('chain', 'p1');
    const current = await takeStill('chain', 'p2');
    const access = await lab.openRead({
      snapshot: snapshotOf(current, 'lun-0'),
      base: snapshotOf(base, 'lun-0'),
    });
    expect(access).toMatchObject({ kind: 'managedDisk', baseRefusal: null });
    expect(await read(access.source.url.reveal())).toBe('done');
    expect(await read(must(access.base, 'a base that may be read').url.reveal())).toBe('done');
  }, 60_000);

  it('is withheld when the disk was recreated under the same name', async () => {
    await lab.seed('reborn');
    const { virtualMachines } = lab.azure.clients.compute;
    await virtualMachines.powerOff(GROUP, 'reborn');
    const base = await takeStill('reborn', 'p1');
    await virtualMachines.delete(GROUP, 'reborn');
    await lab.azure.clients.compute.disks.delete(GROUP, 'reborn-os');
    await lab.azure.clients.compute.disks.delete(GROUP, 'reborn-data');
    await lab.seed('reborn');
    await virtualMachines.powerOff(GROUP, 'reborn');
    const current = await takeStill('reborn', 'p2');
    const access = await lab.openRead({
      snapshot: snapshotOf(current, 'os'),
      base: snapshotOf(base, 'os'),
    });
    expect(access).toMatchObject({ base: null, baseRefusal: expect.stringMatching(/recreated/) });
    expect(await read(access.source.url.reveal())).toBe('done');
  }, 60_000);

  it('is withheld when it is newer, of another disk, or gone', async () => {
    await lab.seed('order');
    const first = await takeStill('order', 'p1');
    lab.pass(1000);
    const second = await takeStill('order', 'p2');
    const refusal = async (snapshot: string, base: string): Promise<string | null> => {
      const access = await lab.openRead({ snapshot, base });
      await lab.snapshots.release(GROUP, [snapshot, base]);
      expect(access?.base).toBeNull();
      return access.baseRefusal;
    };
    const [os, other] = [snapshotOf(second, 'os'), snapshotOf(second, 'lun-0')];
    expect(await refusal(snapshotOf(first, 'os'), os)).toMatch(/newer/);
    expect(await refusal(os, other)).toMatch(/recreated/);
    await lab.prune(lab.request('order', 'p2'), Object.values(second.snapshots));
    expect(await refusal(os, snapshotOf(first, 'os'))).toMatch(/gone/);
  }, 60_000);

  it('is withheld after the disk was resized', async () => {
    await lab.seed('grown');
    await lab.azure.clients.compute.virtualMachines.powerOff(GROUP, 'grown');
    const base = await takeStill('grown', 'p1');
    lab.diskRecord('grown-os').sizeBytes *= 2;
    const current = await takeStill('grown', 'p2');
    const access = await lab.openRead({
      snapshot: snapshotOf(current, 'os'),
      base: snapshotOf(base, 'os'),
    });
    expect(access?.baseRefusal).toMatch(/resized/);
  }, 60_000);

  it('names the boundary of 4 TiB, and refuses what Azure does not tell enough about', () => {
    const facts = (changes: Partial<SnapshotFacts>): SnapshotFacts => ({
      familyId: 'f',
      sourceUniqueId: 'd',
      takenAt: new Date(0),
      sizeBytes: 4 * 1024 ** 4,
      ...changes,
    });
    expect(refusalOfBase(facts({}), facts({}))).toBeNull();
    expect(refusalOfBase(facts({ sizeBytes: 5 * 1024 ** 4 }), facts({}))).toMatch(/4 TiB/);
    expect(refusalOfBase(facts({ familyId: 'g' }), facts({}))).toMatch(/family/);
    const nameless = facts({ sourceUniqueId: undefined });
    expect(refusalOfBase(nameless, nameless)).not.toBeNull();
    expect(refusalOfBase(facts({ takenAt: undefined }), facts({}))).not.toBeNull();
  });
});

describe('read access', () => {
  it.each(['restore points', 'snapshots'])(
    'is refused for the sixth of the %s of a disk with a code that says what to do, until one is released',
    async (series) => {
      const vm = `budget-${series.length}`;
      await lab.seed(vm);
      const isStill = series === 'snapshots';
      if (isStill) await lab.azure.clients.compute.virtualMachines.powerOff(GROUP, vm);
      const names: string[] = [];
      for (let n = 1; n <= 6; n += 1) {
        names.push(snapshotOf(await takeStill(vm, `p${n}`), 'os'));
        // Three restore points an hour, seven snapshots in five minutes.
        lab.pass(30 * 60_000);
      }
      expect(must(names[0], 'the first snapshot').startsWith('rp:')).toBe(!isStill);
      const grant = async (snapshot: string): Promise<unknown> =>
        lab.snapshots.grantRead(GROUP, { snapshot, base: null });
      for (const name of names.slice(0, 5)) await grant(name);
      await expect(grant(must(names[5], 'the sixth snapshot'))).rejects.toMatchObject({
        code: 'FB-AZ-006',
      });
      await lab.snapshots.release(GROUP, [must(names[0], 'the first snapshot')]);
      // The release is accepted at once and done a moment later.
      let last = await outcome(grant(must(names[5], 'the sixth snapshot')));
      for (let look = 0; look < 50 && last !== 'done'; look += 1) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        last = await outcome(grant(must(names[5], 'the sixth snapshot')));
      }
      expect(last).toBe('done');
    },
    120_000,
  );

  it('ends for every URL that was given for the snapshot when it is pruned', async () => {
    await lab.seed('ended');
    const { snapshots } = await takeStill('ended', 'p1');
    const names = { snapshot: snapshotOf({ snapshots }, 'os'), base: null };
    const grants = [await lab.openRead(names), await lab.openRead(names)];
    const urls = grants.map(({ source }) => source.url.reveal());
    for (const url of urls) expect(await read(url)).toBe('done');
    await lab.prune(lab.request('ended', 'p1'), Object.values(snapshots));
    for (const url of urls) expect(await read(url)).toMatch(/AuthenticationFailed|403/);
    expect(await lab.snapshots.grantRead(GROUP, names)).not.toBeNull();
  }, 60_000);

  it('is ended before a snapshot or restore point is deleted, which Azure would refuse', async () => {
    await lab.seed('open');
    const running = await takeStill('open', 'p1');
    await lab.azure.clients.compute.virtualMachines.powerOff(GROUP, 'open');
    const still = await takeStill('open', 'p2');
    for (const { snapshots } of [running, still]) {
      const names = { snapshot: snapshotOf({ snapshots }, 'os'), base: null };
      expect(await lab.snapshots.grantRead(GROUP, names)).not.toBeNull();
    }
    const { snapshots } = lab.azure.clients.compute;
    expect(await outcome(snapshots.delete(GROUP, 'open-p2-os'))).toBe('OperationNotAllowed');
    // A restore point, and the snapshots of two disks.
    expect(await lab.prune(lab.request('open', 'p2'), [])).toBe(3);
  }, 60_000);

  it('that cannot be ended is logged without its secret and stops nobody', async () => {
    await lab.seed('stuck');
    const { snapshots } = await takeStill('stuck', 'p1');
    const operation = 'diskRestorePoints.revokeAccess';
    lab.azure.arm.inject({ operation, status: 500, code: 'InternalError', times: 1 });
    await lab.snapshots.release(GROUP, [snapshotOf({ snapshots }, 'os')]);
    expect(lab.warnings.join()).toMatch(/stays open for now: FB-AZ-002/);
    expect(lab.warnings.join()).not.toMatch(/sig=/);
    await lab.snapshots.release(GROUP, ['never-was']);
    expect(lab.warnings).toHaveLength(1);
  }, 60_000);
});
