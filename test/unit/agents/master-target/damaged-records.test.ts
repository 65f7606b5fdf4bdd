import {
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { loadOf } from '../../../../agents/master-target/describe.ts';
import { BLOCK_BYTES } from '../../../../shared/domain/page-ranges.ts';
import { runCommand } from '../../../support/data-plane/command-context.ts';
import { Random } from '../../../support/data-plane/random.ts';
import { must } from '../../../support/must.ts';
import { type JournalCode, loadJournalCode } from '../../../support/power-cut/journal-code.ts';
import { handlersOf, type Machine, machineAt, seal } from '../../../support/power-cut/machine.ts';
import {
  comparison,
  REPLICATION_ID as replicationId,
  send,
  type Transfer,
} from '../../../support/power-cut/transfer.ts';

const SIZE_BYTES = 2 * BLOCK_BYTES + 1536;

/** What becomes of a record, and what is said of it. */
const DAMAGES: readonly (readonly [string, (file: string) => void, RegExp])[] = [
  ['empty, as after a power cut', (file) => truncateSync(file, 0), /^it is empty$/],
  ['full of zeros', (file) => writeFileSync(file, Buffer.alloc(64)), /^it is empty$/],
  ['cut short', (file) => truncateSync(file, 7), /^it is no JSON$/],
  ['another thing', (file) => writeFileSync(file, '[]'), /^its content is not what it must be$/],
  [
    'without its fields',
    (file) => writeFileSync(file, '{}'),
    /^(?:disks|points|pointId|watermark) is not what it must be$/,
  ],
];

let code: JournalCode;
let root: string;
let disk: string;
let machine: Machine;

beforeAll(async () => {
  code = await loadJournalCode();
});

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'damaged-records-'));
  disk = join(root, 'os.raw');
  writeFileSync(disk, new Random(1).bytes(SIZE_BYTES));
  machine = machineAt(code, root);
  await machine.folder.writeDisks([{ ...opened(), isBlank: false }], true);
  await send(code, machine.folder, transferOf(0));
  await seal(machine, transferOf(0));
  await send(code, machine.folder, transferOf(1));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const opened = () =>
  ({
    diskId: 'os',
    sizeBytes: SIZE_BYTES,
    device: { kind: 'file', path: disk },
    isBlank: false,
  }) as const;

function transferOf(index: number): Transfer {
  const next = new Random(10 + index).bytes(SIZE_BYTES);
  const point = { pointId: `point-${index}`, contents: new Map([['os', next]]) };
  return { point, disks: [comparison('os', next)] };
}

function expectAtPoint(index: number): void {
  const content = must(transferOf(index).point.contents.get('os'), 'the disk');
  expect(readFileSync(disk).equals(content)).toBe(true);
}

const recordOf = (name: string): string => join(machine.folder.folder, name);

async function run(
  name: 'openTarget' | 'closeTarget' | 'rewindToPoint' | 'verifyDisks',
  input: object,
): Promise<unknown> {
  return runCommand(handlersOf(machine), name, { replicationId, ...input } as never);
}

describe.each(['replication.json', 'journal.json'])('a record that decides: %s', (name) => {
  it.each(DAMAGES)('is named when it is %s, and nothing is done', async (_what, damage, reason) => {
    const file = recordOf(name);
    damage(file);
    const damaged = {
      code: 'FB-JRN-016',
      isRetryable: false,
      values: { file, reason: expect.stringMatching(reason) },
    };
    const point = { pointId: 'point-0' };
    await expect(seal(machine, transferOf(1))).rejects.toMatchObject(damaged);
    await expect(run('rewindToPoint', point)).rejects.toMatchObject(damaged);
    await expect(run('verifyDisks', { ...point, sampleShare: 1 })).rejects.toMatchObject(damaged);
    await expect(run('openTarget', { disks: [opened()] })).rejects.toMatchObject(damaged);
    await expect(run('closeTarget', { forget: false })).rejects.toMatchObject(damaged);
    expectAtPoint(0);
  });

  it('is forgotten by the failback that begins next', async () => {
    truncateSync(recordOf(name), 0);
    await run('closeTarget', { forget: true });
    expect(existsSync(machine.folder.folder)).toBe(false);
    expect(await run('openTarget', { disks: [opened()] })).toEqual({ sealedPointId: null });
    await send(code, machine.folder, transferOf(2));
    await seal(machine, transferOf(2));
    expectAtPoint(2);
  });

  it('keeps no other failback from the master target', async () => {
    truncateSync(recordOf(name), 0);
    const volume = { expectThere: async () => undefined, claim: async () => undefined };
    const retentionFolder = join(root, 'retention');
    const wait = async (): Promise<void> => undefined;
    const parts = { retentionFolder, volume: { ...volume, wait }, osType: 'Linux' } as const;
    expect(await loadOf(parts)).toMatchObject({ openReplications: 1 });
  });
});

describe.each(['staged/os.json', 'staged/os.0.json', 'staged/os.1.json'])(
  'a record of what is on its way: %s',
  (name) => {
    it.each(DAMAGES)('that is %s makes it come again', async (_what, damage) => {
      damage(recordOf(name));
      await expect(seal(machine, transferOf(1))).rejects.toMatchObject({ code: 'FB-JRN-002' });
      expectAtPoint(0);
      await send(code, machine.folder, transferOf(1));
      await seal(machine, transferOf(1));
      expectAtPoint(1);
    });
  },
);
