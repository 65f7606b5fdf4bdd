import { expect, it } from '@jest/globals';
import { describeWith } from '../../peers/peers.ts';
import { untilTrue } from '../../support/control-plane/until.ts';
import {
  faultKindOf,
  list,
  type Moref,
  node,
  RawFault,
  RawSoap,
  ref,
  refOf,
  text,
} from '../../support/vcenter/raw-soap.ts';
import { aVm, usePeer } from './peer-fixture.ts';

describeWith('vcenter', 'The tasks of the vCenter peer', () => {
  const site = usePeer();

  async function powerOf(vm: Moref): Promise<string> {
    return text((await site.soap.properties(vm, ['runtime.powerState']))['runtime.powerState']);
  }

  /** Follows a task by property updates; gives every state and progress it was told. */
  async function follow(
    soap: RawSoap,
    task: Moref,
  ): Promise<{ states: string[]; progress: number[] }> {
    const collector = soap.service('propertyCollector');
    const filter = refOf(
      await soap.call(
        'CreateFilter',
        collector,
        `<spec><propSet><type>Task</type><pathSet>info.state</pathSet><pathSet>info.progress</pathSet>` +
          `</propSet><objectSet>${ref('obj', task)}</objectSet></spec><partialUpdates>false</partialUpdates>`,
      ),
    );
    const states: string[] = [];
    const progress: number[] = [];
    let version = '';
    while (!states.includes('success') && !states.includes('error')) {
      const update = node(
        await soap.call(
          'WaitForUpdatesEx',
          collector,
          `<version>${version}</version><options><maxWaitSeconds>5</maxWaitSeconds></options>`,
        ),
      );
      version = text(update['version']) || version;
      for (const change of changesOf(update)) {
        if (change.name === 'info.state') states.push(change.value);
        if (change.name === 'info.progress' && change.value !== '') {
          progress.push(Number(change.value));
        }
      }
    }
    await soap.call('DestroyPropertyFilter', filter);
    return { states, progress };
  }

  function changesOf(update: unknown): { name: string; value: string }[] {
    return list(node(update)['filterSet'])
      .flatMap((set) => list(node(set)['objectSet']))
      .flatMap((object) => list(node(object)['changeSet']))
      .map((change) => ({ name: text(node(change)['name']), value: text(node(change)['val']) }));
  }

  it('take their time and tell how far they are', async () => {
    const vm = await aVm(site, 'slow');
    await site.peer.setTaskDelays({ PowerOnVM_Task: 400 });
    const task = refOf(await site.soap.call('PowerOnVM_Task', vm));
    expect(await powerOf(vm)).toBe('poweredOff');
    const { states, progress } = await follow(site.soap, task);
    expect(states.at(-1)).toBe('success');
    expect(progress.length).toBeGreaterThan(1);
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
    expect(await powerOf(vm)).toBe('poweredOn');
    await site.peer.setTaskDelays({});
  });

  it('can be cancelled while they wait, and then have no effect', async () => {
    const vm = await aVm(site, 'cancelled');
    await site.peer.setTaskDelays({ '*': 2000 });
    const task = refOf(await site.soap.call('PowerOnVM_Task', vm));
    await site.soap.call('CancelTask', task);
    expect(await faultKindOf(site.soap.ended(task))).toBe('RequestCanceled');
    await site.peer.setTaskDelays({});
    expect(await powerOf(vm)).toBe('poweredOff');
  });

  it('fail on demand, so often as asked, before or after their effect', async () => {
    const vm = await aVm(site, 'fails');
    const on = (): Promise<unknown> => site.soap.task('PowerOnVM_Task', vm);
    await site.peer.addFailure({
      method: 'PowerOnVM_Task',
      object: vm.value,
      action: 'taskFault',
      kind: 'GenericVmConfigFault',
      times: 1,
    });
    expect(await faultKindOf(on())).toBe('GenericVmConfigFault');
    expect(await powerOf(vm)).toBe('poweredOff');
    await site.peer.addFailure({ method: 'PowerOnVM_Task', action: 'taskLost', times: 1 });
    expect(await faultKindOf(on())).toBe('SystemError');
    expect(await powerOf(vm)).toBe('poweredOn');
    expect(await faultKindOf(on())).toBe('InvalidPowerState');
  });

  it('are refused on demand until that is taken back', async () => {
    const vm = await aVm(site, 'refused');
    await site.peer.addFailure({
      method: '*',
      object: vm.value,
      action: 'fault',
      kind: 'HostCommunication',
    });
    for (const method of ['PowerOnVM_Task', 'Destroy_Task']) {
      expect(await faultKindOf(site.soap.call(method, vm))).toBe('HostCommunication');
    }
    await site.peer.clearFailures();
    await site.soap.task('PowerOnVM_Task', vm);
  });

  it('lose their connection on demand, with or without an effect, and calls are counted', async () => {
    const vm = await aVm(site, 'cut');
    const on = (): Promise<unknown> => site.soap.call('PowerOnVM_Task', vm);
    const before = (await site.peer.calls())['PowerOnVM_Task'] ?? 0;
    await site.peer.addFailure({ method: 'PowerOnVM_Task', action: 'dropBefore', times: 1 });
    await expect(on()).rejects.not.toBeInstanceOf(RawFault);
    expect(await powerOf(vm)).toBe('poweredOff');
    await site.peer.addFailure({ method: 'PowerOnVM_Task', action: 'dropAfter', times: 1 });
    await expect(on()).rejects.not.toBeInstanceOf(RawFault);
    await untilTrue('the VM runs', async () => (await powerOf(vm)) === 'poweredOn');
    expect((await site.peer.calls())['PowerOnVM_Task']).toBe(before + 2);
  });

  it('go on while nobody can reach the API, and the session outlives the outage', async () => {
    const vm = await aVm(site, 'outage');
    await site.peer.setTaskDelays({ PowerOnVM_Task: 100 });
    await site.soap.call('PowerOnVM_Task', vm);
    await site.peer.startOutage(600_000);
    await expect(site.soap.all('VirtualMachine')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await site.peer.endOutage();
    await untilTrue('the VM runs', async () => (await powerOf(vm)) === 'poweredOn');
    await site.peer.startOutage(50);
    await untilTrue('the API is back', async () =>
      site.soap.all('VirtualMachine').then(
        () => true,
        () => false,
      ),
    );
    await site.peer.setTaskDelays({});
  });

  it('and a wait for updates ends without any when nothing happened', async () => {
    const soap = await RawSoap.connect(site.peer.ready);
    const vm = await aVm(site, 'quiet');
    const collector = soap.service('propertyCollector');
    await soap.call(
      'CreateFilter',
      collector,
      `<spec><propSet><type>VirtualMachine</type><pathSet>runtime.powerState</pathSet></propSet>` +
        `<objectSet>${ref('obj', vm)}</objectSet></spec><partialUpdates>false</partialUpdates>`,
    );
    const wait = (version: string): Promise<unknown> =>
      soap.call(
        'WaitForUpdatesEx',
        collector,
        `<version>${version}</version><options><maxWaitSeconds>0</maxWaitSeconds></options>`,
      );
    const first = node(await wait(''));
    expect(changesOf(first)).toEqual([{ name: 'runtime.powerState', value: 'poweredOff' }]);
    expect(await wait(text(first['version']))).toBeUndefined();
    await soap.task('PowerOnVM_Task', vm);
    expect(changesOf(await wait(text(first['version'])))).toEqual([
      { name: 'runtime.powerState', value: 'poweredOn' },
    ]);
  });
});
