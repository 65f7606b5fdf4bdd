import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { TargetDisk } from '../../../agents/master-target/target-disk.ts';
import { BLOCK_BYTES } from '../../../shared/domain/page-ranges.ts';
import { LabDisk } from '../../support/data-plane/lab-disk.ts';
import { LabReplication } from '../../support/data-plane/lab-replication.ts';
import { Random } from '../../support/data-plane/random.ts';
import { useLab } from '../../support/data-plane/use-lab.ts';

const BLOCKS = 16;

describe('the seal of a point whose disk was compared', () => {
  const lab = useLab();

  afterEach(() => {
    jest.restoreAllMocks();
  });

  it('reads the blocks that differ, and none of those that were found equal', async () => {
    const source = await LabDisk.create(lab.storage, BLOCKS * BLOCK_BYTES);
    await source.write(0, new Random(1).bytes(BLOCKS * BLOCK_BYTES));
    const replication = await LabReplication.open({ site: lab.site, source });
    await replication.bring({ point: 'point-1', snapshot: await source.snapshot() });
    await source.write(3 * BLOCK_BYTES + 512, new Random(2).bytes(1024));
    const snapshot = await source.snapshot();
    await replication.send({ point: 'point-2', snapshot, mode: 'checksum' });
    const reads = jest.spyOn(TargetDisk.prototype, 'readInto');
    await replication.seal('point-2');
    expect(reads.mock.calls.map(([, offset]) => offset)).toEqual([3 * BLOCK_BYTES]);
    jest.restoreAllMocks();
    expect(replication.target.equals(source.contentOf(snapshot))).toBe(true);
    await replication.rewind('point-1');
    expect(replication.target.equals(source.contentOf('snapshot-1'))).toBe(true);
    expect((await replication.verify('point-1')).mismatches).toEqual([]);
  });
});
