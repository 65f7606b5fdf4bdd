import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import { createWaitingHandlers } from '../../../agents/configuration-server/outages.ts';
import { createProcessServerHandlers } from '../../../agents/process-server/handlers.ts';
import { createTlsTransport } from '../../../agents/process-server/tls-transport.ts';
import type { CommandHandlers } from '../../../agents/runtime/types.ts';
import type { CommandOutput } from '../../../shared/contracts/commands.ts';
import { FailbackError } from '../../../shared/errors/failback-error.ts';
import { aCommandContext, runCommand } from '../../support/data-plane/command-context.ts';
import { LabDisk } from '../../support/data-plane/lab-disk.ts';
import { aThrottle } from '../../support/data-plane/lab-replication.ts';
import type { MasterTarget } from '../../support/data-plane/lab-site.ts';
import { must } from '../../support/must.ts';
import { Random } from '../../support/data-plane/random.ts';
import { useLab } from '../../support/data-plane/use-lab.ts';
import { aVmShape, disk, DISK_BYTES } from '../hypervisor/vms.ts';
import { prepare, REPLICATION, useSite } from './site-fixture.ts';

const fixture = useSite();
const replicationId = REPLICATION;
const SHAPE = aVmShape({ disks: [disk('os'), disk('lun-0')] });
const GROWN = { replicationId, disks: [{ diskId: 'lun-0', sizeBytes: 2 * DISK_BYTES }] };
const ASKED = [{ ...disk('os') }, { ...disk('lun-0'), sizeBytes: 2 * DISK_BYTES }];

type Opened = CommandOutput<'growDisks'>['disks'];

/** Of an original VM, whose disks are at the master target now. */
async function prepared(): Promise<Opened> {
  await fixture.originalOf(SHAPE);
  const { disks } = await runCommand(fixture.handlers, 'prepareTarget', prepare(SHAPE));
  return disks.map((each) => ({ ...each, sizeBytes: DISK_BYTES }));
}

const sizesOf = async (): Promise<readonly number[]> =>
  (await fixture.vmNamed(SHAPE.name))?.disks.map(({ sizeBytes }) => sizeBytes) ?? [];

describe('disks at home whose originals grew in Azure', () => {
  it('grow, and come to the master target as they were, with their new sizes', async () => {
    const before = await prepared();
    const { disks } = await runCommand(fixture.handlers, 'growDisks', GROWN);
    expect(disks).toEqual([before[0], { ...before[1], sizeBytes: 2 * DISK_BYTES }]);
    expect(await sizesOf()).toEqual([DISK_BYTES, 2 * DISK_BYTES]);
    expect((await fixture.vmNamed(SHAPE.name))?.disksAt).toBe('masterTarget');
  });

  it('are the same when the program ended before it had noted it, and is asked again', async () => {
    await prepared();
    const vmId = must(await fixture.vmNamed(SHAPE.name), 'the VM').vmId;
    await fixture.site.hypervisor.growDisks(vmId, ASKED);
    await fixture.restart();
    const first = await runCommand(fixture.handlers, 'growDisks', GROWN);
    expect(await runCommand(fixture.handlers, 'growDisks', GROWN)).toEqual(first);
    expect(await sizesOf()).toEqual([DISK_BYTES, 2 * DISK_BYTES]);
    expect(fixture.database.replication(replicationId).vm.disks).toEqual(ASKED);
  });

  it('stay as they are while the VM has snapshots', async () => {
    await prepared();
    const vm = must(await fixture.vmNamed(SHAPE.name), 'the VM');
    await fixture.site.addSnapshot(vm.vmId);
    await expect(runCommand(fixture.handlers, 'growDisks', GROWN)).rejects.toMatchObject({
      code: 'FB-SITE-012',
      values: { diskId: 'lun-0', vmName: SHAPE.name, reason: 'the VM has snapshots' },
    });
    expect(await sizesOf()).toEqual([DISK_BYTES, DISK_BYTES]);
    expect(fixture.database.replication(replicationId).vm.disks).toEqual(SHAPE.disks);
  });

  it('wait for room, say so, and grow once there is some', async () => {
    await prepared();
    const { hypervisor } = fixture.site;
    const values = { vmName: SHAPE.name, place: 'ds', neededBytes: DISK_BYTES, freeBytes: 0 };
    const full = new FailbackError('FB-SITE-013', values);
    jest.spyOn(hypervisor, 'growDisks').mockRejectedValueOnce(full).mockRejectedValueOnce(full);
    const handlers = fixture.withHypervisor(hypervisor, (parts) =>
      createWaitingHandlers(parts, { firstMs: 1, maxMs: 1 }),
    );
    const context = aCommandContext();
    await runCommand(handlers, 'growDisks', GROWN, context);
    expect(context.progress.map(({ health }) => health?.code)).toEqual([
      'FB-SITE-013',
      'FB-SITE-013',
      undefined,
    ]);
    expect(await sizesOf()).toEqual([DISK_BYTES, 2 * DISK_BYTES]);
  });

  it('fit a later failback of the machine as it is recorded then', async () => {
    await prepared();
    await runCommand(fixture.handlers, 'growDisks', GROWN);
    await runCommand(fixture.handlers, 'restoreTarget', { replicationId, startVm: false });
    const shape = { ...SHAPE, disks: ASKED };
    const { location } = await runCommand(fixture.handlers, 'prepareTarget', prepare(shape));
    expect(location).toBe('original');
  });
});

describe('a disk that grows in Azure between two points', () => {
  const lab = useLab();
  let masterTarget: MasterTarget;
  let processServer: CommandHandlers;

  beforeAll(async () => {
    masterTarget = await lab.site.startMasterTarget();
    processServer = createProcessServerHandlers({
      transport: createTlsTransport(await lab.site.certificate('processServer')),
      throttle: aThrottle(),
      connectionsPerDisk: 2,
      place: {
        dataFolder: lab.site.retentionFolder,
        bandwidth: { windows: [] },
      },
    });
  });

  /** Sends both disks of a point and seals it; gives the modes. */
  async function bring(
    sources: Readonly<Record<string, LabDisk>>,
    point: number,
  ): Promise<readonly string[]> {
    const reasons: string[] = [];
    for (const [diskId, source] of Object.entries(sources)) {
      const [snapshotName, base] = [await source.snapshot(), `snapshot-${point - 1}`];
      const bases = point === 1 ? [] : [base];
      const input = {
        replicationId,
        pointId: `point-${point}`,
        diskId,
        sizeBytes: source.sizeBytes,
        snapshotName,
        ...(point === 1 ? {} : { baseSnapshotName: base }),
        masterTarget: { host: '127.0.0.1', port: masterTarget.port },
      };
      const context = aCommandContext(async () => source.access(snapshotName, ...bases));
      const sent = await runCommand(processServer, 'replicateDisk', input, context);
      reasons.push(`${sent.mode}: ${sent.modeReason}`);
    }
    await runCommand(masterTarget.handlers, 'sealRecoveryPoint', {
      replicationId,
      pointId: `point-${point}`,
      diskIds: Object.keys(sources),
      takenAt: new Date().toISOString(),
      consistency: 'crashConsistent',
    });
    return reasons;
  }

  it('is carried on with by the commands of one cycle, and the VM at home has all its bytes', async () => {
    const random = new Random(7);
    const sources = {
      os: await LabDisk.create(lab.storage, DISK_BYTES),
      'lun-0': await LabDisk.create(lab.storage, DISK_BYTES),
    };
    const data = sources['lun-0'];
    await data.change(random, 10);
    const { handlers } = masterTarget;
    await runCommand(handlers, 'openTarget', { replicationId, disks: await prepared() });
    await bring(sources, 1);
    await data.grow(2 * DISK_BYTES);
    await data.change(random, 10);
    await sources.os.change(random, 3);
    await runCommand(handlers, 'closeTarget', { replicationId, forget: false });
    const grown = await runCommand(fixture.handlers, 'growDisks', GROWN);
    const opened = await runCommand(handlers, 'openTarget', { replicationId, ...grown });
    expect(opened.sealedPointId).toBe('point-1');
    expect(await bring(sources, 2)).toEqual([
      'delta: base snapshot-1 is trusted',
      `checksum: resynchronization: the disk grew from ${DISK_BYTES} to ${2 * DISK_BYTES} bytes in Azure; what the target holds is compared`,
    ]);
    await data.change(random, 5);
    expect((await bring(sources, 3))[1]).toBe('delta: base snapshot-2 is trusted');
    const verified = await runCommand(handlers, 'verifyDisks', {
      replicationId,
      pointId: 'point-3',
      sampleShare: 1,
    });
    const sizes = { os: DISK_BYTES, 'lun-0': 2 * DISK_BYTES };
    expect(verified).toMatchObject({ mismatches: [], sizes });
    for (const { diskId, device } of grown.disks) {
      const source = must(Object.entries(sources).find(([id]) => id === diskId)?.[1], diskId);
      const file = device.kind === 'file' ? device.path : '';
      expect(readFileSync(file).equals(source.content)).toBe(true);
    }
  });
});
