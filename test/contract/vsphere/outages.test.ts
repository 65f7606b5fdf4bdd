import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { CertificateAuthority } from '../../../agents/configuration-server/certificate-authority.ts';
import { SiteDatabase } from '../../../agents/configuration-server/database.ts';
import { existingDisk } from '../../../agents/configuration-server/hypervisors/vsphere/device-specs.ts';
import { scsiControllers } from '../../../agents/configuration-server/hypervisors/vsphere/disk-slots.ts';
import { runTask } from '../../../agents/configuration-server/hypervisors/vsphere/vim/tasks.ts';
import { createWaitingHandlers } from '../../../agents/configuration-server/outages.ts';
import type { CommandHandlers } from '../../../agents/runtime/types.ts';
import type { CommandInput, CommandName, VmShape } from '../../../shared/contracts/commands.ts';
import { Secret } from '../../../shared/domain/secret.ts';
import { describeWith } from '../../peers/peers.ts';
import { untilTrue } from '../../support/control-plane/until.ts';
import {
  aCommandContext,
  type FakeContext,
  runCommand,
} from '../../support/data-plane/command-context.ts';
import { must } from '../../support/must.ts';
import type { PeerFailure } from '../../support/vcenter/peer-types.ts';
import { aVmShape } from '../hypervisor/vms.ts';
import { DATASTORE, MASTER_TARGET, VsphereFixture } from '../hypervisor/vsphere-fixture.ts';

const SUITE_DEADLINE_MS = 300_000;
/** Long enough that whoever repeats a lost call finds the first one still at work. */
const TASK_MS = 60;
/** Reads are many, and alike. */
const READS_EVERY = 5;

interface Step {
  readonly name: CommandName;
  readonly input: object;
}
/** What a command does to disks, with the VM's name taken out, and how many VMs of that name there are then. */
interface Effect {
  readonly disks: readonly string[];
  readonly vms: number;
}
/** And whether what was to fail did. */
interface Outcome {
  readonly effect: Effect;
  readonly hasFailed: boolean;
}

describeWith('vcenter', 'When the vCenter is away, a command of the configuration server', () => {
  let site: VsphereFixture;
  let folder: string;
  let database: SiteDatabase;
  let handlers: CommandHandlers;
  let shape: VmShape;

  beforeAll(async () => {
    site = await VsphereFixture.start({
      config: { gracefulShutdownSeconds: 5 },
      guestAccounts: {
        others: { username: 'root', password: new Secret('guest-password') },
        ofVms: new Map(),
      },
    });
    folder = mkdtempSync(join(tmpdir(), 'outages-'));
    database = new SiteDatabase(folder);
    const authority = await CertificateAuthority.open(folder, new Secret('a passphrase'));
    const self = { address: 'cs1.site.example', backups: null };
    const parts = { hypervisor: site.hypervisor, database, authority, self };
    handlers = createWaitingHandlers(parts, { firstMs: 20, maxMs: 200 });
    shape = aVmShape();
    await site.peer.setTaskDelays({ '*': TASK_MS });
  }, SUITE_DEADLINE_MS);
  afterEach(async () => {
    await site.peer.clearFailures();
    await site.peer.endOutage();
  });
  afterAll(async () => {
    database.close();
    await site.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const replicationId = 'r-1';
  const prepare = (): Step => ({
    name: 'prepareTarget',
    input: { replicationId, vm: shape, isRehearsal: false },
  });
  const restore: Step = { name: 'restoreTarget', input: { replicationId, startVm: false } };
  const of = (name: CommandName, more: object = {}): Step => ({
    name,
    input: { replicationId, ...more },
  });
  const run = async ({ name, input }: Step, context?: FakeContext): Promise<unknown> =>
    runCommand(handlers, name, input as CommandInput<typeof name>, context);

  /** Runs the command, and says what became of disks and VMs by it. */
  async function outcomeOf(step: Step): Promise<Outcome> {
    const before = (await site.peer.diskChanges()).length;
    await run(step);
    const hasFailed = (await site.peer.clearFailures()) === 0;
    const changes = (await site.peer.diskChanges()).slice(before);
    const disks = changes.map(({ vm, operation, file }) =>
      `${operation} ${file.replace(/^.*\//, '')} at ${vm}`.replaceAll(shape.name, 'VM'),
    );
    const named = await site.vms.objects({ VirtualMachine: ['name'] });
    const own = named.filter(({ properties }) => properties.get('name') === shape.name);
    return { effect: { disks, vms: own.length }, hasFailed };
  }

  /** Cuts the calls of the command in turn and takes the command back before each; gives how many calls there were. */
  async function cutCalls(
    step: Step,
    back: Step,
    { every, ...failure }: Pick<PeerFailure, 'method' | 'action' | 'times'> & { every: number },
  ): Promise<number> {
    const { effect: whole } = await outcomeOf(step);
    for (let skip = 0; ; skip += every) {
      await run(back);
      const rule = { ...failure, skip };
      await site.peer.addFailure(rule);
      const { effect, hasFailed } = await outcomeOf(step);
      expect({ ...effect, rule }).toEqual({ ...whole, rule });
      if (!hasFailed) return skip;
    }
  }

  /** Each change, before it was made and when its answer is lost; and all calls, of which most only read. */
  async function cutInEachWay(step: Step, back: Step, changes: readonly string[]): Promise<void> {
    // Twice, so that the mere repetition of a read does not help.
    const all = { method: '*', action: 'dropAfter', times: 2, every: READS_EVERY } as const;
    expect(await cutCalls(step, back, all)).toBeGreaterThan(READS_EVERY);
    for (const method of changes) {
      for (const action of ['dropBefore', 'dropAfter'] as const) {
        await run(back);
        const count = await cutCalls(step, back, { method, action, times: 1, every: 1 });
        expect([method, count > 0]).toEqual([method, true]);
      }
    }
  }

  const masterTargetDisks = async (): Promise<number> =>
    (await site.vms.findNamed(MASTER_TARGET))?.record.disks.length ?? -1;

  it(
    'makes one VM with each disk once, and gives each to the master target once',
    async () => {
      await cutInEachWay(prepare(), restore, ['CreateVM_Task', 'ReconfigVM_Task']);
      const again = await outcomeOf(of('detachDisks'));
      expect(again.effect).toEqual({ disks: [], vms: 1 });
    },
    SUITE_DEADLINE_MS,
  );

  it('makes one VM also when a lost call and its repetition arrive together', async () => {
    await run(restore);
    const make = async (): Promise<string> => site.hypervisor.createVm(shape, 'together', false);
    const [first, ...others] = await Promise.all([make(), make(), make()]);
    expect(others).toEqual([first, first]);
    await site.hypervisor.deleteVm(first);
    await run(prepare());
  });

  it(
    'takes each disk back once, and the VM away once',
    async () => {
      await cutInEachWay(restore, prepare(), ['ReconfigVM_Task', 'Destroy_Task']);
      expect(await masterTargetDisks()).toBe(1);
      await run(prepare());
      expect(await masterTargetDisks()).toBe(3);
    },
    SUITE_DEADLINE_MS,
  );

  it(
    'attaches and detaches each disk once',
    async () => {
      const [attach, detach] = [of('attachDisks'), of('detachDisks')];
      await cutInEachWay(attach, detach, ['ReconfigVM_Task']);
      await cutInEachWay(detach, attach, ['ReconfigVM_Task']);
      await run(attach);
      expect(await masterTargetDisks()).toBe(1);
    },
    SUITE_DEADLINE_MS,
  );

  it(
    'starts and stops the VM, and reads of it',
    async () => {
      const [start, stop] = [of('startVm'), of('stopVm', { graceful: false })];
      await cutInEachWay(start, stop, ['PowerOnVM_Task']);
      const verify = of('verifyBoot', { timeoutSeconds: 60 });
      await cutInEachWay(verify, of('fixGuest'), []);
      await cutInEachWay(of('fixGuest'), verify, ['StartProgramInGuest']);
      await cutInEachWay(stop, start, ['PowerOffVM_Task']);
      await run(start);
    },
    SUITE_DEADLINE_MS,
  );

  it(
    'makes one image, and leaves no snapshot and no disk behind',
    async () => {
      const [open, close] = ['openReverseSource', 'closeReverseSource'].map((name) =>
        of(name as CommandName, { pointId: 'p-1' }),
      ) as [Step, Step];
      await cutInEachWay(open, close, ['CreateSnapshot_Task', 'ReconfigVM_Task']);
      await cutInEachWay(close, open, ['RemoveSnapshot_Task', 'ReconfigVM_Task']);
      const { snapshots } = await site.recordNamed(shape.name);
      expect([snapshots, await masterTargetDisks()]).toEqual([[], 1]);
    },
    SUITE_DEADLINE_MS,
  );

  it('outlasts sessions that end under it', async () => {
    const steps = [of('stopVm', { graceful: true }), of('detachDisks'), of('attachDisks')];
    for (const step of steps) {
      const rule = { method: '*', action: 'fault', kind: 'NotAuthenticated' } as const;
      await site.peer.addFailure({ ...rule, skip: 1, times: 3 });
      await site.peer.expireSessions();
      await run(step);
    }
    expect(await masterTargetDisks()).toBe(1);
  });

  it('shows why it waits, and no more when it goes on', async () => {
    const context = aCommandContext();
    await site.peer.startOutage(60_000);
    const detached = run(of('detachDisks'), context);
    await untilTrue('it says so', async () => context.progress.length > 0);
    expect(context.progress[0]).toMatchObject({
      step: 'waiting',
      health: { code: 'FB-VSPHERE-003', recommendedAction: expect.any(String) as unknown },
    });
    await site.peer.endOutage();
    await detached;
    expect(context.progress.at(-1)?.health).toBeUndefined();
    expect(await masterTargetDisks()).toBe(3);
  });

  it('shows why it waits for the end of a task that goes on meanwhile', async () => {
    const context = aCommandContext();
    await site.peer.setTaskDelays({ ReconfigVM_Task: 2000 });
    const before = (await site.peer.calls())['ReconfigVM_Task'] ?? 0;
    const attached = run(of('attachDisks'), context);
    await untilTrue('the task was started', async () => {
      return ((await site.peer.calls())['ReconfigVM_Task'] ?? 0) > before;
    });
    await site.peer.startOutage(60_000);
    await untilTrue('it says so', async () => context.progress.length > 0);
    expect(context.progress[0]?.health?.code).toBe('FB-VSPHERE-003');
    await site.peer.endOutage();
    await attached;
    expect(context.progress.at(-1)?.health).toBeUndefined();
    expect((await site.peer.calls())['ReconfigVM_Task']).toBe(before + 1);
    await site.peer.setTaskDelays({ '*': TASK_MS });
  });

  it('waits for a disk that another running VM has open, and says that it is locked', async () => {
    await run(of('attachDisks'));
    await site.peer.addVms({ prefix: 'proxy', datastore: DATASTORE, diskMb: 1, isOn: true });
    const proxy = must(await site.vms.findNamed('proxy'), 'the VM that holds it');
    const { disks } = await site.recordNamed(shape.name);
    const { file, sizeBytes } = must(disks[0], 'its first disk');
    const [controller] = scsiControllers(proxy.record);
    const controllerKey = controller?.key ?? 0;
    const slot = { controllerKey, busNumber: 0, unitNumber: 3 };
    const held = { file: file ?? '', sizeBytes, slot, temporaryKey: -1 };
    const opened = existingDisk(held, { use: 'write', backing: 'flat' });
    await site.vms.reconfigure(proxy, { deviceChange: [opened] });
    const context = aCommandContext();
    const started = run(of('startVm'), context);
    await untilTrue('it says so', async () => context.progress.length > 0);
    expect(context.progress[0]?.health).toMatchObject({
      code: 'FB-VSPHERE-008',
      message: expect.stringContaining('Failed to lock the file') as unknown,
    });
    await runTask(site.session, 'PowerOffVM_Task', { self: proxy.ref, parameters: {} });
    await started;
    expect((await site.recordNamed(shape.name)).powerState).toBe('on');
    await run(of('stopVm', { graceful: false }));
  });

  it('ends with the cause shortly before it is given up, and at once when it is', async () => {
    await site.peer.startOutage(60_000);
    const late = { ...aCommandContext(), deadlineAtMs: Date.now() + 30_100 };
    await expect(run(of('startVm'), late)).rejects.toMatchObject({ code: 'FB-VSPHERE-003' });
    const context = aCommandContext();
    const given = run(of('startVm'), context);
    await untilTrue('it waits', async () => context.progress.length > 0);
    context.abort();
    await expect(given).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('fails at once with what does not pass by itself', async () => {
    const denied = [{ privilege: 'VirtualMachine.Interact.PowerOn' }];
    await site.peer.setAccount({ name: site.peer.ready.user, denied });
    await expect(run(of('startVm'))).rejects.toMatchObject({ code: 'FB-VSPHERE-005' });
    await site.peer.setAccount({ name: site.peer.ready.user, denied: [] });
  });
});
