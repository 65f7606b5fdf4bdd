import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { JobView } from '../../shared/contracts/http-api.ts';
import type { FailbackReport } from '../../shared/domain/job.ts';
import { describeWith } from '../peers/peers.ts';
import { type Digests, sha256OfFile } from '../support/lab/disks.ts';
import { TestLab } from '../support/lab/test-lab.ts';
import { waitFor } from '../support/lab/wait.ts';
import type { PeerDiskChange } from '../support/vcenter/peer-types.ts';

const TEST_DEADLINE_MS = 400_000;
const VM = 'vcenter-vm';
const DISKS = ['os', 'lun-0'];
/** Longer than the test: it ends the outage itself. */
const OUTAGE_MS = 600_000;

describeWith(['vcenter', 'qemu', 'bootImage'], 'a machine that goes home to a vCenter', () => {
  let testLab: TestLab;
  let jobId: string;

  beforeAll(async () => {
    testLab = await TestLab.start({ isBootSimulated: false, isVcenter: true });
    await testLab.seed(VM);
  }, TEST_DEADLINE_MS);

  afterAll(async () => testLab?.stop(), TEST_DEADLINE_MS);

  const control = async (name: string, body: object = {}): Promise<unknown> =>
    testLab.vcenter.peer.control(name, body);

  async function digestsAtHome(): Promise<Digests> {
    const digests = DISKS.map(async (id) => {
      return [id, await sha256OfFile(testLab.vcenter.diskFile(VM, id))] as const;
    });
    return Object.fromEntries(await Promise.all(digests));
  }

  /** What came to the master target and went, by disk. */
  async function atMasterTarget(): Promise<Readonly<Record<string, readonly string[]>>> {
    const seen: Record<string, string[]> = {};
    for (const { vm, operation, file } of (await control('disks')) as PeerDiskChange[]) {
      if (vm !== 'master-target') continue;
      (seen[file.replace(/^.*\//, '')] ??= []).push(operation);
    }
    return seen;
  }

  it(
    'waits with a health error while the vCenter is away, and goes on when it is back',
    async () => {
      const { portal } = testLab;
      jobId = await portal.startFailback(VM);
      await portal.reaches(jobId, 'replicating');
      await control('outage', { durationMs: OUTAGE_MS });
      await portal.ask(jobId, 'failover');
      const held = await waitFor('the job to say that it waits', async () => {
        const job: JobView = await portal.job(jobId);
        if (job.endedAt !== null) throw new Error(`It ended instead: ${JSON.stringify(job.error)}`);
        return job.health.length > 0 ? job : null;
      });
      expect(held).toMatchObject({ phase: 'booting', state: 'running' });
      expect(held.health[0]).toMatchObject({ code: 'FB-VSPHERE-003', category: 'site' });
      expect(held.health[0]?.recommendedAction).not.toBe('');
      await control('outage', { durationMs: 0 });
      expect((await portal.reaches(jobId, 'commitPending')).health).toEqual([]);
    },
    TEST_DEADLINE_MS,
  );

  it('has in its VMDKs every byte that its Azure disks had at shutdown', async () => {
    expect(testLab.lab.arm.state.virtualMachines.find(({ name }) => name === VM)?.power).toBe(
      'stopped',
    );
    expect(await digestsAtHome()).toEqual(await testLab.azureDigests(VM));
  });

  it('was booted from them through the vCenter, once, after each disk had come and gone once', async () => {
    const { report } = await testLab.portal.job(jobId);
    const { isBootSimulated, bootEvidence } = report as FailbackReport;
    expect(isBootSimulated).toBe(false);
    expect(bootEvidence).toMatch(/^VMware Tools run/);
    const console = join(dirname(testLab.vcenter.diskFile(VM, 'os')), 'serial.log');
    expect(readFileSync(console, 'latin1')).toMatch(
      new RegExp(`ASR-BOOT-OK kernel=\\S+ disk=/dev/sd[ab] marker=MARK-${VM}`),
    );
    const once = Object.fromEntries(DISKS.map((id) => [`${id}.vmdk`, ['add', 'remove']]));
    expect(await atMasterTarget()).toEqual(once);
    expect(await control('calls')).toMatchObject({ CreateVM_Task: 1, PowerOnVM_Task: 1 });
  });

  it(
    'is protected towards Azure after the commit, from images of the running machine',
    async () => {
      await testLab.portal.ask(jobId, 'commit');
      const job = await testLab.portal.ends(jobId);
      expect(job).toMatchObject({ state: 'succeeded', phase: 'protected', error: null });
      expect((job.report as FailbackReport).reverseComparedBytes).toBe(96 * 1024 * 1024);
      expect(testLab.lab.arm.state.virtualMachines.map(({ name }) => name)).not.toContain(VM);
      // The frozen disks themselves come and go: nothing is copied.
      const seen = await atMasterTarget();
      expect(Object.keys(seen).toSorted()).toEqual(DISKS.map((id) => `${id}.vmdk`).toSorted());
      for (const operations of Object.values(seen)) {
        expect(operations.length).toBeGreaterThanOrEqual(4);
        expect(operations.filter((_each, index) => index % 2 === 0)).not.toContain('remove');
        expect(operations.filter((_each, index) => index % 2 === 1)).not.toContain('add');
      }
    },
    TEST_DEADLINE_MS,
  );
});
