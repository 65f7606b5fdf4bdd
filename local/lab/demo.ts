import { setTimeout as delay } from 'node:timers/promises';
import type { JobView } from '../../shared/contracts/http-api.ts';
import type { Comparison } from './compare.ts';
import { compareDisks } from './compare.ts';
import { LiveLine, progressLine } from './progress-view.ts';
import { reportLines } from './report.ts';
import type { SampleVm } from './sample-vm.ts';
import type { Lab } from './start-lab.ts';

const LOOK_MS = 400;
const OPTIONS = {
  autoFailover: false,
  autoCommit: false,
  cycleIntervalSeconds: 20,
  bootTimeoutSeconds: 120,
};

interface DemoState {
  hasFailedOver: boolean;
  hasCommitted: boolean;
  comparisons: readonly Comparison[];
}

/** Brings the sample VM home over the HTTP API, as a person at a portal would. Throws with the reason. */
export async function runDemo(lab: Lab, vm: SampleVm, signal: AbortSignal): Promise<void> {
  const { api } = lab;
  const line = new LiveLine(process.stdout);
  const running = (await api.failbacks()).find(({ endedAt }) => endedAt === null);
  const { id } = running ?? (await api.startFailback(vm.itemId, OPTIONS));
  print(`${running === undefined ? 'Started' : 'Resumed'} failback ${id}`);
  const state: DemoState = { hasFailedOver: false, hasCommitted: false, comparisons: [] };
  for (;;) {
    signal.throwIfAborted();
    const job = await api.failback(id);
    line.show(progressLine(job));
    if (job.endedAt !== null) {
      line.end();
      await conclude(lab, vm, { job, state });
      return;
    }
    await decide(lab, vm, { job, state, line });
    await delay(LOOK_MS, undefined, { signal });
  }
}

/** What the person would click. */
async function decide(
  lab: Lab,
  vm: SampleVm,
  { job, state, line }: { job: JobView; state: DemoState; line: LiveLine },
): Promise<void> {
  const hasDelta = job.cycles.length >= 2;
  if (job.phase === 'replicating' && hasDelta && !state.hasFailedOver) {
    state.hasFailedOver = true;
    line.end();
    print('→ fail over now');
    await lab.api.ask(job.id, 'failover');
  }
  if (job.phase === 'commitPending' && !state.hasCommitted) {
    state.hasCommitted = true;
    line.end();
    print('→ comparing the disks in Azure with those that booted on-premises');
    state.comparisons = await compareDisks(lab, vm);
    const wrong = state.comparisons.find(({ differsAt }) => differsAt !== null);
    if (wrong !== undefined) {
      throw new Error(`Disk ${wrong.diskId} differs from Azure at byte ${wrong.differsAt}.`);
    }
    print('→ commit');
    await lab.api.ask(job.id, 'commit');
  }
}

async function conclude(
  lab: Lab,
  vm: SampleVm,
  { job, state }: { job: JobView; state: DemoState },
): Promise<void> {
  if (job.state !== 'succeeded') {
    throw new Error(`The failback ${job.state}: ${job.error?.code} ${job.error?.message}`);
  }
  const item = await lab.api.protectedItem(vm.itemId);
  if (item.phase !== 'protected') throw new Error(`${vm.vmName} is ${item.stage}, not protected.`);
  const isVmLeft = lab.arm.state.virtualMachines.some(({ name }) => name === vm.vmName);
  if (isVmLeft) throw new Error(`The Azure VM ${vm.vmName} is still there.`);
  print('');
  print(`${vm.vmName} is home and replicates towards Azure; the Azure VM is gone.`);
  for (const text of reportLines(job, state.comparisons)) print(text);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
