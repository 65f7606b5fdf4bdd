import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import type { Journal } from '../../../agents/master-target/journal-records.ts';
import { ReplicationFolder } from '../../../agents/master-target/replication-folder.ts';
import { runCommand } from '../../support/data-plane/command-context.ts';
import { sealAndCrash } from '../../support/data-plane/crashing-seal.ts';
import { LabDisk } from '../../support/data-plane/lab-disk.ts';
import { LabReplication } from '../../support/data-plane/lab-replication.ts';
import { Random } from '../../support/data-plane/random.ts';
import { useLab } from '../../support/data-plane/use-lab.ts';

const SIZE_BYTES = 1024 ** 2;

const lab = useLab();

const NOT_OPEN = { code: 'FB-JRN-001' };

/** Sealed at point-1; point-2 is received, and not sealed. */
async function aStagedDelta(): Promise<LabReplication> {
  const source = await LabDisk.create(lab.storage, SIZE_BYTES);
  await source.write(0, new Random(1).bytes(SIZE_BYTES));
  const replication = await LabReplication.open({ site: lab.site, source });
  await replication.bring({ point: 'point-1', snapshot: await source.snapshot() });
  await source.write(4096, new Random(2).bytes(8192));
  const snapshot = await source.snapshot();
  await replication.send({ point: 'point-2', snapshot, base: 'snapshot-1' });
  return replication;
}

/** Point-2 is in the journal, and not on the disk yet. */
async function aPendingPoint(): Promise<LabReplication> {
  const replication = await aStagedDelta();
  await sealAndCrash(lab.site, replication, 'point-2');
  return replication;
}

async function close({ masterTarget, replicationId }: LabReplication): Promise<void> {
  const input = { replicationId, forget: false };
  await runCommand(masterTarget.handlers, 'closeTarget', input);
}

function holds(replication: LabReplication, snapshot: string): boolean {
  return replication.target.equals(replication.source.contentOf(snapshot));
}

/** The VM has its disks back and writes to them. */
function bootAtHome({ targetFile }: LabReplication): Buffer {
  const running = new Random(99).bytes(SIZE_BYTES);
  writeFileSync(targetFile, running);
  return running;
}

const next = { point: 'point-3', snapshot: 'snapshot-2', base: 'snapshot-1' };
const WRITERS: readonly (readonly [string, (r: LabReplication) => Promise<unknown>])[] = [
  ['a delta', async (replication) => replication.send(next)],
  ['a full copy', async (replication) => replication.send({ ...next, mode: 'full' })],
  ['a seal', async (replication) => replication.seal('point-2')],
  ['a rewind', async (replication) => replication.rewind('point-1')],
];

describe('a replication whose disks were given back to their VM', () => {
  it.each(WRITERS)('refuses %s', async (_name, write) => {
    const replication = await aStagedDelta();
    await close(replication);
    const running = bootAtHome(replication);
    await expect(write(replication)).rejects.toMatchObject(NOT_OPEN);
    expect(replication.target.equals(running)).toBe(true);
  });

  it('takes no first copy, either', async () => {
    const source = await LabDisk.create(lab.storage, SIZE_BYTES);
    await source.write(0, new Random(3).bytes(SIZE_BYTES));
    const replication = await LabReplication.open({ site: lab.site, source });
    await close(replication);
    const running = bootAtHome(replication);
    const request = { point: 'point-1', snapshot: await source.snapshot() };
    await expect(replication.send(request)).rejects.toMatchObject(NOT_OPEN);
    expect(replication.target.equals(running)).toBe(true);
  });

  it('throws away what was staged, and touches no disk', async () => {
    const replication = await aStagedDelta();
    await close(replication);
    const running = bootAtHome(replication);
    expect(await replication.discard()).toBe('point-1');
    expect(replication.target.equals(running)).toBe(true);
  });

  it('takes deltas again once it was opened again', async () => {
    const replication = await aStagedDelta();
    await close(replication);
    await close(replication);
    expect(await replication.openTarget()).toBe('point-1');
    await replication.bring(next);
    expect(holds(replication, 'snapshot-2')).toBe(true);
  });
});

describe('closing while a sealed point is not on the disks yet', () => {
  it('brings it there first', async () => {
    const replication = await aPendingPoint();
    await close(replication);
    expect(holds(replication, 'snapshot-2')).toBe(true);
    const running = bootAtHome(replication);
    expect(await replication.discard()).toBe('point-2');
    expect(replication.target.equals(running)).toBe(true);
  });

  it('goes back where the point is damaged', async () => {
    const replication = await aPendingPoint();
    rmSync(replication.file('staged', 'os.0.redo'));
    await close(replication);
    expect(holds(replication, 'snapshot-1')).toBe(true);
  });

  it('fails where it cannot be brought there, every time, and nothing writes to the disks later', async () => {
    const replication = await aPendingPoint();
    renameSync(replication.targetFile, `${replication.targetFile}.away`);
    await expect(close(replication)).rejects.toMatchObject({ code: 'FB-JRN-003' });
    renameSync(`${replication.targetFile}.away`, replication.targetFile);
    await expect(close(replication)).rejects.toMatchObject({ code: 'FB-JRN-002' });
    const running = bootAtHome(replication);
    await expect(replication.send(next)).rejects.toMatchObject(NOT_OPEN);
    await replication.discard();
    expect(replication.target.equals(running)).toBe(true);
    const folder = new ReplicationFolder(lab.site.retentionFolder, replication.replicationId);
    expect(await folder.isOpen()).toBe(false);
    const journal = readFileSync(replication.file('journal.json'), 'utf8');
    expect((JSON.parse(journal) as Journal).pending).not.toBeNull();
  });
});
