import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { VHD_FOOTER_BYTES } from '../../../shared/domain/vhd-footer.ts';
import type { SnapshotRequest, SnapshotsTaken } from '../../../shared/ports/azure.ts';
import { must } from '../../support/must.ts';
import { GROUP, MIB, outcome, reader, snapshotOf, SourceLab } from './source-lab.ts';

let lab: SourceLab;

beforeAll(async () => {
  lab = await SourceLab.start();
});
afterAll(async () => lab.stop());

/** A VM whose disks are page blobs, asked for as an activity asks. */
async function seedUnmanaged(name: string): Promise<SnapshotRequest> {
  const osUri = await lab.createPageBlob(`${name}-os.vhd`, 2 * MIB);
  const dataUri = await lab.createPageBlob(`${name}-data.vhd`, MIB);
  const disk = { writableFrom: 0 };
  await lab.seed(name, {
    disks: [
      { ...disk, name: `${name}-os`, sizeBytes: 2 * MIB, lun: null, vhdUri: osUri },
      { ...disk, name: `${name}-data`, sizeBytes: MIB, lun: 0, vhdUri: dataUri },
    ],
  });
  const vm = await lab.vms.describe(GROUP, name);
  return { ...lab.request(name, 'p1'), disks: must(vm, 'the VM that was seeded').disks };
}

async function open(
  current: SnapshotsTaken,
  base: SnapshotsTaken,
): Promise<{ sourceUrl: string; baseUrl: string | null; refusal: string | null }> {
  const names = {
    snapshot: snapshotOf(current, 'os'),
    base: snapshotOf(base, 'os'),
  };
  const access = await lab.openRead(names);
  expect(access?.kind).toBe('pageBlob');
  return {
    sourceUrl: access.source.url.reveal(),
    baseUrl: access.base?.url.reveal() ?? null,
    refusal: access.baseRefusal,
  };
}

describe('a VM whose disks are page blobs', () => {
  it('is described and checked with the size that its blobs have without their footers', async () => {
    await seedUnmanaged('shape');
    const vm = await lab.vms.describe(GROUP, 'shape');
    expect(vm?.disks).toMatchObject([
      { id: 'os', kind: 'pageBlob', sizeBytes: 2 * MIB },
      { id: 'lun-0', kind: 'pageBlob', sizeBytes: MIB },
    ]);
    expect(vm?.disks[0]?.diskName).toMatch(/vhds\/shape-os\.vhd$/);
    const facts = await lab.vms.gatherFacts(GROUP, 'shape', null);
    expect(facts.disks[1]).toMatchObject({ id: 'lun-0', sizeBytes: MIB, isShared: false });
  }, 60_000);

  it('is carried from one point to the next by its diff alone, cleared ranges included', async () => {
    const request = await seedUnmanaged('diff');
    const blob = lab.pageBlob(must(request.disks[0], 'a disk in the request').diskName);
    const first = await lab.snapshots.take(request);
    await blob.uploadPages(Buffer.alloc(1024, 'x'), 4096, 1024);
    await blob.clearPages(MIB, 64 * 1024);
    const second = await lab.snapshots.take({ ...request, pointId: 'diff-p2' });
    // Later writes are of no concern to the point.
    await blob.uploadPages(Buffer.alloc(512, 'y'), 0, 512);
    const { sourceUrl, baseUrl } = await open(second, first);
    expect(new URL(sourceUrl).searchParams.get('sr')).toBe('bs');
    const target = await reader(must(baseUrl, 'the URL of the base')).downloadToBuffer(0, 2 * MIB);
    const source = reader(sourceUrl);
    const prevSnapshot = must(
      new URL(must(baseUrl, 'the URL of the base')).searchParams.get('snapshot'),
      'a snapshot in the URL of the base',
    );
    let clearedBytes = 0;
    for await (const range of source.listPageRangesDiff(0, 2 * MIB, prevSnapshot)) {
      const length = range.end - range.start + 1;
      clearedBytes += range.isClear ? length : 0;
      if (range.isClear) target.fill(0, range.start, range.start + length);
      else (await source.downloadToBuffer(range.start, length)).copy(target, range.start);
    }
    expect(clearedBytes).toBe(64 * 1024);
    expect(target.equals(await source.downloadToBuffer(0, 2 * MIB))).toBe(true);
    const footer = await source.downloadToBuffer(2 * MIB, VHD_FOOTER_BYTES);
    expect(footer.toString('latin1', 0, 8)).toBe('conectix');
  }, 60_000);

  it('gives the same snapshots for the same point and says that they are not one instant', async () => {
    const request = await seedUnmanaged('once');
    const first = await lab.snapshots.take(request);
    expect(first).toMatchObject({ isOneInstant: false, consistency: 'crashConsistent' });
    expect(await lab.snapshots.take(request)).toEqual(first);
    const later = { ...request, pointId: 'once-p2', consistency: 'applicationConsistent' } as const;
    const second = await lab.snapshots.take(later);
    expect(second.snapshots).not.toEqual(first.snapshots);
    expect(second.reasons.join()).toMatch(/no restore points/);
    await lab.azure.clients.compute.virtualMachines.deallocate(GROUP, 'once');
    const still = await lab.snapshots.take({ ...request, pointId: 'once-p3' });
    expect(still).toMatchObject({ isOneInstant: true, reasons: [] });
  }, 60_000);

  it('lets nothing but the snapshot be read with its URL', async () => {
    const request = await seedUnmanaged('narrow');
    const taken = await lab.snapshots.take(request);
    const { sourceUrl } = await open(taken, taken);
    expect(await outcome(reader(sourceUrl).getPageRanges(0, 512))).toBe('done');
    const live = new URL(sourceUrl);
    live.searchParams.delete('snapshot');
    expect(await outcome(reader(live.href).getPageRanges(0, 512))).toMatch(/Auth/);
    expect(await outcome(reader(sourceUrl).delete())).not.toBe('done');
  }, 60_000);

  it('withholds a base of a blob that was written over, resized, newer or deleted', async () => {
    const request = await seedUnmanaged('guard');
    const blob = lab.pageBlob(must(request.disks[0], 'a disk in the request').diskName);
    const take = async (point: string): Promise<SnapshotsTaken> =>
      lab.snapshots.take({ ...request, pointId: point });
    const first = await take('guard-p1');
    const second = await take('guard-p2');
    expect((await open(first, second)).refusal).toMatch(/newer/);
    expect((await open(second, first)).refusal).toBeNull();
    await blob.resize(4 * MIB);
    const grown = await take('guard-p3');
    expect((await open(grown, second)).refusal).toMatch(/resized/);
    await blob.create(4 * MIB);
    const reborn = await take('guard-p4');
    expect(await open(reborn, grown)).toMatchObject({
      baseUrl: null,
      refusal: expect.stringMatching(/recreated/),
    });
    const last = await take('guard-p5');
    await lab.prune(request, Object.values(last.snapshots));
    expect((await open(last, reborn)).refusal).toMatch(/gone/);
  }, 60_000);

  it('prunes its own snapshots and leaves those of others', async () => {
    const request = await seedUnmanaged('clean');
    const first = await lab.snapshots.take(request);
    const second = await lab.snapshots.take({ ...request, pointId: 'clean-p2' });
    const foreign = await lab
      .pageBlob(must(request.disks[0], 'a disk in the request').diskName)
      .createSnapshot();
    expect(await lab.prune(request, Object.values(second.snapshots))).toBe(2);
    const names = { snapshot: snapshotOf(first, 'os'), base: null };
    expect(await lab.snapshots.grantRead(GROUP, names)).toBeNull();
    expect(await lab.prune(request, [])).toBe(2);
    const left = lab
      .pageBlob(must(request.disks[0], 'a disk in the request').diskName)
      .withSnapshot(must(foreign.snapshot, 'the name of the new snapshot'));
    expect(await left.exists()).toBe(true);
  }, 60_000);

  it('is refused with a code of its own when the blobs are in an account that nobody can sign for', async () => {
    const uri = await lab.createPageBlob('far.vhd', MIB, 'labdisks');
    const disk = { id: 'os', diskName: uri, kind: 'pageBlob' } as const;
    await lab.seed('far', {
      disks: [{ name: 'far-os', sizeBytes: MIB, lun: null, writableFrom: 0, vhdUri: uri }],
    });
    await expect(lab.vms.describe(GROUP, 'far')).rejects.toMatchObject({ code: 'FB-AZ-007' });
    const taking = lab.snapshots.take({ ...lab.request('far', 'p1'), disks: [disk] });
    await expect(taking).rejects.toMatchObject({ code: 'FB-AZ-007' });
  }, 60_000);
});
