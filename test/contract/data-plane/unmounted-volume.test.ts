import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { aCommandContext, untilHeldUp } from '../../support/data-plane/command-context.ts';
import { LabDisk } from '../../support/data-plane/lab-disk.ts';
import { LabReplication } from '../../support/data-plane/lab-replication.ts';
import { Random } from '../../support/data-plane/random.ts';
import { useLab } from '../../support/data-plane/use-lab.ts';

const SIZE_BYTES = 1024 ** 2;

const lab = useLab();

/** The master target starts again, and finds the empty folder that the volume is mounted on. */
async function restartUnmounted(replication: LabReplication): Promise<void> {
  renameSync(lab.site.retentionFolder, `${lab.site.retentionFolder}.away`);
  mkdirSync(lab.site.retentionFolder);
  await replication.restartMasterTarget();
}

function mount(): void {
  expect(readdirSync(lab.site.retentionFolder)).toEqual([]);
  rmSync(lab.site.retentionFolder, { recursive: true });
  renameSync(`${lab.site.retentionFolder}.away`, lab.site.retentionFolder);
}

async function aReplication(): Promise<LabReplication> {
  const source = await LabDisk.create(lab.storage, SIZE_BYTES);
  await source.write(0, new Random(1).bytes(SIZE_BYTES));
  const replication = await LabReplication.open({ site: lab.site, source });
  await replication.bring({ point: 'point-1', snapshot: await source.snapshot() });
  await source.write(4096, new Random(2).bytes(8192));
  return replication;
}

describe('a retention volume that is mounted after the master target started', () => {
  it('holds up a transfer and a seal, which go on by themselves', async () => {
    const replication = await aReplication();
    const { source } = replication;
    const snapshot = await source.snapshot();
    await restartUnmounted(replication);
    const context = aCommandContext(() => source.access(snapshot, 'snapshot-1'));
    const request = { point: 'point-2', snapshot, base: 'snapshot-1' };
    const sending = replication.send({ ...request, context });
    await untilHeldUp(context, 'FB-JRN-012');
    mount();
    expect(await sending).toMatchObject({ mode: 'delta', changedBytes: 8192 });
    await restartUnmounted(replication);
    const sealContext = aCommandContext();
    const sealing = replication.seal('point-2', { context: sealContext });
    await untilHeldUp(sealContext, 'FB-JRN-012');
    expect(replication.target.equals(source.contentOf('snapshot-1'))).toBe(true);
    mount();
    await sealing;
    expect(replication.target.equals(source.contentOf(snapshot))).toBe(true);
  });

  it('is named by a command whose time runs out', async () => {
    const replication = await aReplication();
    await restartUnmounted(replication);
    const context = { ...aCommandContext(), deadlineAtMs: Date.now() };
    const sealing = replication.seal('point-2', { context });
    await expect(sealing).rejects.toMatchObject({ code: 'FB-JRN-012', isRetryable: true });
    mount();
  });

  it('is not taken for a site without this replication by anything that asks', async () => {
    const replication = await aReplication();
    await restartUnmounted(replication);
    const late = { code: 'FB-JRN-012' };
    const { handlers } = replication.masterTarget;
    const { replicationId } = replication;
    const context = { ...aCommandContext(), deadlineAtMs: Date.now() };
    const ask = async (name: keyof typeof handlers, input: object): Promise<unknown> =>
      handlers[name]?.(input as never, context);
    const disks: unknown[] = [];
    for (const [name, input] of [
      ['openTarget', { disks }],
      ['discardUnsealed', {}],
      ['rewindToPoint', { pointId: 'point-1' }],
      ['forgetOlderPoints', {}],
      ['verifyDisks', { pointId: 'point-1', sampleShare: 1 }],
      ['closeTarget', { forget: true }],
      ['replicateToAzure', { diskId: 'os' }],
      ['verifyMasterTarget', {}],
    ] as const) {
      await expect(ask(name, { replicationId, ...input })).rejects.toMatchObject(late);
    }
    mount();
    expect(await replication.openTarget()).toBe('point-1');
  });
});
