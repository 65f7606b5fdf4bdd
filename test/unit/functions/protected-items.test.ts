import { beforeEach, describe, expect, it } from '@jest/globals';
import { protectedItemViewSchema } from '../../../shared/contracts/http-api.ts';
import { PHASES } from '../../../shared/domain/phases.ts';
import { diskShapeOf, originalVmIdOf } from '../../../shared/domain/protected-item.ts';
import { anItem, aVm, POINTS } from '../../support/memory/builders.ts';
import { callRoute, problemOf } from '../../support/memory/call-route.ts';
import { aWorld, type MemoryWorld, stateOf } from '../../support/memory/memory-world.ts';
import { must } from '../../support/must.ts';

let world: MemoryWorld;
const body = {
  name: 'Web server 2',
  origin: 'VMware',
  resourceGroup: 'rg-dr',
  vmName: 'web-01-azure',
  target: {
    configurationServer: 'cs1',
    masterTarget: 'mt1',
    vmName: 'web-02',
    networks: [{ name: 'VM Network' }],
  },
};
const put = (id: string, sent: unknown = body) =>
  callRoute(world, 'putProtectedItem', { params: { id }, body: sent });

beforeEach(() => {
  world = aWorld();
});

describe('PUT /api/protected-items/{id}', () => {
  it('takes a machine under care with the disks and the system it has in Azure', async () => {
    const answer = await put('web-02');
    expect(answer.status).toBe(201);
    expect(protectedItemViewSchema.parse(answer.json)).toMatchObject({
      id: 'web-02',
      phase: 'failedOver',
      direction: 'none',
      osType: 'Linux',
      disks: aVm().disks.map(({ kind: _shownByName, ...disk }) => disk),
      rpoSeconds: null,
    });
    expect(world.stores.items.must('web-02')).toEqual(
      anItem({
        azureVmId: 'azure-vm-1',
        failoverRecord: { configurationServer: 'cs1' },
        id: 'web-02',
        name: 'Web server 2',
        target: { ...body.target },
        disks: aVm().disks,
      }),
    );
  });

  it('remembers which VM it was on-premises, and which of its disks are which', async () => {
    const vmId = '52aa0000-0000-4000-8000-000000000001';
    const target = { ...body.target, vmId, disks: { 'lun-0': 'scsi0:2' } };
    expect((await put('web-02', { ...body, target })).status).toBe(201);
    const item = world.stores.items.must('web-02');
    expect(originalVmIdOf(item)).toBe(vmId);
    expect(originalVmIdOf({ ...item, onPremisesVmId: 'prepared' })).toBe('prepared');
    expect(item.disks.map((disk) => diskShapeOf(item, disk).onPremisesDisk)).toContain('scsi0:2');
  });

  it('keeps that a migration was completed until somebody says that it was not', async () => {
    const recorded = (): boolean | undefined =>
      world.stores.items.must('web-02').failoverRecord?.isMigrationCompleted;
    await put('web-02');
    expect(recorded()).toBeUndefined();
    await put('web-02', { ...body, failover: { isMigrationCompleted: true } });
    await put('web-02', { ...body, name: 'described anew' });
    expect(recorded()).toBe(true);
    await put('web-02', { ...body, failover: { isMigrationCompleted: false } });
    expect(recorded()).toBe(false);
  });

  it('takes what is said of the VM that is lost, and of disks that it never had', async () => {
    const failover = { isOriginalVmGone: true, disksAddedInAzure: ['lun-1'] };
    expect((await put('web-02', { ...body, failover })).status).toBe(201);
    expect(world.stores.items.must('web-02').failoverRecord).toMatchObject(failover);
    // Neither holds for ever: who describes the machine anew has to say it again.
    const again = await put('web-02');
    expect(protectedItemViewSchema.parse(again.json).failover).toEqual({
      configurationServer: 'cs1',
    });
  });

  it.each([['auto'], [undefined]])('names no master target when it is %s', async (masterTarget) => {
    const { masterTarget: _named, ...target } = body.target;
    const sent = { ...target, ...(masterTarget === undefined ? {} : { masterTarget }) };
    expect((await put('web-02', { ...body, target: sent })).status).toBe(201);
    expect(world.stores.items.must('web-02').target).toEqual(target);
    expect((await callRoute(world, 'getProtectedItem', { params: { id: 'web-02' } })).status).toBe(
      200,
    );
  });

  it('takes a physical machine as the target, which preflight then refuses, and nothing else', async () => {
    const wished = (kind: string): object => ({ ...body, target: { ...body.target, kind } });
    expect((await put('web-02', wished('physicalMachine'))).status).toBe(201);
    expect(world.stores.items.must('web-02').target.kind).toBe('physicalMachine');
    expect((await put('web-02', wished('virtualMachine'))).status).toBe(200);
    expect(world.stores.items.must('web-02').target).toEqual(body.target);
    expect((await put('web-02', wished('container'))).status).toBe(400);
  });

  it('remembers the IPv6 address of a card, and takes no other text for one', async () => {
    const six = { staticIpv6Address: '2001:db8::15', ipv6PrefixLength: 64, ipv6Gateway: 'fe80::1' };
    const network = { name: 'VM Network', ...six, dnsServers: ['10.0.0.2', '2001:db8::2'] };
    const sent = (change: object): object => ({
      ...body,
      target: { ...body.target, networks: [{ ...network, ...change }] },
    });
    expect((await put('web-02', sent({}))).status).toBe(201);
    expect(world.stores.items.must('web-02').target.networks).toEqual([network]);
    for (const wrong of [{ staticIpv6Address: '10.0.0.1' }, { ipv6PrefixLength: 129 }]) {
      expect((await put('web-02', sent(wrong))).status).toBe(400);
    }
    expect((await put('web-02', sent({ dnsServers: ['"; reboot'] }))).status).toBe(400);
  });

  it('remembers of a disk that it is a page blob in somebody’s account', async () => {
    const blob = {
      id: 'os',
      isOsDisk: true,
      diskName: 'https://account.example/vhds/os.vhd',
      kind: 'pageBlob',
      sizeBytes: 512,
    } as const;
    world.vms.must('rg-dr/web-01-azure').description = aVm({ disks: [blob] });
    expect((await put('web-02')).status).toBe(201);
    expect(world.stores.items.must('web-02').disks).toEqual([blob]);
  });

  it('starts without recovery points: those of an earlier life are no base any more', async () => {
    world.stores.items.put(anItem({ recoveryPoints: POINTS }));
    expect((await put('web-01')).status).toBe(200);
    expect(world.stores.items.must('web-01').recoveryPoints ?? []).toEqual([]);
  });

  it('repeated, keeps which job had it last, and what was measured', async () => {
    const kept = { lastJobId: 'fb-1', bootSeconds: 90, changeBytesPerDay: 7 };
    world.stores.items.put(anItem(kept));
    expect((await put('web-01')).status).toBe(200);
    expect(world.stores.items.must('web-01')).toMatchObject(kept);
  });

  describe('repeated after a failback that was taken back', () => {
    const vmId = '52aa0000-0000-4000-8000-000000000001';
    const other = '52aa0000-0000-4000-8000-000000000002';
    const afterPutOf = async (change: object, before: object = {}): Promise<string | null> => {
      const target = { ...body.target, networks: [...body.target.networks] };
      const known = { id: 'web-02', target: { ...target, ...before }, onPremisesVmId: vmId };
      world.stores.items.put(anItem(known));
      expect((await put('web-02', { ...body, target: { ...target, ...change } })).status).toBe(200);
      return originalVmIdOf(world.stores.items.must('web-02'));
    };

    it.each([
      ['nothing', {}, {}],
      ['another network', { networks: [{ name: 'DMZ' }] }, {}],
      ['another master target', { masterTarget: 'mt2' }, {}],
      ['the id that it was given before', { vmId: other }, { vmId: other }],
      ['no id where one was given before', {}, { vmId: other }],
    ])('knows which VM is its own where it says %s', async (_what, change, before) => {
      expect(await afterPutOf(change, before)).toBe(vmId);
    });

    it.each([
      ['another name', { vmName: 'web-03' }, null],
      ['another configuration server', { configurationServer: 'cs2' }, null],
      ['another id', { vmId: other }, other],
    ])('takes another VM for its own where it says %s', async (_what, change, expected) => {
      expect(await afterPutOf(change)).toBe(expected);
    });
  });

  it('repeated, answers the same and reads the disks in anew', async () => {
    await put('web-02');
    const first = world.stores.items.must('web-02');
    const again = await put('web-02');
    expect(again.status).toBe(200);
    expect(world.stores.items.must('web-02')).toEqual(first);

    const [os] = aVm().disks;
    world.vms.must('rg-dr/web-01-azure').description = aVm({
      disks: [must(os, 'the system disk')],
    });
    await put('web-02');
    expect(world.stores.items.must('web-02').disks).toEqual([os]);
  });

  it('is refused while a job works on the machine', async () => {
    const before = stateOf(world);
    const answer = await put('web-01');
    expect(problemOf(answer)).toMatchObject({ status: 409, code: 'FB-REQ-003' });
    expect(stateOf(world)).toEqual(before);
  });

  it.each(PHASES.filter((phase) => phase !== 'failedOver'))(
    'is refused for a machine in %s: its disks are in use elsewhere',
    async (phase) => {
      world.stores.items.put(anItem({ phase }));
      const answer = await put('web-01');
      expect(problemOf(answer)).toMatchObject({ status: 409, code: 'FB-REQ-005' });
      expect(world.stores.items.must('web-01')).toEqual(anItem({ phase }));
    },
  );

  it('says that Azure has no such VM, and keeps nothing', async () => {
    const answer = await put('web-02', { ...body, vmName: 'nobody' });
    expect(problemOf(answer)).toMatchObject({
      status: 404,
      detail: 'There is no Azure VM with the id nobody.',
    });
    expect(await world.stores.items.get('web-02')).toBeNull();
  });

  it('names every fault of the body by its path', async () => {
    const faulty = {
      ...body,
      origin: 'Xen',
      target: { ...body.target, masterTarget: 'a/b' },
      x: 1,
    };
    const answer = await put('web-02', faulty);
    const problem = problemOf(answer);
    expect(problem).toMatchObject({ status: 400, code: 'FB-REQ-001' });
    expect(problem.problems?.map(({ path }) => path).toSorted()).toEqual([
      '',
      'origin',
      'target.masterTarget',
    ]);
    for (const { path } of problem.problems ?? []) expect(problem.detail).toContain(path);
  });

  it.each(['a.b', '-x', 'a b', 'x'.repeat(61)])('refuses the id %j', async (id) => {
    const answer = await put(id);
    expect(problemOf(answer)).toMatchObject({ status: 400, problems: [{ path: 'id' }] });
    expect(await world.stores.items.get(id)).toBeNull();
  });

  it('tells the one who was slower to send the request again', async () => {
    world.stores.items.put(anItem());
    world.stores.items.beforeReplace = () => {
      world.stores.items.beforeReplace = () => undefined;
      world.stores.items.put(anItem({ activeJobId: 'fb-7' }));
    };
    expect(problemOf(await put('web-01'))).toMatchObject({ status: 412, code: 'FB-REQ-008' });
    expect(world.stores.items.must('web-01').activeJobId).toBe('fb-7');
  });
});

describe('GET /api/protected-items', () => {
  it('lists the machines as each is shown alone', async () => {
    const { json } = await callRoute(world, 'listProtectedItems');
    const one = await callRoute(world, 'getProtectedItem', { params: { id: 'web-01' } });
    expect(json).toEqual({ value: [one.json] });
    expect(protectedItemViewSchema.parse(one.json).activeJobId).toBe('fb-1');
    expect(one.headers['etag']).toMatch(/^"[0-9a-f]{16}-[0-9a-f]{16}"$/);
  });

  it('says that there is no such machine', async () => {
    const answer = await callRoute(world, 'getProtectedItem', { params: { id: 'nobody' } });
    expect(problemOf(answer)).toMatchObject({ status: 404, code: 'FB-REQ-002' });
  });
});
