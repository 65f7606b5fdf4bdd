import { beforeEach, describe, expect, it } from '@jest/globals';
import { FailbackError } from '../../../shared/errors/failback-error.ts';
import { anItem } from '../../support/memory/builders.ts';
import { type Called, callRoute, problemOf } from '../../support/memory/call-route.ts';
import { OPERATOR_KEY } from '../../support/memory/memory-access-keys.ts';
import { aWorld, type MemoryWorld } from '../../support/memory/memory-world.ts';

const DAY_MS = 24 * 3_600_000;
let world: MemoryWorld;

beforeEach(() => {
  world = aWorld();
  world.stores.items.put(anItem());
  world.stores.items.put(anItem({ id: 'web-02', name: 'web-02' }));
});

interface Start {
  readonly name?: string;
  readonly item?: string;
  readonly key?: string;
}

const start = async (idempotencyKey: string | null, options: Start = {}): Promise<Called> => {
  const { name = 'createFailback', item = 'web-01', key } = options;
  return callRoute(world, name, {
    headers: idempotencyKey === null ? {} : { 'idempotency-key': idempotencyKey },
    body: { protectedItemId: item },
    ...(key === undefined ? {} : { key }),
  });
};

const idOf = ({ json }: Called): unknown => (json as { id: unknown }).id;

describe('a POST with an idempotency key', () => {
  it('that comes again is answered as the first time, and does nothing', async () => {
    const first = await start('abc');
    expect(first.status).toBe(202);
    expect(first.headers['idempotency-replayed']).toBeUndefined();
    const started = [...world.orchestrator.started];
    const again = await start('abc');
    expect(again).toMatchObject({ status: 202, json: first.json });
    expect(again.headers).toEqual({ ...first.headers, 'idempotency-replayed': 'true' });
    expect(world.orchestrator.started).toEqual(started);
  });

  it('would, without one, do it again: here it is refused', async () => {
    expect((await start(null)).status).toBe(202);
    world.orchestrator.running.add('fb-1-failback');
    expect((await start(null)).status).toBe(409);
    expect(world.stores.idempotency.all()).toEqual([]);
  });

  it('that comes with another body is refused, and does nothing', async () => {
    await start('abc');
    const other = await start('abc', { item: 'web-02' });
    expect(problemOf(other)).toMatchObject({ status: 422, code: 'FB-REQ-023' });
    expect(world.stores.items.must('web-02').activeJobId).toBeNull();
  });

  it('is another one to another caller and to another route', async () => {
    const first = await start('abc');
    const other = await start('abc', { item: 'web-02', key: OPERATOR_KEY });
    expect(other.status).toBe(202);
    expect(idOf(other)).not.toBe(idOf(first));
    const rehearsal = await start('abc', { name: 'createRehearsal', item: 'web-02' });
    expect(problemOf(rehearsal).code).not.toBe('FB-REQ-023');
  });

  it('is refused while the first one runs, and answered once that has ended', async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    world.stores.items.beforeReplace = async () => held;
    const first = start('abc');
    await new Promise((resolve) => setImmediate(resolve));
    const early = await start('abc');
    expect(problemOf(early)).toMatchObject({ status: 409, code: 'FB-REQ-024' });
    release();
    const { json } = await first;
    expect(await start('abc')).toMatchObject({ status: 202, json });
  });

  it('that was refused did nothing and may be tried again with the same key', async () => {
    world.stores.items.put(anItem({ phase: 'protected' }));
    expect((await start('abc')).status).toBe(409);
    expect(world.stores.idempotency.all()).toEqual([]);
    world.stores.items.put(anItem());
    expect((await start('abc')).status).toBe(202);
  });

  it('is answered with what happened, also when that cannot be remembered', async () => {
    world.stores.idempotency.beforeReplace = () => {
      throw new FailbackError('FB-AZ-002', { operation: 'write', code: 'x', detail: 'y' });
    };
    expect((await start('abc')).status).toBe(202);
    expect(world.orchestrator.started).toHaveLength(1);
    expect((await start('abc')).status).toBe(409);
    const refused = await start('def', { item: 'unknown' });
    expect(problemOf(refused).code).toBe('FB-REQ-002');
  });

  it('whose host died is taken up after five minutes, not before', async () => {
    world.stores.items.beforeReplace = async () => new Promise<void>(() => undefined);
    void start('abc');
    await new Promise((resolve) => setImmediate(resolve));
    world.stores.items.beforeReplace = () => undefined;
    world.clock.advance(5 * 60_000 - 1);
    expect((await start('abc')).status).toBe(409);
    world.clock.advance(1);
    expect((await start('abc')).status).toBe(202);
  });

  it('is forgotten after a day, not before', async () => {
    const first = await start('abc');
    world.clock.advance(DAY_MS - 1);
    expect(idOf(await start('abc'))).toBe(idOf(first));
    world.clock.advance(1);
    world.stores.items.put(anItem());
    const later = await start('abc');
    expect(later.status).toBe(202);
    expect(idOf(later)).not.toBe(idOf(first));
  });

  it.each(['', ' ', 'x'.repeat(256), 'with space'])('cannot have the key "%s"', async (key) => {
    const refused = await start(key);
    expect(problemOf(refused)).toMatchObject({ status: 400, code: 'FB-REQ-001' });
    expect(problemOf(refused).problems?.[0]?.path).toBe('idempotency-key');
  });
});
