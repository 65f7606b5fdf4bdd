import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { JobView } from '../../shared/contracts/http-api.ts';
import { sampleVm } from '../../local/lab/sample-vm.ts';
import type { Digests } from '../support/lab/disks.ts';
import { commitAndEnd } from '../support/lab/failback-story.ts';
import { TestLab } from '../support/lab/test-lab.ts';
import { waitFor } from '../support/lab/wait.ts';
import { must } from '../support/must.ts';

const TEST_DEADLINE_MS = 400_000;
const VM = 'lost-in-azure';

describe('a machine whose Azure VM is deleted while it replicates', () => {
  let testLab: TestLab;

  /** What the only snapshots that are left hold, by disk: those of the newest sealed point. */
  async function sealedDigests(): Promise<Digests> {
    const digests: Record<string, string> = {};
    for (const { id, diskName, sizeBytes } of sampleVm(VM).disks) {
      const left = testLab.lab.arm.state.snapshots.filter((each) => each.diskName === diskName);
      expect(left).toHaveLength(1);
      const { diskUniqueId, blobSnapshot } = must(left[0], `a snapshot of ${diskName}`);
      const blob = testLab.storage.disks.getPageBlobClient(`${diskUniqueId}.vhd`);
      const bytes = await blob.withSnapshot(blobSnapshot).downloadToBuffer(0, sizeBytes);
      digests[id] = createHash('sha256').update(bytes).digest('hex');
    }
    return digests;
  }

  async function seen(
    jobId: string,
    what: string,
    holds: (job: JobView) => boolean,
  ): Promise<void> {
    await waitFor(what, async () => {
      const job = await testLab.portal.job(jobId);
      return holds(job) ? job : null;
    });
  }

  beforeAll(async () => {
    testLab = await TestLab.start();
  }, TEST_DEADLINE_MS);

  afterAll(async () => {
    await testLab?.stop();
  }, TEST_DEADLINE_MS);

  it(
    'comes home with the bytes of its newest sealed point, and is protected again',
    async () => {
      const { portal } = testLab;
      const watch = await testLab.seed(VM);
      const jobId = await portal.startFailback(VM);
      await seen(jobId, 'two cycles', ({ cycles }) => cycles.length >= 2);

      const { virtualMachines } = testLab.lab.arm.state;
      virtualMachines.splice(
        virtualMachines.findIndex(({ name }) => name === VM),
        1,
      );
      await seen(jobId, 'the loss', ({ health }) =>
        health.some((each) => each.code === 'FB-SRC-001'),
      );
      expect(await portal.refused('POST', `failbacks/${jobId}/failover`)).toMatchObject({
        status: 409,
        body: { code: 'FB-SRC-003' },
      });
      const preview = await portal.call('GET', `failbacks/${jobId}/failover-preview`);
      expect(preview.body).toMatchObject({ recommended: { recoveryPoint: 'latestProcessed' } });

      const sealed = await sealedDigests();
      const wish = { recoveryPoint: 'latestProcessed' };
      const asked = await portal.call('POST', `failbacks/${jobId}/failover`, wish);
      expect(asked.status).toBe(202);
      const { report } = await portal.reaches(jobId, 'commitPending');
      expect(report).toMatchObject({ sourceAtFailover: 'gone', isFinalDeltaSent: false });
      expect(await testLab.bootedDigests(VM)).toEqual(sealed);

      await commitAndEnd(testLab, jobId, watch);
    },
    TEST_DEADLINE_MS,
  );
});
