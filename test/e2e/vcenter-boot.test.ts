import { randomUUID } from 'node:crypto';
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { buildBootImage } from '../../local/boot-image/build-boot-image.ts';
import { describeWith } from '../peers/peers.ts';
import { untilTrue } from '../support/control-plane/until.ts';
import { faultKindOf, type Moref, moref, RawSoap, text } from '../support/vcenter/raw-soap.ts';
import { VcenterPeer } from '../support/vcenter/vcenter-peer.ts';

const MIB = 1024 * 1024;
const CACHE_FOLDER = join(process.cwd(), '.lab', 'boot-image');
const DEADLINE_MS = 600_000;

describeWith(['vcenter', 'qemu', 'bootImage'], 'A VM of the vCenter peer with QEMU', () => {
  const marker = `MARK-${randomUUID()}`;
  let folder: string;
  let peer: VcenterPeer;
  let soap: RawSoap;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'vcenter-boot-'));
    const image = join(folder, 'image.raw');
    await buildBootImage({ file: image, sizeBytes: 24 * MIB, marker, cacheFolder: CACHE_FOLDER });
    peer = await VcenterPeer.start({
      qemu: true,
      datastores: [{ name: 'ds1', folder: join(folder, 'ds1'), type: 'VMFS' }],
    });
    soap = await RawSoap.connect(peer.ready);
  }, DEADLINE_MS);
  afterAll(async () => {
    await peer?.stop();
    rmSync(folder, { recursive: true, force: true });
  }, DEADLINE_MS);

  async function toolsOf(vm: Moref): Promise<string> {
    const path = 'guest.toolsRunningStatus';
    return text((await soap.properties(vm, [path]))[path]);
  }

  it(
    'boots from its first flat file, and its tools run once the marker is on the console',
    async () => {
      const made = await peer.addVms({ prefix: 'boots', datastore: 'ds1', disks: 2, diskMb: 24 });
      const vm = moref('VirtualMachine', made['boots'] ?? '');
      copyFileSync(join(folder, 'image.raw'), join(folder, 'ds1/boots/boots-flat.vmdk'));
      await soap.task('PowerOnVM_Task', vm);
      expect(await toolsOf(vm)).toBe('guestToolsNotRunning');
      await untilTrue('the guest is up', async () => (await toolsOf(vm)) === 'guestToolsRunning');
      const console = await peer.consoleOf('boots');
      expect(console.text).toMatch(
        new RegExp(`ASR-BOOT-OK kernel=\\S+ disk=/dev/sd[ab] marker=${marker}`),
      );
      expect(console.file).toBe(join(folder, 'ds1/boots/serial.log'));
      await soap.task('PowerOffVM_Task', vm);
      await soap.task('Destroy_Task', vm);
      expect(existsSync(join(folder, 'ds1/boots'))).toBe(false);
    },
    DEADLINE_MS,
  );

  it('has no tools while nothing boots from an empty disk, and its process ends with its power', async () => {
    const made = await peer.addVms({ prefix: 'empty', datastore: 'ds1', diskMb: 24, isOn: true });
    const vm = moref('VirtualMachine', made['empty'] ?? '');
    await untilTrue('SeaBIOS gives up', async () =>
      (await peer.consoleOf('empty')).text.includes('No bootable device'),
    );
    expect(await toolsOf(vm)).toBe('guestToolsNotRunning');
    expect(await faultKindOf(soap.call('ShutdownGuest', vm))).toBe('ToolsUnavailable');
    await soap.task('PowerOffVM_Task', vm);
    await soap.task('PowerOnVM_Task', vm);
  });
});
