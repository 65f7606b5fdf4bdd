import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { expectNoSecrets } from '../support/lab/expect-no-secrets.ts';
import {
  commitAndEnd,
  countInLog,
  expectHome,
  expectProtected,
  expectUnfinished,
  homeFolder,
  inTheMiddle,
} from '../support/lab/failback-story.ts';
import { Stories } from '../support/lab/stories.ts';
import { TestLab } from '../support/lab/test-lab.ts';
import { waitFor } from '../support/lab/wait.ts';

const TEST_DEADLINE_MS = 400_000;
const PROCESS_SERVER = 'failback-ps-dr';

/**
 * Three labs side by side, because a command of a killed agent comes again only after the minute that its
 * queue message stays invisible.
 */
describe('a failback whose programs are killed', () => {
  const stories = new Stories();
  const labs: TestLab[] = [];

  async function newLab(): Promise<TestLab> {
    const testLab = await TestLab.start();
    labs.push(testLab);
    return testLab;
  }

  async function killHost(testLab: TestLab): Promise<void> {
    await testLab.kill('functions-host');
    await testLab.startHost();
  }

  async function hostStory(): Promise<void> {
    const [testLab, vm] = [await newLab(), 'host-dies'];
    const { portal } = testLab;
    const watch = await testLab.seed(vm);
    const jobId = await portal.startFailback(vm);
    await portal.ask(jobId, 'failover');

    await inTheMiddle(testLab, vm);
    await killHost(testLab);
    expect((await portal.job(jobId)).phase).toBe('initialReplication');

    await portal.reaches(jobId, 'finalDelta');
    await killHost(testLab);
    expect((await portal.job(jobId)).phase).toBe('finalDelta');

    await portal.reaches(jobId, 'commitPending');
    await killHost(testLab);
    expect((await portal.job(jobId)).phase).toBe('commitPending');
    await expectHome(testLab, vm, watch);

    await portal.ask(jobId, 'commit');
    await portal.reaches(jobId, 'committing');
    await killHost(testLab);
    await expectProtected(testLab, jobId, watch);
  }

  async function processServerStory(): Promise<void> {
    const [testLab, vm] = [await newLab(), 'sender-dies'];
    const { portal } = testLab;
    const watch = await testLab.seed(vm);
    const jobId = await portal.startFailback(vm);
    await portal.ask(jobId, 'failover');

    await inTheMiddle(testLab, vm);
    await testLab.kill(PROCESS_SERVER);
    await expectUnfinished(testLab, vm);
    const finished = countInLog(testLab, PROCESS_SERVER, 'replicateDisk: done');
    expect(finished).toBeLessThan(2);
    await testLab.restartProcessServer(PROCESS_SERVER);

    await portal.reaches(jobId, 'commitPending');
    // What the dead one had begun and not finished was taken up by the new one.
    expect(
      countInLog(testLab, 'process-server-again', 'replicateDisk starts'),
    ).toBeGreaterThanOrEqual(2 - finished);
    await expectHome(testLab, vm, watch);
    await commitAndEnd(testLab, jobId, watch);
  }

  async function siteStory(): Promise<void> {
    const [testLab, vm] = [await newLab(), 'site-dies'];
    const { portal } = testLab;
    const watch = await testLab.seed(vm);
    const port = await testLab.masterTargetPort();
    const jobId = await portal.startFailback(vm);
    await portal.ask(jobId, 'failover');

    await inTheMiddle(testLab, vm);
    await testLab.kill('master-target');
    await expectUnfinished(testLab, vm);
    await testLab.restartMasterTarget(port);

    const bootCopy = join(await homeFolder(testLab, vm), 'images', 'boot-copy');
    await waitFor('the VM to be started', () => (existsSync(bootCopy) ? true : null));
    await testLab.kill('configuration-server');
    expect(countInLog(testLab, 'configuration-server', 'startVm starts')).toBe(1);
    await testLab.restartConfigurationServer();

    await portal.reaches(jobId, 'commitPending');
    await expectHome(testLab, vm, watch);
    await commitAndEnd(testLab, jobId, watch);
  }

  beforeAll(() => {
    stories.begin('host', hostStory);
    stories.begin('process server', processServerStory);
    stories.begin('site', siteStory);
  });

  afterAll(async () => {
    await stories.allSettled();
    await Promise.all(labs.map((testLab) => testLab.stop()));
  }, TEST_DEADLINE_MS);

  it(
    'ends well when the Functions host dies while copying, while failing over, at the gate and while committing',
    async () => stories.end('host'),
    TEST_DEADLINE_MS,
  );

  it(
    'ends well when the process server dies in the middle of a transfer',
    async () => stories.end('process server'),
    TEST_DEADLINE_MS,
  );

  it(
    'ends well when the master target dies in the middle of a transfer and the configuration server while booting',
    async () => stories.end('site'),
    TEST_DEADLINE_MS,
  );

  it(
    'tells no secret in what it logs about broken connections, in its histories and in its answers',
    async () => {
      await stories.allSettled();
      for (const { folder, portal } of labs) await expectNoSecrets(folder, portal.answers);
    },
    TEST_DEADLINE_MS,
  );
});
