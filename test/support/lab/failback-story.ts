import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import type { JobView } from '../../../shared/contracts/http-api.ts';
import { siteVmFolder, siteVms } from './disks.ts';
import type { MachineWatch } from './one-machine.ts';
import type { TestLab } from './test-lab.ts';
import { waitFor } from './wait.ts';

const MIB = 1024 * 1024;
/** The sample VM's data disk begins with 16 MiB of data; less than that is "in the middle". */
const DATA_BYTES = 16 * MIB;
const STARTED_BYTES = 2 * MIB;

/** Folder of the VM at the site, as soon as there is one. */
export async function homeFolder({ folder }: TestLab, vmName: string): Promise<string> {
  return waitFor(`a VM ${vmName} at the site`, async () => {
    const vm = (await siteVms(folder).catch(() => [])).find(({ name }) => name === vmName);
    return vm === undefined ? null : siteVmFolder(folder, vm.vmId);
  });
}

/** Returns in the middle of the first transfer of the data disk. */
export async function inTheMiddle(testLab: TestLab, vmName: string): Promise<void> {
  const file = join(await homeFolder(testLab, vmName), 'lun-0.raw');
  await waitFor('the data disk to be written', () =>
    writtenBytes(file) >= STARTED_BYTES ? true : null,
  );
}

/** After a kill: that it really came in the middle. */
export async function expectUnfinished(testLab: TestLab, vmName: string): Promise<void> {
  const file = join(await homeFolder(testLab, vmName), 'lun-0.raw');
  expect(writtenBytes(file)).toBeGreaterThanOrEqual(STARTED_BYTES);
  expect(writtenBytes(file)).toBeLessThan(DATA_BYTES);
}

function writtenBytes(file: string): number {
  return existsSync(file) ? statSync(file).blocks * 512 : 0;
}

/** How often the log of a program has the text. */
export function countInLog({ folder }: TestLab, log: string, text: string): number {
  const file = join(folder, 'logs', `${log}.log`);
  return existsSync(file) ? readFileSync(file, 'utf8').split(text).length - 1 : 0;
}

/** At the commit gate: the machine runs at home only, from the bytes that Azure has. */
export async function expectHome(
  testLab: TestLab,
  vmName: string,
  watch: MachineWatch,
): Promise<void> {
  expect(watch.inAzure).toBe(false);
  expect(watch.atHome).toBe(true);
  const inAzure = await testLab.azureDigests(vmName);
  expect(await testLab.bootedDigests(vmName)).toEqual(inAzure);
}

/** Commits, and looks at everything that has to be true at the end. */
export async function commitAndEnd(
  testLab: TestLab,
  jobId: string,
  watch: MachineWatch,
): Promise<JobView> {
  await testLab.portal.ask(jobId, 'commit');
  return expectProtected(testLab, jobId, watch);
}

export async function expectProtected(
  testLab: TestLab,
  jobId: string,
  watch: MachineWatch,
): Promise<JobView> {
  const job = await testLab.portal.ends(jobId);
  expect(job).toMatchObject({ state: 'succeeded', phase: 'protected', error: null });
  expect(watch.inAzure).toBe(false);
  expect(watch.atHome).toBe(true);
  expect(watch.stop()).toMatchObject({ ranInAzure: true, ranAtHome: true, both: [] });
  const { virtualMachines } = testLab.lab.arm.state;
  expect(virtualMachines.map(({ name }) => name)).not.toContain(job.protectedItemName);
  return job;
}
