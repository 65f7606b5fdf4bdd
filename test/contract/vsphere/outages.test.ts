import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { CertificateAuthority } from '../../../agents/configuration-server/certificate-authority.ts';
import { SiteDatabase } from '../../../agents/configuration-server/database.ts';
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
import type { PeerFailure } from '../../support/vcenter/peer-types.ts';
import { aVmShape } from '../hypervisor/conformance.ts';
import { MASTER_TARGET, VsphereFixture } from '../hypervisor/vsphere-fixture.ts';

const SUITE_DEADLINE_MS = 300_000;
/** Long enough that whoever repeats a lost call finds the first one still at work. */
const TASK_MS = 60;

interface Step {
  readonly name: CommandName;
  readonly input: object;
}
/** What a command does to disks, with the VM's name taken out, and how many VMs of that name there are then. */
interface Effect {
  readonly disks: readonly string[];
  readonly vms: number;
}

describeWith('vcenter', 'When the vCenter is away, a command of the configuration server', () => {
  let site: VsphereFixture;
  let folder: string;
  let database: SiteDatabase;
  let handlers: CommandHandlers;
  let shape: VmShape;

  beforeAll(async () => {
    site = await VsphereFixture.start({
      config: { gracefulShutdownSeconds: 5, guest: { username: 'root', passwordFile: 'unused' } },
    });
    folder = mkdtempSync(join(tmpdir(), 'outages-'));
    database = new SiteDatabase(folder);
    const authority = await CertificateAuthority.open(folder, new Secret('a passphrase'));
    const parts = { hypervisor: site.hypervisor, database, authority };
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
  async function effectOf(step: Step): Promise<Effect> {
    const before = (await site.peer.diskChanges()).length;
    await run(step);
    const changes = (await site.peer.diskChanges()).slice(before);
    const named = await site.vms.objects({ VirtualMachine: ['name'] });
    return {
      disks: changes.map(({ vm, operation, file }) =>
        `${operation} ${file.replace(/^.*\//, '')} at ${vm}`.replaceAll(shape.name, 'VM'),
      ),
      vms: named.filter(({ properties }) => properties.get('name') === shape.name).length,
    };
  }

  /** Cuts each call of the command in turn; gives how many there were. Afterwards the other one takes it back. */
  async function cutEachCall(step: Step, back: Step, failure: Partial<PeerFailure>): Promise<number> {
    const whole = await effectOf(step);
    for (let skip = 0; ; skip += 1) {
      await run(back);
      const rule = { method: '*', action: 'dropBefore', times: 1, ...failure, skip } as const;
      await site.peer.addFailure(rule);
      expect({ ...(await effectOf(step)), skip, failure }).toEqual({ ...whole, skip, failure });
      if ((await site.peer.clearFailures()) > 0) return skip;
    }
  }

  async function cutInEachWay(step: Step, back: Step): Promise<void> {
    const lost = await cutEachCall(step, back, { action: 'dropAfter' });
    expect(lost).toBeGreaterThan(3);
    await run(back);
    await cutEachCall(step, back, { action: 'dropBefore' });
  }

  it(
    'makes one VM with each disk once, and gives each to the master target once',
    async () => {
      await cutInEachWay(prepare(), restore);
      expect((await effectOf(of('detachDisks'))).disks).toEqual([]);
    },
    SUITE_DEADLINE_MS,
  );

  it(
    'takes each disk back once, and the VM away once',
    async () => {
      await cutInEachWay(restore, prepare());
      await run(prepare());
    },
    SUITE_DEADLINE_MS,
  );
});
