import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { SeedDisk } from '../../../local/arm/start-arm.ts';
import { VHD_FOOTER_BYTES } from '../../../shared/domain/vhd-footer.ts';
import { must } from '../../support/must.ts';
import { GROUP, MIB, snapshotOf, SourceLab } from './source-lab.ts';

const GIB = 1024 ** 3;
let lab: SourceLab;

beforeAll(async () => {
  lab = await SourceLab.start();
});
afterAll(async () => lab.stop());

const disksOf = (name: string, sizeBytes: number): SeedDisk[] => [
  { name: `${name}-os`, sizeBytes, lun: null, writableFrom: 0 },
  { name: `${name}-data`, sizeBytes: 2 * MIB, lun: 0, writableFrom: 0 },
];

describe('the sizes of the disks at a point', () => {
  it('are told to the byte by snapshots, also when they are found again', async () => {
    await lab.seed('exact');
    await lab.azure.clients.compute.virtualMachines.powerOff(GROUP, 'exact');
    const first = await lab.snapshots.take(lab.request('exact', 'p1'));
    expect(first.sizes).toEqual({ os: 4 * MIB, 'lun-0': 2 * MIB });
    lab.diskRecord('exact-os').sizeBytes = 5 * MIB;
    expect((await lab.snapshots.take(lab.request('exact', 'p1'))).sizes).toEqual(first.sizes);
    const second = await lab.snapshots.take(lab.request('exact', 'p2'));
    expect(second.sizes).toEqual({ os: 5 * MIB, 'lun-0': 2 * MIB });
    const [snapshot, base] = [snapshotOf(second, 'os'), snapshotOf(first, 'os')];
    const { baseRefusal } = await lab.openRead({ snapshot, base });
    expect(baseRefusal).toBe(`the disk was resized from ${4 * MIB} to ${5 * MIB} bytes in Azure`);
  }, 60_000);

  it('are told by restore points, which know whole GiB only, as the disk has them', async () => {
    await lab.seed('rounded');
    const taken = await lab.snapshots.take(lab.request('rounded', 'p1'));
    expect(taken.snapshots['os']).toMatch(/^rp:/);
    expect(taken.sizes).toEqual({ os: 4 * MIB, 'lun-0': 2 * MIB });
  }, 60_000);

  it('are those of the restore point when the disk has grown since', async () => {
    await lab.seed('since', { disks: disksOf('since', GIB) });
    const request = lab.request('since', 'p1');
    const first = await lab.snapshots.take(request);
    lab.diskRecord('since-os').sizeBytes = 3 * GIB;
    expect((await lab.snapshots.take(request)).sizes).toEqual(first.sizes);
    expect(first.sizes).toEqual({ os: GIB, 'lun-0': 2 * MIB });
    lab.pass(1000);
    const { sizes } = await lab.snapshots.take(lab.request('since', 'p2'));
    expect(sizes).toEqual({ os: 3 * GIB, 'lun-0': 2 * MIB });
  }, 60_000);

  it('are told of page blobs without the footer behind the disk', async () => {
    const url = await lab.createPageBlob('grows.vhd', 2 * MIB);
    await lab.azure.arm.seed({
      resourceGroup: GROUP,
      name: 'grows',
      osType: 'Linux',
      vmSize: 'Standard_D2s_v5',
      disks: [{ name: 'grows-os', sizeBytes: 2 * MIB, lun: null, writableFrom: 0, vhdUri: url }],
    });
    const disks = [{ id: 'os', diskName: url, kind: 'pageBlob' as const }];
    const request = { ...lab.request('grows', 'p1'), disks };
    expect((await lab.snapshots.take(request)).sizes).toEqual({ os: 2 * MIB });
    await lab.pageBlob(must(disks[0], 'the disk').diskName).resize(6 * MIB + VHD_FOOTER_BYTES);
    const larger = await lab.snapshots.take({ ...request, pointId: 'grows-p2' });
    expect(larger.sizes).toEqual({ os: 6 * MIB });
  }, 60_000);
});
