import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { JobView } from '../../shared/contracts/http-api.ts';
import type { FailbackReport } from '../../shared/domain/job.ts';
import { siteVms } from '../support/lab/disks.ts';
import { expectHome } from '../support/lab/failback-story.ts';
import type { MachineWatch } from '../support/lab/one-machine.ts';
import { Stories } from '../support/lab/stories.ts';
import { TestLab } from '../support/lab/test-lab.ts';

const TEST_DEADLINE_MS = 400_000;
const [EARLY, LATE, REHEARSED] = ['cancelled-early', 'cancelled-late', 'rehearsed'];

/** One lab, three machines at a time: each story is mostly waiting. */
describe('a machine that stays in Azure', () => {
  const stories = new Stories();
  let testLab: TestLab;

  function armVm(name: string): unknown {
    const found = testLab.lab.arm.state.virtualMachines.find((vm) => vm.name === name);
    // When restore points were taken says how many Azure still gives, nothing about the machine.
    return structuredClone({ ...found, restorePointTimes: undefined });
  }

  /** Everything is as it was before the job: nothing is held, nothing is left. */
  async function expectBackInAzure(vm: string, watch: MachineWatch): Promise<void> {
    expect(armVm(vm)).toMatchObject({ name: vm, power: 'running' });
    expect(watch.atHome).toBe(false);
    expect(await testLab.portal.item(vm)).toMatchObject({
      phase: 'failedOver',
      stage: 'Running in Azure',
      activeJobId: null,
    });
    const { snapshots, disks } = testLab.lab.arm.state;
    expect(snapshots.filter(({ diskName }) => diskName.startsWith(vm))).toEqual([]);
    const exported = disks.filter(({ name, access }) => name.startsWith(vm) && access !== null);
    expect(exported).toEqual([]);
  }

  async function cancel(jobId: string): Promise<JobView> {
    await testLab.portal.ask(jobId, 'cancel');
    const job = await testLab.portal.ends(jobId);
    expect(job).toMatchObject({ state: 'cancelled', error: { code: 'FB-ORC-005' } });
    const { undo = [] } = job.report as FailbackReport;
    expect(undo.length).toBeGreaterThan(4);
    expect(undo.filter(({ outcome }) => outcome !== 'done')).toEqual([]);
    return job;
  }

  async function bringHome(vm: string, watch: MachineWatch): Promise<string> {
    const { portal } = testLab;
    const jobId = await portal.startFailback(vm);
    await portal.ask(jobId, 'failover');
    await portal.reaches(jobId, 'commitPending');
    await expectHome(testLab, vm, watch);
    return jobId;
  }

  async function earlyStory(): Promise<void> {
    const { portal } = testLab;
    const watch = await testLab.seed(EARLY);
    const before = armVm(EARLY);
    const jobId = await portal.startFailback(EARLY);
    await portal.reaches(jobId, 'replicating');
    await cancel(jobId);
    await expectBackInAzure(EARLY, watch);
    // It was never touched: not even switched off for a moment.
    expect(armVm(EARLY)).toEqual(before);
    expect(watch.seen).toMatchObject({ leftAzure: false, ranAtHome: false });

    await bringHome(EARLY, watch);
    expect(watch.stop().both).toEqual([]);
  }

  async function lateStory(): Promise<void> {
    const watch = await testLab.seed(LATE);
    await cancel(await bringHome(LATE, watch));
    await expectBackInAzure(LATE, watch);
    expect(watch.seen).toMatchObject({ leftAzure: true, ranAtHome: true });

    // The guest wrote on-premises in between: none of it may be left on the disks.
    await bringHome(LATE, watch);
    expect(watch.stop().both).toEqual([]);
  }

  async function rehearsalStory(job: JobView, before: unknown, watch: MachineWatch): Promise<void> {
    const { portal } = testLab;
    expect(job).toMatchObject({ operation: 'rehearsal', allowedActions: ['cancel'] });
    const ended = await portal.ends(job.id);
    expect(ended).toMatchObject({ state: 'succeeded', error: null });
    const report = ended.report as FailbackReport;
    expect(report.proof).toMatchObject({ mismatches: 0 });
    expect(report.bootEvidence).toContain(`MARK-${REHEARSED}`);

    await expectBackInAzure(REHEARSED, watch);
    expect(armVm(REHEARSED)).toEqual(before);
    expect(watch.stop()).toMatchObject({ leftAzure: false, ranAtHome: false, wasRehearsed: true });
    const names = (await siteVms(testLab.folder)).map(({ name }) => name);
    expect(names.filter((name) => name.includes(REHEARSED))).toEqual([]);
    const retention = join(testLab.folder, 'site', 'retention');
    const kept = existsSync(retention) ? readdirSync(retention) : [];
    expect(kept.filter((name) => name.includes(REHEARSED))).toEqual([]);
  }

  beforeAll(async () => {
    testLab = await TestLab.start();
    const watch = await testLab.seed(REHEARSED);
    const before = armVm(REHEARSED);
    // The timer rehearses every machine it finds: the other two come later.
    expect(await testLab.runTimer('rehearsals')).toBe(202);
    const job = await testLab.portal.firstJob(REHEARSED);
    stories.begin('rehearsal', () => rehearsalStory(job, before, watch));
    stories.begin('early', earlyStory);
    stories.begin('late', lateStory);
  }, TEST_DEADLINE_MS);

  afterAll(async () => {
    await stories.allSettled();
    await testLab?.stop();
  }, TEST_DEADLINE_MS);

  it(
    'is rehearsed by the timer: a copy boots in isolation, is cleaned up, and the source is not touched',
    async () => stories.end('rehearsal'),
    TEST_DEADLINE_MS,
  );

  it(
    'runs on in Azure when its failback is cancelled before the failover, and comes home with the next one',
    async () => stories.end('early'),
    TEST_DEADLINE_MS,
  );

  it(
    'is started again in Azure when its failback is cancelled at the commit gate, and comes home with the next one',
    async () => stories.end('late'),
    TEST_DEADLINE_MS,
  );
});
