import { beforeEach, describe, expect, it } from '@jest/globals';
import { protectedItemViewSchema } from '../../../shared/contracts/http-api.ts';
import { PHASES } from '../../../shared/domain/phases.ts';
import { anItem, aVm } from '../../support/memory/builders.ts';
import { callRoute, problemOf } from '../../support/memory/call-route.ts';
import { aWorld, type MemoryWorld, stateOf } from '../../support/memory/memory-world.ts';

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
      disks: aVm().disks,
      rpoSeconds: null,
    });
    expect(world.stores.items.must('web-02')).toEqual(
      anItem({
        id: 'web-02',
        name: 'Web server 2',
        target: { ...body.target },
      }),
    );
  });

  it('repeated, answers the same and reads the disks in anew', async () => {
    await put('web-02');
    const first = world.stores.items.must('web-02');
    const again = await put('web-02');
    expect(again.status).toBe(200);
    expect(world.stores.items.must('web-02')).toEqual(first);

    const [os] = aVm().disks;
    world.vms.vms.get('rg-dr/web-01-azure')!.description = aVm({ disks: [os!] });
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

  it.each(['a.b', '-x', 'a b'])('refuses the id %j', async (id) => {
    expect((await put(id)).status).toBe(400);
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
    expect(one.headers['etag']).toBe('1');
  });

  it('says that there is no such machine', async () => {
    const answer = await callRoute(world, 'getProtectedItem', { params: { id: 'nobody' } });
    expect(problemOf(answer)).toMatchObject({ status: 404, code: 'FB-REQ-002' });
  });
});
