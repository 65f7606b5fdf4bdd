import { beforeAll, describe, expect, it } from '@jest/globals';
import { encodeTransfer } from '../../../shared/contracts/transfer-codec.ts';
import { FRAME, type TransferFrame } from '../../../shared/contracts/transfer-protocol.ts';
import { BLOCK_BYTES } from '../../../shared/domain/page-ranges.ts';
import { LabDisk } from '../../support/data-plane/lab-disk.ts';
import { LabReplication } from '../../support/data-plane/lab-replication.ts';
import { aDataFrame, RawPeer } from '../../support/data-plane/raw-peer.ts';
import { useLab } from '../../support/data-plane/use-lab.ts';

const SIZE_BYTES = 1024 * 1024;

const lab = useLab();
let replication: LabReplication;

beforeAll(async () => {
  const source = await LabDisk.create(lab.storage, SIZE_BYTES);
  replication = await LabReplication.open({ site: lab.site, source });
});

const frame = (each: TransferFrame): Uint8Array => Buffer.concat(encodeTransfer(each));

describe('frames that come again', () => {
  it('change nothing, and nobody is cut off for them', async () => {
    const [data, zero] = [
      frame(aDataFrame(0, 0)),
      frame({ type: FRAME.zero, sequence: 1, offset: BLOCK_BYTES, length: BLOCK_BYTES }),
    ];
    const { digest } = aDataFrame(6, 0);
    const block = 2;
    const same = frame({ type: FRAME.same, sequence: 2, block, digest });
    const mark = frame({ type: FRAME.checkpoint, sequence: 3, offset: 3 * BLOCK_BYTES });
    const last = frame(aDataFrame(4, 3 * BLOCK_BYTES));
    const finish = frame({ type: FRAME.finish, sequence: 5 });
    const peer = await RawPeer.connect(
      replication.masterTarget.port,
      await lab.site.certificate('processServer'),
    );
    const { replicationId } = replication;
    await peer.hello({ replicationId, sizeBytes: SIZE_BYTES, pointId: 'twice' });
    await peer.answer();
    await peer.begin('full', SIZE_BYTES);
    await peer.send(data, data, zero, same, zero, data, mark, mark, last, same, finish);
    expect(await peer.refusal()).toBeNull();
    peer.close();
    const expected = Buffer.alloc(SIZE_BYTES);
    expected.fill(1, 0, BLOCK_BYTES).fill(5, 3 * BLOCK_BYTES);
    expect(replication.target.equals(expected)).toBe(true);
  });
});
