import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PageBlobClient } from '@azure/storage-blob';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { FailbackReport } from '../../shared/domain/job.ts';
import {
  azureDigests,
  bootedDigests,
  compareWithHome,
  type Digests,
  type LabStorage,
  readArm,
  siteVmFolder,
  siteVms,
  withStoppedLab,
} from '../support/lab/disks.ts';
import { expectNoSecrets } from '../support/lab/expect-no-secrets.ts';
import { Portal } from '../support/lab/portal.ts';
import { freePort, processesOf, Program } from '../support/lab/program.ts';

const TEST_DEADLINE_MS = 300_000;
const VM = 'web-01';
const ADDRESS = /HTTP API\s+(http:\S+)\/api\n\s+Function key\s+(\S+)/;
const DISKS = ['os', 'lun-0'];

/** The one snapshot of the replica that was sealed as this recovery point. */
async function recoveryPoint(
  replicas: LabStorage['replicas'],
  prefix: string,
  pointId: string,
): Promise<PageBlobClient> {
  const found: string[] = [];
  const options = { prefix, includeSnapshots: true, includeMetadata: true };
  for await (const { snapshot = '', metadata } of replicas.listBlobsFlat(options)) {
    if (snapshot !== '' && metadata?.['failbackpoint'] === pointId) found.push(snapshot);
  }
  expect(found).toHaveLength(1);
  return replicas.getPageBlobClient(prefix).withSnapshot(found[0] ?? '');
}

describe('a machine that is brought home over HTTP', () => {
  let root: string;
  let folder: string;
  let args: readonly string[];
  let lab: Program;
  let portal: Portal;
  const answers: string[] = [];
  let jobId: string;
  let atShutdown: Digests;
  let vmId: string;

  /** Starting it again goes on where it was. */
  async function startLab(): Promise<void> {
    lab = new Program('dist/local/lab/main.js', args);
    const [, url = '', key = ''] = await lab.says(ADDRESS);
    portal = new Portal(url, key, answers);
  }

  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'home-'));
    folder = join(root, 'lab');
    args = ['start', '--simulate-boot', '--folder', folder, '--port', String(await freePort())];
    await startLab();
  }, TEST_DEADLINE_MS);

  afterAll(async () => {
    await lab?.dispose();
    rmSync(root, { recursive: true, force: true });
  }, TEST_DEADLINE_MS);

  it(
    'boots on-premises with the very bytes that Azure had at shutdown',
    async () => {
      jobId = await portal.startFailback(VM);
      await portal.ask(jobId, 'failover');
      await portal.reaches(jobId, 'commitPending');
      expect((await lab.interrupt()).code).toBe(0);
      expect(processesOf(folder)).toEqual([]);

      const arm = await readArm(folder);
      expect(arm.virtualMachines.find(({ name }) => name === VM)?.power).toBe('stopped');
      atShutdown = await withStoppedLab(folder, (storage) => azureDigests(storage, arm, VM));
      expect(Object.keys(atShutdown)).toEqual(DISKS);
      expect(await bootedDigests(folder, VM)).toEqual(atShutdown);
    },
    TEST_DEADLINE_MS,
  );

  it('lets nobody but the guest on-premises change its disks after that', async () => {
    const [vm] = await siteVms(folder);
    vmId = vm?.vmId ?? '';
    expect(vm?.powerState).toBe('on');
    const vmFolder = siteVmFolder(folder, vmId);
    for (const id of DISKS) {
      const booted = await readFile(join(vmFolder, 'images', 'boot-copy', `${id}.raw`));
      const now = await readFile(join(vmFolder, `${id}.raw`));
      expect(compareWithHome(booted, now).strange).toEqual([]);
    }
  });

  it(
    'waits for its commit while the lab is off, then is protected towards Azure',
    async () => {
      await startLab();
      expect(await portal.job(jobId)).toMatchObject({
        state: 'waitingForOperator',
        allowedActions: ['commit', 'cancel'],
      });
      await portal.ask(jobId, 'commit');
      const job = await portal.ends(jobId);
      expect(job).toMatchObject({ state: 'succeeded', phase: 'protected', error: null });
      const report = job.report as FailbackReport;
      expect(report.proof).toMatchObject({ mismatches: 0 });
      expect(report.reverseComparedBytes).toBe(96 * 1024 * 1024);
      expect(await portal.item(VM)).toMatchObject({
        phase: 'protected',
        direction: 'onPremisesToAzure',
        activeJobId: null,
        onPremisesVmId: vmId,
      });
    },
    TEST_DEADLINE_MS,
  );

  it(
    'leaves no VM, disk, interface or snapshot of it in Azure, but a replica with the changes made at home',
    async () => {
      expect((await lab.interrupt()).code).toBe(0);
      const arm = await readArm(folder);
      expect(arm.virtualMachines).toEqual([]);
      expect(arm.disks).toEqual([]);
      expect(arm.snapshots).toEqual([]);
      expect(arm.nics).toEqual([]);

      const writtenAtHome = await withStoppedLab(folder, async ({ replicas }) => {
        let blocks = 0;
        for (const id of DISKS) {
          const image = join(siteVmFolder(folder, vmId), 'images', 'boot-copy', `${id}.raw`);
          const booted = await readFile(image);
          const name = `${VM}/${id}.vhd`;
          const point = await recoveryPoint(replicas, name, `${jobId}-r0`);
          const replica = await point.downloadToBuffer(0, booted.length);
          const difference = compareWithHome(booted, replica);
          expect(difference.strange).toEqual([]);
          blocks += difference.writtenAtHome;
        }
        return blocks;
      });
      expect(writtenAtHome).toBeGreaterThan(0);
    },
    TEST_DEADLINE_MS,
  );

  it('leaves no secret in logs, histories and answers', async () => {
    await expectNoSecrets(folder, answers);
  });
});
