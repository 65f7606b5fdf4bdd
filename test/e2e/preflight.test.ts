import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { TableClient } from '@azure/data-tables';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type PreflightView, preflightViewSchema } from '../../shared/contracts/http/preflight.ts';
import { TestLab } from '../support/lab/test-lab.ts';
import { waitFor } from '../support/lab/wait.ts';

const TEST_DEADLINE_MS = 180_000;
const VM = 'asked-about';
/** What other programs of the lab write whoever asks: heartbeats, and the runs and their commands themselves. */
const TABLES = ['protecteditems', 'jobs', 'recoverypoints', 'events'] as const;

describe('POST /api/preflight in a lab', () => {
  let testLab: TestLab;

  beforeAll(async () => {
    testLab = await TestLab.start();
    await testLab.seed(VM);
  }, TEST_DEADLINE_MS);

  afterAll(async () => testLab?.stop(), TEST_DEADLINE_MS);

  async function rows(table: string): Promise<readonly unknown[]> {
    const connection = testLab.lab.azurite.connectionString('failback');
    const client = TableClient.fromConnectionString(connection, table, {
      allowInsecureConnection: true,
    });
    await client.createTable();
    const found: unknown[] = [];
    for await (const entity of client.listEntities()) found.push(entity);
    return found;
  }

  /** Everything that a run must leave alone. */
  async function state(): Promise<unknown> {
    const tables = await Promise.all(TABLES.map(async (name) => [name, await rows(name)]));
    const { virtualMachines, disks, snapshots, restorePoints, nics, locks } = testLab.lab.arm.state;
    const azure = { virtualMachines, disks, snapshots, restorePoints, nics, locks };
    const site = join(testLab.folder, 'site');
    return structuredClone({ tables, azure, vms: filesIn(join(site, 'vms')) });
  }

  async function ended(answer: { status: number; body: unknown }): Promise<PreflightView> {
    const { id } = preflightViewSchema.parse(answer.body);
    return waitFor('the preflight to end', async () => {
      const again = await testLab.portal.call('GET', `preflight/${id}`);
      const view = preflightViewSchema.parse(again.body);
      return view.state === 'running' ? null : view;
    });
  }

  it(
    'gives every finding with its facts, and changes nothing',
    async () => {
      const before = await state();
      const answer = await testLab.portal.call('POST', 'preflight', { protectedItemId: VM });
      expect([200, 202]).toContain(answer.status);
      const view = await ended(answer);
      expect(view).toMatchObject({
        protectedItemId: VM,
        operation: 'reprotect',
        state: 'succeeded',
        isBlocked: false,
        unanswered: [],
        unknownFacts: [],
      });
      const download = view.findings.find(({ ruleId }) => ruleId === 'location.full-download');
      expect(download?.facts).toEqual([
        { name: 'download', needed: 'changes only', actual: 96 * 1024 ** 2, unit: 'bytes' },
      ]);
      expect(await state()).toEqual(before);
    },
    TEST_DEADLINE_MS,
  );

  it(
    'says what stands in the way: a lock in Azure, a site that nobody answers for',
    async () => {
      testLab.lab.arm.lock({ resourceGroup: 'dr', name: 'keep', level: 'CanNotDelete' });
      const placement = { configurationServer: 'elsewhere' };
      const body = { protectedItemId: VM, operation: 'failover', placement };
      const view = await ended(await testLab.portal.call('POST', 'preflight', body));
      expect(view.isBlocked).toBe(true);
      expect(view.unanswered).toMatchObject([
        { source: 'configurationServer', error: { code: 'FB-ORC-010' } },
      ]);
      expect(view.unknownFacts).toEqual(expect.arrayContaining(['site', 'location']));
      const blocking = view.findings.filter(({ severity }) => severity === 'blocking');
      expect(blocking.map(({ ruleId }) => ruleId)).toEqual(
        expect.arrayContaining(['azure.vm.not-locked', 'process-server.registered']),
      );
    },
    TEST_DEADLINE_MS,
  );
});

function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .toSorted()
    .map((name) => {
      const file = join(folder, name);
      return statSync(file).isFile() ? `${name} ${readFileSync(file).length}` : name;
    });
}
