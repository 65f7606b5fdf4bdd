import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Job } from '../../../shared/domain/job.ts';
import type { Phase } from '../../../shared/domain/phases.ts';
import { aCommand, anItem, aJob, aProgress } from '../../support/memory/builders.ts';
import { type Called, callRoute, problemOf } from '../../support/memory/call-route.ts';
import { aWorld, type MemoryWorld } from '../../support/memory/memory-world.ts';

let world: MemoryWorld;
const OTHER = '"0123456789abcdef-0123456789abcdef"';

beforeEach(() => {
  world = aWorld();
  world.stores.items.put(anItem());
});

const body = {
  name: 'web-01',
  origin: 'VMware',
  resourceGroup: 'rg-dr',
  vmName: 'web-01-azure',
  target: { configurationServer: 'cs1', masterTarget: 'mt1', vmName: 'web-01' },
};
const item = async (headers = {}, id = 'web-01'): Promise<Called> =>
  callRoute(world, 'getProtectedItem', { params: { id }, headers });
const put = async (headers = {}, id = 'web-01'): Promise<Called> =>
  callRoute(world, 'putProtectedItem', { params: { id }, body, headers });
const remove = async (headers = {}, id = 'web-01'): Promise<Called> =>
  callRoute(world, 'deleteProtectedItem', { params: { id }, headers });
const job = async (headers = {}): Promise<Called> =>
  callRoute(world, 'getFailback', { params: { id: 'fb-1' }, headers });
const cancel = async (headers = {}): Promise<Called> =>
  callRoute(world, 'actOnFailback', { params: { id: 'fb-1', action: 'cancel' }, headers });
const etagOf = ({ headers }: Called): string => headers['etag'] ?? 'none';

describe('a read', () => {
  it('that has the answer already is told so, without a body', async () => {
    const etag = etagOf(await item());
    for (const known of [etag, `W/${etag}`, `${OTHER}, ${etag}`, '*']) {
      const again = await item({ 'if-none-match': known });
      expect([again.status, again.json, etagOf(again)]).toEqual([304, null, etag]);
    }
    expect((await item({ 'if-none-match': OTHER })).status).toBe(200);
  });

  it('gets the whole answer after a change, but not because time went by', async () => {
    world.stores.items.put(anItem({ lastRecoveryPointAt: world.clock.now().toISOString() }));
    const etag = etagOf(await item());
    // Any longer, and its agents would have fallen silent, which is a change.
    world.clock.advance(30_000);
    expect((await item({ 'if-none-match': etag })).status).toBe(304);
    world.stores.items.put(anItem({ name: 'renamed' }));
    expect((await item({ 'if-none-match': etag })).status).toBe(200);
  });

  it('of a job gets its progress, though the record of the job is the same', async () => {
    world.stores.commands.put(aCommand({ progress: aProgress({ bytesDone: 1 }) }));
    const etag = etagOf(await job());
    expect((await job({ 'if-none-match': etag })).status).toBe(304);
    world.stores.commands.put(aCommand({ progress: aProgress({ bytesDone: 2 }) }));
    const moved = await job({ 'if-none-match': etag });
    expect(moved.status).toBe(200);
    // The job is still the one that was seen.
    expect((await cancel({ 'if-match': etag })).status).toBe(202);
  });
});

describe('a write with If-Match', () => {
  it('is done to what the caller saw, and says what it is now', async () => {
    const seen = etagOf(await item());
    const written = await put({ 'if-match': seen });
    expect(written.status).toBe(200);
    expect(etagOf(written)).toBe(etagOf(await item()));
    expect(etagOf(written)).not.toBe(seen);
  });

  it.each([
    ['putProtectedItem', put],
    ['deleteProtectedItem', remove],
    ['actOnFailback', cancel],
  ])('(%s) is refused when somebody was faster, and changes nothing', async (_name, write) => {
    const items = world.stores.items.all();
    const jobs = world.stores.jobs.all();
    for (const tag of [OTHER, '"x"', 'nonsense', '']) {
      const refused = await write({ 'if-match': tag });
      expect(problemOf(refused)).toMatchObject({ status: 412, code: 'FB-REQ-008' });
    }
    expect(world.stores.items.all()).toEqual(items);
    expect(world.stores.jobs.all()).toEqual(jobs);
  });

  it('of a job is refused when the job went on meanwhile', async () => {
    const seen = etagOf(await job());
    world.stores.jobs.put(aJob({ phase: 'replicating' }));
    expect((await cancel({ 'if-match': seen })).status).toBe(412);
    expect(world.stores.jobs.must('fb-1').intents).toEqual({});
    expect((await cancel({ 'if-match': etagOf(await job()) })).status).toBe(202);
  });

  it('of any state (*) needs that there is one', async () => {
    expect((await put({ 'if-match': '*' })).status).toBe(200);
    expect((await put({ 'if-match': '*' }, 'new-one')).status).toBe(412);
    expect(await world.stores.items.get('new-one')).toBeNull();
  });
});

describe('a write that may only create', () => {
  it('creates, and leaves alone what is there', async () => {
    const create = { 'if-none-match': '*' };
    const before = world.stores.items.must('web-01');
    const refused = await put(create);
    expect(problemOf(refused)).toMatchObject({ status: 412, code: 'FB-REQ-025' });
    expect(world.stores.items.must('web-01')).toEqual(before);
    const made = await put(create, 'new-one');
    expect(made.status).toBe(201);
    expect(etagOf(made)).toBe(etagOf(await item({}, 'new-one')));
  });
});

describe('DELETE /api/protected-items/{id}', () => {
  it.each([
    'failedOver',
    'committing',
    'waitingForAgent',
    'reverseReplicating',
    'protected',
    'rollingBack',
  ] as const)('lets a machine go that is %s', async (phase) => {
    world.stores.items.put(anItem({ phase }));
    expect(await remove({ 'if-match': etagOf(await item()) })).toMatchObject({
      status: 204,
      json: null,
    });
    expect((await item()).status).toBe(404);
    expect((await remove()).status).toBe(404);
  });

  it.each(['preparing', 'replicating', 'finalDelta', 'bootFailed', 'commitPending'] as const)(
    'keeps one that is %s',
    async (phase) => {
      world.stores.items.put(anItem({ phase }));
      expect(problemOf(await remove())).toMatchObject({ status: 409, code: 'FB-REQ-026' });
      expect((await item()).status).toBe(200);
    },
  );

  const heldIn = (phase: Phase, changes: Partial<Job> = {}): Job => {
    const held = aJob({ phase, ...changes });
    world.stores.items.put(anItem({ phase, activeJobId: held.id }));
    world.stores.jobs.put(held);
    return held;
  };

  it.each(['failedOver', 'committing', 'rollingBack'] as const)(
    'keeps one that a job works on in %s, and lets go one whose job has ended',
    async (phase) => {
      const held = heldIn(phase);
      world.orchestrator.running.add(held.instanceId);
      expect(problemOf(await remove())).toMatchObject({ status: 409, code: 'FB-REQ-003' });
      expect(world.stores.jobs.must(held.id)).toEqual(held);
      world.stores.jobs.put({ ...held, state: 'failed' });
      expect((await remove()).status).toBe(204);
    },
  );

  it.each(['waitingForAgent', 'reverseReplicating'] as const)(
    'tells the job that only waits or sends in %s to end',
    async (phase) => {
      const held = heldIn(phase);
      world.orchestrator.running.add(held.instanceId);
      expect((await remove()).status).toBe(204);
      const { state, intents } = world.stores.jobs.must(held.id);
      expect([state, Object.keys(intents)]).toEqual([held.state, ['cancel']]);
    },
  );

  it('ends a failback whose orchestration was stopped from outside', async () => {
    const held = heldIn('rollingBack');
    expect((await remove()).status).toBe(204);
    expect(world.stores.jobs.must(held.id)).toMatchObject({
      state: 'failed',
      error: { code: 'FB-ORC-012' },
    });
  });

  it.each([
    ['was recorded and may be about to start', { state: 'queued' }],
    ['is a rehearsal, which leaves a copy behind', { operation: 'rehearsal' }],
  ] as const)('keeps one whose job %s', async (_what, changes) => {
    const held = heldIn('failedOver', changes);
    expect(problemOf(await remove())).toMatchObject({ status: 409, code: 'FB-REQ-003' });
    expect(world.stores.jobs.must(held.id)).toEqual(held);
  });

  it('keeps one that a job takes at the same moment', async () => {
    world.stores.items.beforeReplace = (id) => {
      world.stores.items.beforeReplace = () => undefined;
      world.stores.items.put({ ...world.stores.items.must(id), activeJobId: 'fb-2' });
    };
    expect(problemOf(await remove())).toMatchObject({ status: 412, code: 'FB-REQ-008' });
    expect(world.stores.items.must('web-01').activeJobId).toBe('fb-2');
  });
});
