import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { FailbackReport } from '../../shared/domain/job.ts';
import { describeWith } from '../peers/peers.ts';
import { expectHome } from '../support/lab/failback-story.ts';
import { TestLab } from '../support/lab/test-lab.ts';

const TEST_DEADLINE_MS = 400_000;
const VM = 'really-boots';

describeWith(['qemu', 'bootImage'], 'the disk that came home', () => {
  let testLab: TestLab;

  beforeAll(async () => {
    testLab = await TestLab.start({ isBootSimulated: false });
  }, TEST_DEADLINE_MS);

  afterAll(async () => testLab?.stop(), TEST_DEADLINE_MS);

  it(
    'boots in QEMU, and its guest reads the marker from the disk that was sent',
    async () => {
      expect(testLab.boot.mode).toBe('qemu');
      const { portal } = testLab;
      const watch = await testLab.seed(VM);
      const jobId = await portal.startFailback(VM);
      await portal.ask(jobId, 'failover');
      const job = await portal.reaches(jobId, 'commitPending');
      const report = job.report as FailbackReport;
      expect(report.isBootSimulated).toBe(false);
      expect(report.bootEvidence).toMatch(/^ASR-BOOT-OK kernel=\S+-cloud-amd64 disk=\/dev\/vda /);
      expect(report.bootEvidence?.split('marker=')[1]).toBe(`MARK-${VM}`);
      await expectHome(testLab, VM, watch);
    },
    TEST_DEADLINE_MS,
  );
});
