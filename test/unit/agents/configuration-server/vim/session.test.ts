import { X509Certificate } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  createLabCertificates,
  type PemPair,
} from '../../../../../local/tls/create-certificate.ts';
import { untilTrue } from '../../../../support/control-plane/until.ts';
import { aSession } from '../../../../support/vim/client.ts';
import {
  ACCOUNT,
  type FakeReply,
  FakeVimServer,
  PASSWORD,
} from '../../../../support/vim/fake-vim-server.ts';
import type { VimSession } from '../../../../../agents/configuration-server/hypervisors/vsphere/vim/session.ts';

const VM = { type: 'VirtualMachine', value: 'vm-1' };
const DONE: FakeReply = { returned: '' };

/** The error of an attempt that must fail. */
async function errorOf(
  attempt: Promise<unknown>,
): Promise<{ code?: string; message: string; values?: unknown }> {
  return attempt.then(
    () => ({ message: 'it did not fail' }),
    (error: { code?: string; message: string }) => error,
  );
}

describe('a session on a vSphere server', () => {
  let server: FakeVimServer;
  let session: VimSession;
  let lines: readonly unknown[];
  beforeEach(async () => {
    server = await FakeVimServer.start();
    ({ session, lines } = aSession(server.url));
  });
  afterEach(async () => {
    await session.close();
    await server.stop();
  });

  it('is opened by the first call, once for many calls at a time', async () => {
    server.on('UnregisterVM', () => DONE);
    await Promise.all([1, 2, 3, 4].map(async () => session.call('UnregisterVM', VM, {})));
    expect(server.logins).toBe(1);
    expect((await session.content()).about).toMatchObject({ fullName: "Fake vCenter '8'" });
    expect(await session.userName()).toBe('VSPHERE.LOCAL\\failback');
  });

  it('speaks the version of the API that the server has', async () => {
    await session.content();
    server.on('UnregisterVM', () => DONE);
    await session.call('UnregisterVM', VM, {});
    expect(server.headers[0]?.['soapaction']).toBe('"urn:vim25/6.5"');
    expect(server.headers.at(-1)?.['soapaction']).toBe('"urn:vim25/8.0.3.0"');
  });

  it('is renewed once when the server forgot it, for all calls that find it gone, which are then done', async () => {
    server.on('UnregisterVM', () => DONE);
    await session.content();
    server.forgetSessions();
    await Promise.all([1, 2, 3, 4].map(async () => session.call('UnregisterVM', VM, {})));
    expect(server.logins).toBe(2);
    const refused = server.calls.filter(
      ({ method, session: key }) => method === 'UnregisterVM' && key === 's-1',
    );
    const done = server.calls.filter(
      ({ method, session: key }) => method === 'UnregisterVM' && key === 's-2',
    );
    expect(refused.length).toBeGreaterThan(0);
    expect(done).toHaveLength(4);
  });

  it('gives up when a new session is refused as well', async () => {
    server.script('UnregisterVM', {
      fault: 'NotAuthenticated',
      text: 'The session is not authenticated.',
    });
    expect(await errorOf(session.call('UnregisterVM', VM, {}))).toMatchObject({
      code: 'FB-VSPHERE-003',
    });
    expect(server.logins).toBe(2);
  });

  it('says that name or password are wrong, tries again with the next call, and shows no password', async () => {
    const wrong = aSession(server.url, { password: 'not-it-8531' });
    const error = await errorOf(wrong.session.content());
    expect(error).toMatchObject({ code: 'FB-VSPHERE-004', values: { account: ACCOUNT } });
    expect(await errorOf(wrong.session.content())).toMatchObject({ code: 'FB-VSPHERE-004' });
    expect(server.methods().filter((method) => method === 'Login')).toHaveLength(2);
    const seen = inspect([error, wrong.session, wrong.lines], { depth: 12, showHidden: true });
    expect(seen).not.toContain('not-it-8531');
    await wrong.session.close();
  });

  it('is kept alive while nothing is asked, without writing passwords to the log', async () => {
    const kept = aSession(server.url, { keepAliveMs: 5 });
    await kept.session.content();
    const countTimes = (): number =>
      server.methods().filter((method) => method === 'CurrentTime').length;
    await untilTrue('it asks for the time', () => countTimes() > 1);
    server.on('CurrentTime', () => 'cut');
    await untilTrue('a failure is logged', () => kept.lines.length > 0);
    expect(JSON.stringify(kept.lines)).not.toContain(PASSWORD);
    await kept.session.close();
  });

  it('is ended on the server when it is closed', async () => {
    await session.content();
    await session.close();
    expect(server.methods().at(-1)).toBe('Logout');
  });

  it('reads again when the connection breaks, but repeats no change of which it does not know the end', async () => {
    const read: FakeReply = { returned: '<returnval>u</returnval>' };
    server.script('QueryVirtualDiskUuid', 'cut', read);
    expect(await session.call('QueryVirtualDiskUuid', VM, { name: 'x' })).toBe('u');
    server.script('UnregisterVM', 'cut', DONE);
    expect(await errorOf(session.call('UnregisterVM', VM, {}))).toMatchObject({
      code: 'FB-VSPHERE-003',
    });
    expect(server.methods().filter((method) => method === 'UnregisterVM')).toHaveLength(1);
  });

  it.each([
    ['a proxy', { raw: '<html>502 Bad Gateway</html>', status: 502 }],
    ['nothing', { raw: '' }],
    ['half an answer', { raw: '<soapenv:Envelope><soapenv:Body><Unregister' }],
  ] as const)('takes an answer of %s for a lost connection', async (_name, reply) => {
    server.script('UnregisterVM', reply);
    expect(await errorOf(session.call('UnregisterVM', VM, {}))).toMatchObject({
      code: 'FB-VSPHERE-003',
    });
  });

  it('ends a call whose signal comes, and one that takes too long', async () => {
    let hasArrived = false;
    server.on('UnregisterVM', async () => {
      hasArrived = true;
      return new Promise<FakeReply>(() => undefined);
    });
    const abort = new AbortController();
    const call = errorOf(session.call('UnregisterVM', VM, {}, { signal: abort.signal }));
    await untilTrue('it is under way', () => hasArrived);
    abort.abort(new Error('given up'));
    expect(await call).toMatchObject({ message: 'given up' });
    const slow = session.call('UnregisterVM', VM, {}, { timeoutMs: 50 });
    expect((await errorOf(slow)).message).toContain('no answer within 50 ms');
  });

  it('does not count the time in which a call waits for its turn', async () => {
    let open = 0;
    let answer = (): void => undefined;
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    server.on('UnregisterVM', async () => {
      open += 1;
      await answered;
      return DONE;
    });
    const before = Array.from({ length: 8 }, async () => session.call('UnregisterVM', VM, {}));
    await untilTrue('all that may be open are', () => open === before.length);
    server.on('DestroyView', () => DONE);
    const waiting = session.call('DestroyView', VM, {}, { timeoutMs: 2000 });
    await sleep(2500);
    answer();
    await expect(waiting).resolves.toBeUndefined();
    await Promise.all(before);
  });

  it('says who lacks which privilege on which object, by its name', async () => {
    server.script('UnregisterVM', {
      fault: 'NoPermission',
      text: 'Permission to perform this operation was denied.',
      detail:
        '<object type="Folder">group-v3</object><privilegeId>VirtualMachine.Inventory.Unregister</privilegeId>',
    });
    server.script('RetrievePropertiesEx', {
      returned:
        '<returnval><objects><obj type="Folder">group-v3</obj><propSet><name>name</name><val xsi:type="xsd:string">Berlin</val></propSet></objects></returnval>',
    });
    expect(await errorOf(session.call('UnregisterVM', VM, {}))).toMatchObject({
      code: 'FB-VSPHERE-005',
      values: {
        account: ACCOUNT,
        privilege: 'VirtualMachine.Inventory.Unregister',
        object: 'Berlin (Folder group-v3)',
        method: 'UnregisterVM',
      },
    });
  });

  it('says so too when the name of the object must not be read either', async () => {
    const detail = '<object type="Folder">group-v3</object><privilegeId>A.B</privilegeId>';
    server.script('UnregisterVM', { fault: 'NoPermission', detail });
    server.script('RetrievePropertiesEx', { fault: 'NoPermission', detail });
    const values = { object: 'Folder group-v3', privilege: 'A.B' };
    expect(await errorOf(session.call('UnregisterVM', VM, {}))).toMatchObject({
      code: 'FB-VSPHERE-005',
      values,
    });
  });

  it.each([
    ['RestrictedVersion', '', 'FB-VSPHERE-006', {}],
    [
      'NoDiskSpace',
      '<file>[ds1] a</file><datastore>ds1</datastore>',
      'FB-VSPHERE-007',
      { datastore: 'ds1' },
    ],
    ['FileLocked', '<file>[ds1] a</file>', 'FB-VSPHERE-008', {}],
    ['TaskInProgress', '', 'FB-VSPHERE-008', {}],
    [
      'GenericVmConfigFault',
      '<faultMessage><key>vob.file.failed</key><message>Look-up failed</message></faultMessage>' +
        '<faultMessage><key>vob.file.failed</key><message>Look-up failed</message></faultMessage>' +
        '<faultMessage><key>msg.fileio.lock</key><message>Failed to lock the file</message></faultMessage>' +
        '<reason>Not now</reason>',
      'FB-VSPHERE-008',
      { reason: 'Not now. Look-up failed. Failed to lock the file.' },
    ],
    [
      'CannotAccessFile',
      '<faultMessage><key>msg.fileio.lock</key></faultMessage><file>[ds1] a</file>',
      'FB-VSPHERE-008',
      { reason: 'Not now.' },
    ],
    [
      'GenericVmConfigFault',
      '<faultMessage><key>msg.block.clock</key><message>The clock blocks</message></faultMessage>',
      'FB-VSPHERE-009',
      { reason: 'Not now. The clock blocks.' },
    ],
    [
      'InvalidArgument',
      '<faultMessage><key>msg.fileio.lock</key></faultMessage>',
      'FB-VSPHERE-009',
      {},
    ],
    ['HostNotConnected', '', 'FB-VSPHERE-010', {}],
    ['InvalidState', '', 'FB-VSPHERE-009', { fault: 'InvalidState', reason: 'Not now.' }],
  ])('explains the fault %s', async (fault, detail, code, values) => {
    server.script('UnregisterVM', { fault, detail, text: 'Not now' });
    expect(await errorOf(session.call('UnregisterVM', VM, {}))).toMatchObject({ code, values });
  });

  it('says what it did not understand', async () => {
    server.script('RetrieveServiceContent', {
      returned: '<returnval><rootFolder>1</rootFolder></returnval>',
    });
    const error = await errorOf(session.content());
    expect(error).toMatchObject({ code: 'FB-VSPHERE-012' });
    expect(error.message).toContain('rootFolder');
    expect(lines).toEqual([]);
  });

  it('says that nobody listens', async () => {
    await server.stop();
    expect(await errorOf(session.content())).toMatchObject({ code: 'FB-VSPHERE-003' });
  });
});

describe('the certificate of a vSphere server', () => {
  let server: FakeVimServer;
  let pair: PemPair;
  beforeEach(async () => {
    pair = (await createLabCertificates()).server;
    server = await FakeVimServer.start(pair);
  });
  afterEach(async () => server.stop());

  const connect = async (thumbprint?: string): Promise<unknown> => {
    const { session } = aSession(server.url, thumbprint === undefined ? {} : { thumbprint });
    const outcome = await session.content().then(
      ({ about }) => about.version,
      (error: unknown) => error,
    );
    await session.close();
    return outcome;
  };

  it('is accepted by its thumbprint, SHA-256 or SHA-1, in any writing', async () => {
    const { fingerprint256, fingerprint } = new X509Certificate(pair.certificatePem);
    expect(await connect(fingerprint256)).toBe('8.0.3');
    expect(await connect(fingerprint256.replaceAll(':', '').toLowerCase())).toBe('8.0.3');
    expect(await connect(fingerprint)).toBe('8.0.3');
  });

  it.each([
    ['SHA-256', 'AA:'.repeat(31) + 'AA', 'fingerprint256'],
    ['SHA-1', 'BB:'.repeat(19) + 'BB', 'fingerprint'],
  ] as const)(
    'with another %s thumbprint is refused before anything is sent, and both are named',
    async (_name, expected, kind) => {
      const actual = new X509Certificate(pair.certificatePem)[kind];
      expect(await connect(expected)).toMatchObject({
        code: 'FB-VSPHERE-001',
        values: { expected, actual },
      });
      expect(server.calls).toEqual([]);
    },
  );

  it('that nobody vouches for is refused without a thumbprint', async () => {
    expect(await connect()).toMatchObject({ code: 'FB-VSPHERE-002' });
    expect(server.calls).toEqual([]);
  });
});
