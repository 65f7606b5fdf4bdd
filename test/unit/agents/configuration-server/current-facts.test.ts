import { DatabaseSync } from 'node:sqlite';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { currentFacts } from '../../../../agents/configuration-server/hypervisors/vsphere/current-facts.ts';
import { InventoryTables } from '../../../../agents/configuration-server/inventory-tables.ts';
import type { VsphereFacts } from '../../../../shared/contracts/site-facts.ts';

const CONFIG = {
  masterTarget: 'mt',
  masterTargets: {},
  datastore: 'ds',
  siteKind: 'vcenter' as const,
};
const MINUTE_MS = 60_000;

describe('a look at a site that does not end', () => {
  let tables: InventoryTables;
  const warnings: string[] = [];
  const nothing = (): void => undefined;
  const log = {
    debug: nothing,
    info: nothing,
    error: nothing,
    warn: (message: string) => void warnings.push(message),
  };

  beforeEach(() => {
    tables = new InventoryTables(new DatabaseSync(':memory:'));
    warnings.length = 0;
  });

  const told = async (agesMs: { objects: number; account: number }): Promise<VsphereFacts> => {
    const at = (ageMs: number): string => new Date(Date.now() - ageMs).toISOString();
    const datastore = { kind: 'datastore', id: 'ds-1', record: { name: 'other' } } as const;
    tables.replaceAll([datastore], at(agesMs.objects));
    tables.putFact('account', { missingPrivileges: [] }, at(agesMs.account));
    const discovery = { lookNow: async () => new Promise<void>(nothing) };
    return currentFacts({ discovery, tables, config: CONFIG, log, lookMs: 1 }, { vmName: 'web' });
  };

  it('is not waited for: what was read minutes ago counts', async () => {
    const facts = await told({ objects: MINUTE_MS, account: 4 * MINUTE_MS });
    expect(facts).toMatchObject({ canSeeDatastores: true, missingPrivileges: [] });
    expect(warnings).toEqual(['the look at the inventory takes long']);
  });

  it.each([
    ['the inventory', { objects: 5 * MINUTE_MS, account: 0 }],
    ['the account', { objects: 0, account: 5 * MINUTE_MS }],
  ])('leaves nothing known when %s was read five minutes ago', async (_what, agesMs) => {
    expect(await told(agesMs)).toMatchObject({ canSeeDatastores: null, missingPrivileges: null });
  });
});
