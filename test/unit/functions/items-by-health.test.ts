import { beforeEach, describe, expect, it } from '@jest/globals';
import { errorRecord } from '../../../shared/errors/failback-error.ts';
import type { HealthState } from '../../../shared/domain/health.ts';
import { anItem, aJob, NOW } from '../../support/memory/builders.ts';
import { callRoute, problemOf } from '../../support/memory/call-route.ts';
import { aWorld, type MemoryWorld } from '../../support/memory/memory-world.ts';

let world: MemoryWorld;

beforeEach(() => {
  world = aWorld();
  for (const { id } of world.stores.items.all()) void world.stores.items.delete(id, '1');
});

/** Machines in the order of their ids: one that is watched by nobody is critical, a job that failed is a warning. */
function put(healths: readonly HealthState[]): void {
  for (const [index, health] of healths.entries()) {
    const id = `m-${String(index).padStart(4, '0')}`;
    const item = anItem({ id, name: id });
    const target = { ...item.target, configurationServer: 'gone' };
    const sick = { phase: 'replicating', target } as const;
    if (health === 'Warning') putFailed(id);
    world.stores.items.put({
      ...item,
      ...(health === 'Critical' ? sick : {}),
      ...(health === 'Warning' ? { lastJobId: `fb-${id}` } : {}),
    });
  }
}

function putFailed(itemId: string): void {
  const error = errorRecord('FB-ORC-006', { mismatches: 1, vmName: itemId });
  world.stores.jobs.put(aJob({ id: `fb-${itemId}`, itemId, state: 'failed', endedAt: NOW, error }));
}

interface Listed {
  readonly value: readonly { readonly id: string; readonly health: string }[];
  readonly nextLink?: string;
}

/** All pages, as a client follows them. */
async function pages(query: Record<string, string>): Promise<readonly string[][]> {
  const all: string[][] = [];
  let token: string | null = null;
  do {
    const next: Record<string, string> = token === null ? {} : { continuationToken: token };
    const { json } = await callRoute(world, 'listProtectedItems', { query: { ...query, ...next } });
    const { value, nextLink } = json as Listed;
    all.push(value.map(({ id }) => id));
    token = nextLink === undefined ? null : new URL(nextLink).searchParams.get('continuationToken');
  } while (token !== null);
  return all;
}

const OF = ['OK', 'Critical', 'Warning', 'OK', 'Critical', 'Critical', 'OK'] as const;

describe('GET /api/protected-items?health=', () => {
  it.each([
    ['OK', ['m-0000', 'm-0003', 'm-0006']],
    ['Warning', ['m-0002']],
    ['Critical', ['m-0001', 'm-0004', 'm-0005']],
  ] as const)('%s gives %j', async (health, ids) => {
    put(OF);
    expect(await pages({ health })).toEqual([ids]);
  });

  it.each([1, 2, 3, 4])('neither skips nor repeats a machine in pages of %d', async (limit) => {
    put(OF);
    const all = await pages({ health: 'Critical', limit: String(limit) });
    expect(all.flat()).toEqual(['m-0001', 'm-0004', 'm-0005']);
    expect(Math.max(...all.map((page) => page.length))).toBeLessThanOrEqual(limit);
  });

  it('fills a page from beyond what is looked at in one go', async () => {
    const healths = Array.from({ length: 250 }, (_, index) =>
      index % 60 === 59 ? ('Critical' as const) : ('OK' as const),
    );
    put(healths);
    const ids = ['m-0059', 'm-0119', 'm-0179', 'm-0239'];
    expect(await pages({ health: 'Critical', limit: '2' })).toEqual([
      ids.slice(0, 2),
      ids.slice(2),
    ]);
    expect((await pages({ health: 'Critical', limit: '500' })).flat()).toEqual(ids);
  });

  it('ends a page after a thousand machines, and goes on behind them', async () => {
    put([...Array<HealthState>(1_100).fill('OK'), 'Warning']);
    const all = await pages({ health: 'Warning' });
    expect(all).toEqual([[], ['m-1100']]);
  });

  it('goes together with the other filters', async () => {
    put(OF);
    expect(await pages({ health: 'Critical', name: 'M-0004' })).toEqual([['m-0004']]);
    expect(await pages({ health: 'Critical', phase: 'protected' })).toEqual([[]]);
  });

  it('refuses a health that there is not', async () => {
    const answer = await callRoute(world, 'listProtectedItems', { query: { health: 'ok' } });
    expect(problemOf(answer)).toMatchObject({ status: 400, code: 'FB-REQ-001' });
  });
});
