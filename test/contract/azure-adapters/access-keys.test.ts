import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Pipeline } from '@azure/core-rest-pipeline';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ArmAccessKeys } from '../../../shared/adapters/azure/access-keys.ts';
import { type LabAzure, startLabAzure, SUBSCRIPTION } from '../../support/lab-azure.ts';

const SITE = `/subscriptions/${SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Web/sites/app`;
const KEYS = {
  master: 'the-master-key',
  durable: 'the-system-key',
  host: { default: 'the-default-key', 'reader-1': 'the-reader-key' },
  functions: { getFailback: { 'only-here': 'the-function-key', _master: 'a-lookalike' } },
};

let lab: LabAzure;
let nowMs: number;
let asked: string[];
let keys: ArmAccessKeys;

const setKeys = (changed: object): void =>
  writeFileSync(join(lab.folder, 'keys.json'), JSON.stringify({ ...KEYS, ...changed }));

beforeAll(async () => {
  lab = await startLabAzure();
});
afterAll(async () => lab.stop());

beforeEach(() => {
  nowMs = 1_800_000_000_000;
  asked = [];
  setKeys({});
  const counting = {
    sendRequest: async (...sent: Parameters<Pipeline['sendRequest']>) => {
      asked.push(new URL(sent[1].url).pathname.slice(SITE.length + 1));
      return lab.pipeline.sendRequest(...sent);
    },
  } as Pipeline;
  const settings = { functionAppId: SITE, endpoint: lab.arm.endpoint };
  keys = new ArmAccessKeys(settings, counting, { now: () => new Date(nowMs) });
});

describe('the keys of the Function App', () => {
  it.each([
    ['the-master-key', '_master'],
    ['the-default-key', 'default'],
    ['the-reader-key', 'reader-1'],
    ['the-function-key', 'only-here'],
  ])('give %s its name', async (key, name) => {
    expect(await keys.nameOf(key, 'getFailback')).toBe(name);
  });

  it.each([
    ['a system key', 'the-system-key'],
    ['a function key that is named like the master key', 'a-lookalike'],
    ['a beginning of a key', 'the-master'],
    ['another text', 'nothing'],
    ['no text', ''],
  ])('give %s no name', async (_what, key) => {
    expect(await keys.nameOf(key, 'getFailback')).toBeNull();
  });

  it('open no function with the key of another', async () => {
    expect(await keys.nameOf('the-function-key', 'listFailbacks')).toBeNull();
  });

  it('are asked for once in five minutes, then again', async () => {
    for (let call = 0; call < 3; call += 1) await keys.nameOf('the-reader-key', 'getFailback');
    expect(asked).toEqual(['host/default/listkeys']);
    setKeys({ host: { default: 'the-default-key' } });
    nowMs += 5 * 60_000 - 1;
    expect(await keys.nameOf('the-reader-key', 'getFailback')).toBe('reader-1');
    nowMs += 1;
    expect(await keys.nameOf('the-reader-key', 'getFailback')).toBeNull();
  });

  it('are asked for again at a key nobody knows, at most every half minute', async () => {
    await keys.nameOf('the-reader-key', 'getFailback');
    setKeys({ host: { 'operator-2': 'a-new-key' } });
    nowMs += 29_999;
    expect(await keys.nameOf('a-new-key', 'getFailback')).toBeNull();
    nowMs += 1;
    expect(await keys.nameOf('a-new-key', 'getFailback')).toBe('operator-2');
    asked = [];
    for (let call = 0; call < 5; call += 1) await keys.nameOf('a guess', 'getFailback');
    expect(asked).toEqual([]);
  });

  it('are asked for once by several requests at the same time', async () => {
    const all = ['the-reader-key', 'the-default-key', 'the-master-key'];
    const names = await Promise.all(all.map((key) => keys.nameOf(key, 'getFailback')));
    expect(names).toEqual(['reader-1', 'default', '_master']);
    expect(asked).toEqual(['host/default/listkeys']);
  });

  it('go on being known while Azure cannot be asked, but nobody gets in before it was', async () => {
    const forbid = (): void =>
      lab.arm.inject({ operation: 'webApps.listHostKeys', status: 403, code: 'No', times: 1 });
    forbid();
    const first = keys.nameOf('the-reader-key', 'getFailback');
    await expect(first).rejects.toMatchObject({ code: 'FB-AZ-001' });
    expect(await keys.nameOf('the-reader-key', 'getFailback')).toBe('reader-1');
    nowMs += 6 * 60_000;
    forbid();
    expect(await keys.nameOf('the-reader-key', 'getFailback')).toBe('reader-1');
  });
});
