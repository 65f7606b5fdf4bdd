import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, describe, it } from '@jest/globals';
import type * as Handlers from '../../../../agents/master-target/handlers.ts';
import type { CommandHandlers } from '../../../../agents/runtime/types.ts';
import { ReplicationGate } from '../../../../agents/master-target/replication-gate.ts';
import { RetentionVolume } from '../../../../agents/master-target/retention-volume.ts';
import { runCommand } from '../../../support/data-plane/command-context.ts';

const UUID = '6000C29a-1122-3344-5566-778899aabbcc';
const SIZE_BYTES = 1024 * 1024;
const device = { kind: 'diskUuid', uuid: UUID } as const;

let root: string;
let handlers: CommandHandlers;
const tellFile = (): string => join(root, 'sys/block/sdb/device/delete');

function put(file: string, text = ''): void {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), text);
}

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'let-go-'));
  process.env['FAILBACK_HOST_ROOT'] = root;
  // Loaded only now, so that it looks for devices there.
  const module: typeof Handlers = await import('../../../../agents/master-target/handlers.ts');
  handlers = module.createMasterTargetHandlers({
    retentionFolder: join(root, 'retention'),
    dataFolder: root,
    volume: new RetentionVolume({ retentionFolder: join(root, 'retention'), dataFolder: root }),
    retention: { maxPoints: 3, maxAgeHours: 24 },
    osType: 'Linux',
    gate: new ReplicationGate(),
    transferAddress: { host: '127.0.0.1', port: 1 },
    prepareScript: '',
  });
});
afterAll(() => {
  delete process.env['FAILBACK_HOST_ROOT'];
  rmSync(root, { recursive: true, force: true });
});
beforeEach(async () => {
  put('dev/sdb');
  truncateSync(join(root, 'dev/sdb'), SIZE_BYTES);
  put('sys/block/sdb/device/wwid', `naa.${UUID.toLowerCase().replaceAll('-', '')}\n`);
  put('sys/block/sdb/device/delete');
  const disks = [{ diskId: 'os', sizeBytes: SIZE_BYTES, device, isBlank: false }];
  await runCommand(handlers, 'openTarget', { replicationId: 'web-01', disks });
});

describe('a master target under Linux', () => {
  it.each([true, false])(
    'makes the guest forget its disks when it closes them (forget: %s)',
    async (forget) => {
      expect(readFileSync(tellFile(), 'utf8')).toBe('');
      await runCommand(handlers, 'closeTarget', { replicationId: 'web-01', forget });
      expect(readFileSync(tellFile(), 'utf8')).toBe('1');
    },
  );

  it('closes its disks even where the guest cannot be told', async () => {
    unlinkSync(tellFile());
    const input = { replicationId: 'web-01', forget: true };
    expect(await runCommand(handlers, 'closeTarget', input)).toEqual({ wasOpen: true });
  });

  it('makes the guest forget an image when all of it was read', async () => {
    // What Azure holds: a disk of zeros.
    writeFileSync(join(root, 'retention/web-01/manifests/os.bin'), Buffer.alloc(4 * 32));
    await runCommand(handlers, 'replicateToAzure', {
      replicationId: 'web-01',
      pointId: 'reverse-1',
      diskId: 'os',
      sizeBytes: SIZE_BYTES,
      device,
      replicaBlobName: 'replica.vhd',
    });
    expect(readFileSync(tellFile(), 'utf8')).toBe('1');
  });
});
