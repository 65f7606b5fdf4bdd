import { request } from 'node:https';
import { expect, it } from '@jest/globals';
import { describeWith } from '../../peers/peers.ts';
import { untilTrue } from '../../support/control-plane/until.ts';
import { must } from '../../support/must.ts';
import { createRawVm } from '../../support/vcenter/raw-vm.ts';
import type { PeerBootedGuest } from '../../support/vcenter/peer-types.ts';
import { faultKindOf, list, type Moref, node, ref, text } from '../../support/vcenter/raw-soap.ts';
import { aVm, usePeer } from './peer-fixture.ts';

describeWith('vcenter', 'VMs of the vCenter peer', () => {
  const site = usePeer();

  async function property(vm: Moref, path: string): Promise<string> {
    return text((await site.soap.properties(vm, [path]))[path]);
  }
  const toolsRun = (vm: Moref): Promise<void> =>
    untilTrue(
      'the tools run',
      async () => (await property(vm, 'guest.toolsRunningStatus')) === 'guestToolsRunning',
    );

  const bootsOf = async (name: string): Promise<readonly PeerBootedGuest[]> =>
    (await site.peer.bootedGuests()).filter(({ vm }) => vm === name);

  it('are on or off, and say so when they are asked to become what they are', async () => {
    const vm = await aVm(site, 'power');
    await site.soap.task('PowerOnVM_Task', vm);
    expect(await faultKindOf(site.soap.task('PowerOnVM_Task', vm))).toBe('InvalidPowerState');
    expect(await faultKindOf(site.soap.task('Destroy_Task', vm))).toBe('InvalidPowerState');
    expect(await faultKindOf(site.soap.call('UnregisterVM', vm))).toBe('InvalidPowerState');
    const memory = '<spec><memoryMB>512</memoryMB></spec>';
    expect(await faultKindOf(site.soap.task('ReconfigVM_Task', vm, memory))).toBe(
      'MemoryHotPlugNotSupported',
    );
    await site.soap.task('PowerOffVM_Task', vm);
    expect(await faultKindOf(site.soap.task('PowerOffVM_Task', vm))).toBe('InvalidPowerState');
  });

  it('do not start on a host in maintenance mode', async () => {
    const vm = await aVm(site, 'resting');
    const host = (await site.soap.properties(vm, ['runtime.host']))['runtime.host'];
    const itsHost = { type: 'HostSystem', value: text(node(host)['#text']) };
    await site.soap.task('EnterMaintenanceMode_Task', itsHost, '<timeout>0</timeout>');
    expect(await faultKindOf(site.soap.task('PowerOnVM_Task', vm))).toBe('InvalidState');
    await site.soap.task('ExitMaintenanceMode_Task', itsHost, '<timeout>0</timeout>');
    await site.soap.task('PowerOnVM_Task', vm);
  });

  it('show running tools and a heartbeat after their boot, and none that never came up', async () => {
    await site.peer.setGuests({ bootMs: 50, silent: ['mute'] });
    const mute = await aVm(site, 'mute', { isOn: true });
    const vm = await aVm(site, 'tools', { isOn: true });
    await toolsRun(vm);
    expect(await property(vm, 'guest.toolsStatus')).toBe('toolsOk');
    expect(await property(vm, 'guestHeartbeatStatus')).toBe('green');
    expect(await property(mute, 'guest.toolsRunningStatus')).toBe('guestToolsNotRunning');
    expect(await faultKindOf(site.soap.call('ShutdownGuest', mute))).toBe('ToolsUnavailable');
    await site.soap.call('ShutdownGuest', vm);
    await untilTrue(
      'it is off',
      async () => (await property(vm, 'runtime.powerState')) === 'poweredOff',
    );
    expect(await property(vm, 'guest.toolsRunningStatus')).toBe('guestToolsNotRunning');
  });

  it('start anew when they are reset, and are suspended without tools', async () => {
    await site.peer.setGuests({});
    const vm = await aVm(site, 'again', { isOn: true });
    await toolsRun(vm);
    const [first] = await bootsOf('again');
    expect(first).toMatchObject({ biosUuid: await property(vm, 'config.uuid') });
    await site.peer.setGuests({ bootMs: 600_000 });
    await site.soap.task('ResetVM_Task', vm);
    expect(await property(vm, 'guest.toolsRunningStatus')).toBe('guestToolsNotRunning');
    expect(await property(vm, 'runtime.powerState')).toBe('poweredOn');
    expect(await bootsOf('again')).toEqual([]);
    await site.soap.task('SuspendVM_Task', vm);
    expect(await property(vm, 'runtime.powerState')).toBe('suspended');
    expect(await faultKindOf(site.soap.task('ResetVM_Task', vm))).toBe('InvalidPowerState');
    await site.peer.setGuests({});
    await site.soap.task('PowerOnVM_Task', vm);
    await toolsRun(vm);
    const [second] = await bootsOf('again');
    const startedMs = (boot: PeerBootedGuest | undefined): number =>
      Date.parse(must(boot, 'a boot').bootedAt);
    expect(startedMs(second)).toBeGreaterThan(startedMs(first));
  });

  it('keep what is done in their guests, and run none of it', async () => {
    await site.peer.setGuests({
      user: 'root',
      password: 'guest',
      rules: [{ contains: 'fails.sh', exitCode: 3, files: { '/tmp/log': 'what went wrong' } }],
    });
    const vm = await aVm(site, 'guest', { isOn: true });
    await toolsRun(vm);
    const managers = await site.soap.properties(site.soap.service('guestOperationsManager'), [
      'processManager',
      'fileManager',
    ]);
    const processes = node(managers['processManager']);
    const files = node(managers['fileManager']);
    const manager = (element: typeof files): Moref => ({
      type: text(element['@type']),
      value: text(element['#text']),
    });
    const auth = (password: string): string =>
      `${ref('vm', vm)}<auth xsi:type="NamePasswordAuthentication">` +
      `<interactiveSession>false</interactiveSession><username>root</username>` +
      `<password>${password}</password></auth>`;
    const start = (password: string): Promise<unknown> =>
      site.soap.call(
        'StartProgramInGuest',
        manager(processes),
        `${auth(password)}<spec><programPath>/bin/sh</programPath>` +
          `<arguments>/tmp/fails.sh</arguments></spec>`,
      );
    expect(await faultKindOf(start('guest'))).toBe('GuestOperationsUnavailable');
    await untilTrue('they take programs', async () => {
      return (await property(vm, 'guest.guestOperationsReady')) === 'true';
    });
    expect(await faultKindOf(start('wrong'))).toBe('InvalidGuestLogin');
    const url = text(
      await site.soap.call(
        'InitiateFileTransferToGuest',
        manager(files),
        `${auth('guest')}<guestFilePath>/tmp/fails.sh</guestFilePath>` +
          `<fileAttributes></fileAttributes><fileSize>7</fileSize><overwrite>true</overwrite>`,
      ),
    );
    await put(url, 'exit 3\n');
    const pid = text(await start('guest'));
    const [process] = list(
      await site.soap.call(
        'ListProcessesInGuest',
        manager(processes),
        `${auth('guest')}<pids>${pid}</pids>`,
      ),
    ).map(node);
    expect(process).toMatchObject({ pid, exitCode: '3', cmdLine: '/bin/sh /tmp/fails.sh' });
    expect(process?.['endTime']).toBeDefined();
    expect(await site.peer.guestOf('guest')).toMatchObject({
      programs: [{ program: '/bin/sh', arguments: '/tmp/fails.sh', owner: 'root' }],
      files: { '/tmp/fails.sh': 'exit 3\n', '/tmp/log': 'what went wrong' },
    });
    await site.soap.task('PowerOffVM_Task', vm);
    expect(await faultKindOf(start('guest'))).toBe('InvalidPowerState');
    await site.peer.setGuests({});
  });

  it('come back with their disks when they are registered again', async () => {
    const vm = await aVm(site, 'moves', { disks: 2 });
    await site.soap.task(
      'ReconfigVM_Task',
      vm,
      '<spec><extraConfig><key>disk.EnableUUID</key><value xsi:type="xsd:string">TRUE</value>' +
        '</extraConfig></spec>',
    );
    const { 'config.uuid': uuid } = await site.soap.properties(vm, ['config.uuid']);
    await site.soap.call('UnregisterVM', vm);
    const { vmFolder } = await site.soap.properties(site.datacenter, ['vmFolder']);
    const [pool] = await site.soap.all('ResourcePool');
    const again = await site.soap.task(
      'RegisterVM_Task',
      { type: 'Folder', value: text(vmFolder) },
      `<path>[ds1] moves/moves.vmx</path><asTemplate>false</asTemplate>` +
        ref('pool', pool ?? { type: '', value: '' }),
    );
    const found = { type: 'VirtualMachine', value: text(again) };
    const properties = await site.soap.properties(found, ['name', 'config', 'config.uuid']);
    expect(text(properties['name'])).toBe('moves');
    expect(properties['config.uuid']).toEqual(uuid);
    const config = node(properties['config']);
    const disks = list(node(config['hardware'])['device'])
      .map(node)
      .filter((device) => device['@xsi:type'] === 'VirtualDisk');
    expect(disks.map((disk) => text(node(disk['backing'])['fileName']))).toEqual([
      '[ds1] moves/moves.vmdk',
      '[ds1] moves/moves_1.vmdk',
    ]);
    const options = list(config['extraConfig']).map((option) => text(node(option)['key']));
    expect(options).toContain('disk.EnableUUID');
  });

  it('hold each extra setting once, with its last value, and none that was emptied', async () => {
    const vm = await createRawVm(site.soap, { name: 'settings', datastore: 'ds1' });
    const set = (value: string): Promise<unknown> =>
      site.soap.task(
        'ReconfigVM_Task',
        vm,
        `<spec><extraConfig><key>asr.tag</key><value xsi:type="xsd:string">${value}</value>` +
          `</extraConfig></spec>`,
      );
    const tags = async (): Promise<string[]> => {
      const { 'config.extraConfig': all } = await site.soap.properties(vm, ['config.extraConfig']);
      return list(node(all)['OptionValue'])
        .filter((option) => text(node(option)['key']) === 'asr.tag')
        .map((option) => text(node(option)['value']));
    };
    await set('one');
    await set('two');
    expect(await tags()).toEqual(['two']);
    await set('');
    expect(await tags()).toEqual([]);
  });
});

/** Sends a file to a link that the peer gave. */
function put(url: string, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method: 'PUT', rejectUnauthorized: false }, (incoming) => {
      incoming.resume();
      incoming.on('end', () => {
        if (incoming.statusCode === 200) resolve();
        else reject(new Error(`The file was refused with ${incoming.statusCode}.`));
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
