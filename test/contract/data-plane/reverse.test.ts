import { writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { BLOCK_BYTES } from '../../../shared/domain/page-ranges.ts';
import { aCommandContext } from '../../support/data-plane/command-context.ts';
import { LabDisk } from '../../support/data-plane/lab-disk.ts';
import { LabReplication } from '../../support/data-plane/lab-replication.ts';
import { Random } from '../../support/data-plane/random.ts';
import { useLab } from '../../support/data-plane/use-lab.ts';
import { must } from '../../support/must.ts';

const SIZE_BYTES = 5 * 1024 * 1024 + 512;

const lab = useLab();

/** A VM that came home: its disk equals the one in Azure, which is now the replica. */
async function aVmAtHome(seed: number): Promise<LabReplication> {
  const source = await LabDisk.create(lab.storage, SIZE_BYTES);
  await source.change(new Random(seed), 12);
  const replication = await LabReplication.open({ site: lab.site, source });
  await replication.bring({ point: 'point-1', snapshot: await source.snapshot() });
  return replication;
}

/** Changes single bytes of the disk, as a running VM does, and returns how many bytes the blocks have. */
function changeBytes(replication: LabReplication, positions: readonly number[]): number {
  const content = replication.target;
  for (const at of positions) content[at] = must(content[at], 'a byte at this place') ^ 0xff;
  writeFileSync(replication.targetFile, content);
  const blocks = new Set(positions.map((at) => Math.floor(at / BLOCK_BYTES)));
  return [...blocks].reduce(
    (sum, block) => sum + Math.min(BLOCK_BYTES, SIZE_BYTES - block * BLOCK_BYTES),
    0,
  );
}

describe('the way back to Azure', () => {
  it('sends nothing while the disk is as it came', async () => {
    const replication = await aVmAtHome(1);
    const output = await replication.sendBack(() => replication.source.replicaUrl());
    expect(output).toMatchObject({ comparedBytes: SIZE_BYTES, changedBytes: 0, sentBytes: 0 });
  });

  it('sends the blocks that changed, and the replica is equal afterwards', async () => {
    const replication = await aVmAtHome(2);
    const random = new Random(20);
    for (let round = 0; round < 3; round += 1) {
      const positions = Array.from({ length: 5 }, () => random.below(SIZE_BYTES));
      const changedBytes = changeBytes(replication, [...positions, SIZE_BYTES - 1]);
      const output = await replication.sendBack(() => replication.source.replicaUrl());
      expect(output.changedBytes).toBe(changedBytes);
      expect((await replication.source.download()).equals(replication.target)).toBe(true);
    }
  });

  it('clears blocks that became zero instead of sending them', async () => {
    const replication = await aVmAtHome(3);
    changeBytes(replication, [2 * BLOCK_BYTES]);
    await replication.sendBack(() => replication.source.replicaUrl());
    const content = replication.target;
    content.fill(0, 2 * BLOCK_BYTES, 3 * BLOCK_BYTES);
    writeFileSync(replication.targetFile, content);
    const output = await replication.sendBack(() => replication.source.replicaUrl());
    expect(output).toMatchObject({ changedBytes: BLOCK_BYTES, sentBytes: 0 });
    expect((await replication.source.download()).equals(content)).toBe(true);
  });

  it('sends everything again that was part of a delta which broke off', async () => {
    const replication = await aVmAtHome(4);
    const changedBytes = changeBytes(replication, [0, 2 * BLOCK_BYTES, SIZE_BYTES - 1]);
    const { blobFront } = lab.storage.azurite;
    const url = await replication.source.replicaUrl();
    let grants = 0;
    const context = aCommandContext(async () => {
      grants += 1;
      if (grants > 1) blobFront.revoke(url);
      // Within five minutes of its end it is asked for again before each block.
      return { replicaUrl: url, expiresAt: new Date(Date.now() + 60_000).toISOString() };
    });
    const attempt = replication.sendBack(async () => url, context);
    await expect(attempt).rejects.toMatchObject({
      code: 'FB-JRN-007',
      values: { status: 403, code: 'AuthenticationFailed' },
    });
    const fresh = (): Promise<string> => replication.source.replicaUrl();
    const again = await replication.sendBack(async () => {
      let candidate = await fresh();
      while (candidate === url) candidate = await fresh();
      return candidate;
    });
    expect(again.changedBytes).toBe(changedBytes);
    expect((await replication.source.download()).equals(replication.target)).toBe(true);
  });

  it('is refused without access to the replica', async () => {
    const replication = await aVmAtHome(5);
    changeBytes(replication, [0]);
    const context = aCommandContext(async () => ({ expiresAt: new Date().toISOString() }));
    const attempt = replication.sendBack(async () => '', context);
    await expect(attempt).rejects.toMatchObject({ code: 'FB-JRN-007' });
  });
});
