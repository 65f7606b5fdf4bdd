import { describe, expect, it } from '@jest/globals';
import { LabDisk } from '../../support/data-plane/lab-disk.ts';
import { LabReplication } from '../../support/data-plane/lab-replication.ts';
import { Random } from '../../support/data-plane/random.ts';
import { useLab } from '../../support/data-plane/use-lab.ts';

const SIZE_BYTES = 6 * 1024 * 1024 + 512;

const lab = useLab({ kind: 'pageBlob' });

describe('a disk that is a page blob of somebody', () => {
  it.each([1, 2])('comes home by snapshots of the blob, byte for byte (%i)', async (seed) => {
    const random = new Random(seed * 1000);
    const source = await LabDisk.create(lab.storage, SIZE_BYTES);
    await source.change(random, 8);
    const replication = await LabReplication.open({ site: lab.site, source });
    let base = await source.snapshot();
    await replication.bring({ point: 'point-0', snapshot: base });
    for (let round = 1; round <= 3; round += 1) {
      await source.change(random, 1 + random.below(8));
      const snapshot = await source.snapshot();
      const delta = await replication.bring({ point: `point-${round}`, snapshot, base });
      expect(delta.mode).toBe('delta');
      expect(replication.target.equals(source.contentOf(snapshot))).toBe(true);
      base = snapshot;
    }
  });

  it('is compared when the snapshot before it was deleted', async () => {
    const source = await LabDisk.create(lab.storage, SIZE_BYTES);
    await source.change(new Random(7), 8);
    const replication = await LabReplication.open({ site: lab.site, source });
    const base = await source.snapshot();
    await replication.bring({ point: 'point-0', snapshot: base });
    await source.change(new Random(8), 3);
    const snapshot = await source.snapshot();
    const access = await source.access(snapshot, base);
    await source.deleteSnapshot(base);
    const request = { point: 'point-1', snapshot, base, access: async () => access };
    const sent = await replication.bring(request);
    expect(sent).toMatchObject({ mode: 'checksum' });
    expect(sent.modeReason).toContain('resynchronization: the base snapshot is gone');
    expect(replication.target.equals(source.contentOf(snapshot))).toBe(true);
  });
});
