import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  retrieve,
  selectView,
} from '../../../../../agents/configuration-server/hypervisors/vsphere/vim/properties.ts';
import type { VimSession } from '../../../../../agents/configuration-server/hypervisors/vsphere/vim/session.ts';
import { runTask } from '../../../../../agents/configuration-server/hypervisors/vsphere/vim/tasks.ts';
import { untilTrue } from '../../../../support/control-plane/until.ts';
import { aSession } from '../../../../support/vim/client.ts';
import { type FakeReply, FakeVimServer } from '../../../../support/vim/fake-vim-server.ts';

const VM = { type: 'VirtualMachine', value: 'vm-1' };
const TASK: FakeReply = { returned: '<returnval type="Task">task-1</returnval>' };
const NOTHING: FakeReply = { returned: '' };
const GONE: FakeReply = { fault: 'ManagedObjectNotFound', text: 'It has been deleted.' };

let version = 0;
function update(values: Readonly<Record<string, string>>, extra = ''): FakeReply {
  version += 1;
  const changes = Object.entries(values).map(
    ([name, xml]) => `<changeSet><name>info.${name}</name><op>assign</op>${xml}</changeSet>`,
  );
  return {
    returned: `<returnval><version>${version}</version><filterSet><filter type="PropertyFilter">f</filter><objectSet><kind>modify</kind><obj type="Task">task-1</obj>${changes.join('')}</objectSet></filterSet>${extra}</returnval>`,
  };
}
const state = (name: string): string => `<val xsi:type="TaskInfoState">${name}</val>`;
const progress = (percent: number): string => `<val xsi:type="xsd:int">${percent}</val>`;
const SUCCESS = {
  state: state('success'),
  result: '<val xsi:type="ManagedObjectReference" type="VirtualMachine">vm-9</val>',
};

let server: FakeVimServer;
let session: VimSession;
beforeEach(async () => {
  server = await FakeVimServer.start();
  ({ session } = aSession(server.url));
  server.script('PowerOnVM_Task', TASK);
});
afterEach(async () => {
  await session.close();
  await server.stop();
});

const powerOn = async (options: Parameters<typeof runTask>[3] = {}): Promise<unknown> =>
  runTask(session, 'PowerOnVM_Task', { self: VM, parameters: {} }, options);
const count = (method: string): number => server.methods().filter((each) => each === method).length;

describe('a task of vSphere', () => {
  it('is waited for by updates, tells its progress and gives its result', async () => {
    server.script(
      'WaitForUpdatesEx',
      update({ state: state('queued') }),
      NOTHING,
      update({ state: state('running'), progress: progress(10) }),
      update({ progress: progress(60) }),
      update(SUCCESS),
    );
    const seen: number[] = [];
    const result = await powerOn({ onProgress: (percent) => seen.push(percent) });
    expect(result).toEqual({ type: 'VirtualMachine', value: 'vm-9' });
    expect(seen).toEqual([10, 60]);
    expect(server.methods().at(-1)).toBe('DestroyPropertyCollector');
    const waits = server.calls.filter(({ method }) => method === 'WaitForUpdatesEx');
    const versions = waits.map(({ body }) => /<version>(\d*)<\/version>/.exec(body)?.[1]);
    // Each wait names the version it has, so that no change between two of them is missed.
    expect(new Set(versions.slice(1)).size).toBeGreaterThan(2);
    expect(versions[0]).toBe('');
  });

  it('reads all pages of an update before it looks at them', async () => {
    const first = update({ state: state('success') }, '<truncated>true</truncated>');
    server.script('WaitForUpdatesEx', first, update({ result: SUCCESS.result }));
    expect(await powerOn()).toEqual({ type: 'VirtualMachine', value: 'vm-9' });
  });

  it('that fails is explained like a call', async () => {
    const error = `<val xsi:type="LocalizedMethodFault"><fault xsi:type="NoPermission"><object type="Datastore">ds-1</object><privilegeId>Datastore.AllocateSpace</privilegeId></fault><localizedMessage>No.</localizedMessage></val>`;
    server.script('WaitForUpdatesEx', update({ state: state('error'), error }));
    await expect(powerOn()).rejects.toMatchObject({
      code: 'FB-VSPHERE-005',
      values: {
        privilege: 'Datastore.AllocateSpace',
        object: 'Datastore ds-1',
        method: 'PowerOnVM_Task',
      },
    });
  });

  it('is cancelled on the server when it is given up', async () => {
    let isWaiting = false;
    server.on('WaitForUpdatesEx', async () => {
      isWaiting = true;
      return new Promise<FakeReply>(() => undefined);
    });
    server.script('CancelTask', NOTHING);
    const abort = new AbortController();
    const outcome = powerOn({ signal: abort.signal }).catch((error: unknown) => error);
    await untilTrue('it is waited for', () => isWaiting);
    abort.abort(new Error('given up'));
    expect(await outcome).toMatchObject({ message: 'given up' });
    expect(server.methods().slice(-2).toSorted()).toEqual([
      'CancelTask',
      'DestroyPropertyCollector',
    ]);
  });

  it('is not started at all for a signal that has come before', async () => {
    await expect(powerOn({ signal: AbortSignal.abort(new Error('too late')) })).rejects.toThrow(
      'too late',
    );
    expect(server.calls).toEqual([]);
  });

  it('is waited for further when the connection breaks, and is not started twice', async () => {
    server.script(
      'WaitForUpdatesEx',
      update({ state: state('running') }),
      'cut',
      'cut',
      update(SUCCESS),
    );
    expect(await powerOn()).toEqual({ type: 'VirtualMachine', value: 'vm-9' });
    expect(count('PowerOnVM_Task')).toBe(1);
  });

  it('is waited for further in a new session when the old one is forgotten', async () => {
    let waits = 0;
    server.on('WaitForUpdatesEx', ({ body }) => {
      waits += 1;
      if (waits === 1) {
        server.forgetSessions();
        return update({ state: state('running') });
      }
      // A collector belongs to the session that made it.
      return body.includes('collector-s-1') ? GONE : update(SUCCESS);
    });
    expect(await powerOn()).toEqual({ type: 'VirtualMachine', value: 'vm-9' });
    expect([server.logins, count('PowerOnVM_Task')]).toEqual([2, 1]);
  });

  it('does not keep others waiting, however many run: neither calls nor tasks', async () => {
    const many = 40;
    let waiting = 0;
    let end = (): void => undefined;
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    server.on('WaitForUpdatesEx', async () => {
      waiting += 1;
      await ended;
      return update(SUCCESS);
    });
    const tasks = Array.from({ length: many }, async () => powerOn());
    await untilTrue('all of them are waited for', () => waiting === many);
    server.on('UnregisterVM', () => NOTHING);
    await session.call('UnregisterVM', VM, {}, { timeoutMs: 10_000 });
    end();
    expect(await Promise.all(tasks)).toHaveLength(many);
  });

  it('whose end the server does not know any more is said to be unknown', async () => {
    server.script('WaitForUpdatesEx', GONE);
    await expect(powerOn()).rejects.toMatchObject({ code: 'FB-VSPHERE-011', isRetryable: true });
  });
});

describe('properties', () => {
  it('are read page by page', async () => {
    const page = (id: string, token = ''): FakeReply => ({
      returned: `<returnval>${token}<objects><obj type="VirtualMachine">${id}</obj><propSet><name>name</name><val xsi:type="xsd:string">n-${id}</val></propSet></objects></returnval>`,
    });
    server.script('RetrievePropertiesEx', page('vm-1', '<token>t1</token>'));
    server.script('ContinueRetrievePropertiesEx', page('vm-2', '<token>t2</token>'), page('vm-3'));
    const spec = selectView({ type: 'ContainerView', value: 'v' }, { VirtualMachine: ['name'] });
    const found = await retrieve(session, spec);
    expect(found.map(({ properties }) => properties.get('name'))).toEqual([
      'n-vm-1',
      'n-vm-2',
      'n-vm-3',
    ]);
    const tokens = server.calls.flatMap(({ body }) => /<token>(\w+)/.exec(body)?.[1] ?? []);
    expect(tokens).toEqual(['t1', 't2']);
  });

  it('are read anew, once, when the session that knew the next page has ended', async () => {
    const page = (id: string, token = ''): FakeReply => ({
      returned: `<returnval>${token}<objects><obj type="VirtualMachine">${id}</obj></objects></returnval>`,
    });
    const lost: FakeReply = { fault: 'InvalidArgument', text: 'token' };
    const first = page('vm-1', '<token>t1</token>');
    // After a fault the name of the object is read too, for people.
    server.script('RetrievePropertiesEx', first, NOTHING, first, NOTHING);
    server.script('ContinueRetrievePropertiesEx', lost, page('vm-2'));
    const spec = selectView({ type: 'ContainerView', value: 'v' }, { VirtualMachine: ['name'] });
    const found = await retrieve(session, spec);
    expect(found.map(({ ref }) => ref.value)).toEqual(['vm-1', 'vm-2']);
    server.script('RetrievePropertiesEx', first, NOTHING, first, NOTHING);
    server.script('ContinueRetrievePropertiesEx', lost);
    await expect(retrieve(session, spec)).rejects.toMatchObject({ code: 'FB-VSPHERE-009' });
  });

  it('of nothing are nothing', async () => {
    server.script('RetrievePropertiesEx', NOTHING);
    const spec = selectView({ type: 'ContainerView', value: 'v' }, { VirtualMachine: ['name'] });
    expect(await retrieve(session, spec)).toEqual([]);
  });
});
