import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { COUNTER_OFFSET } from '../../../local/arm/guest-workload.ts';
import type { SnapshotsTaken } from '../../../shared/ports/azure.ts';
import { GROUP, reader, snapshotOf, SourceLab, WRITABLE_FROM } from './source-lab.ts';

let lab: SourceLab;

beforeAll(async () => {
  lab = await SourceLab.start(1);
});
afterAll(async () => lab.stop());

/** Number of the guest's last transaction on a disk, read through the snapshot. */
async function transactionOn(taken: SnapshotsTaken, diskId: 'os' | 'lun-0'): Promise<string> {
  const snapshot = snapshotOf(taken, diskId);
  const access = await lab.openRead({ snapshot, base: null });
  const offset = WRITABLE_FROM[diskId] + COUNTER_OFFSET;
  const bytes = await reader(access.source.url.reveal()).downloadToBuffer(offset, 512);
  await lab.snapshots.release(GROUP, [snapshot]);
  return bytes.toString('utf8').replaceAll('\0', '');
}

describe('a guest that writes to two disks all the time', () => {
  it('has each of its transactions on both disks of a point or on none', async () => {
    await lab.seed('busy');
    const seen: string[] = [];
    for (const point of ['p1', 'p2', 'p3']) {
      const taken = await lab.snapshots.take(lab.request('busy', point));
      expect(taken).toMatchObject({ isOneInstant: true, reasons: [] });
      const os = await transactionOn(taken, 'os');
      expect(await transactionOn(taken, 'lun-0')).toBe(os);
      seen.push(os);
    }
    expect(new Set(seen).size).toBe(3);
  }, 90_000);

  it('has stopped writing in a point that is taken after the shutdown', async () => {
    await lab.seed('quiet');
    await lab.azure.clients.compute.virtualMachines.powerOff(GROUP, 'quiet');
    const taken = await lab.snapshots.take(lab.request('quiet', 'p1'));
    expect(taken).toMatchObject({ isOneInstant: true, reasons: [] });
    expect(await transactionOn(taken, 'lun-0')).toBe(await transactionOn(taken, 'os'));
  }, 90_000);
});
