import type { TableClient } from '@azure/data-tables';
import { keysOfPoint, orderOfJob } from '../../domain/newest-first.ts';
import type {
  AgeingCommandStore,
  AgeingStores,
  CommandRecord,
  IdempotencyRecord,
  IdempotencyStore,
  Stores,
  Versioned,
} from '../../ports/stores.ts';
import { JsonTable, quoted } from './json-table.ts';

/** Many partitions, which are walked through one by one. */
class PartitionedTable<T extends { readonly id: string }> extends JsonTable<T> {
  async firstBehind(partitionKey: string): Promise<T | null> {
    const [found] = await this.first(`PartitionKey gt ${quoted(partitionKey)}`, 1);
    return found?.value ?? null;
  }
}

class CommandTable extends PartitionedTable<CommandRecord> implements AgeingCommandStore {
  async listOpen(jobId: string): Promise<readonly CommandRecord[]> {
    return this.query({ PartitionKey: jobId, state: 'open' });
  }

  async listOfJob(jobId: string, limit: number): Promise<readonly Versioned<CommandRecord>[]> {
    return this.first(`PartitionKey eq ${quoted(jobId)}`, limit);
  }
}

/** The id is a digest, which says nothing of age: the service looks at a column. */
class IdempotencyTable extends JsonTable<IdempotencyRecord> implements IdempotencyStore {
  async listExpired(
    before: string,
    limit: number,
  ): Promise<readonly Versioned<IdempotencyRecord>[]> {
    return this.first(`PartitionKey eq 'request' and expiresAt lt ${quoted(before)}`, limit);
  }
}

const inOnePartition = (partitionKey: string) => (id: string) => ({ partitionKey, rowKey: id });

function jobKeys(id: string): { partitionKey: string; rowKey: string } {
  return { partitionKey: 'job', rowKey: orderOfJob(id) };
}

/** `<job>.<step>`: all commands of a job are one partition, so that its progress is one query. */
function commandKeys(id: string): { partitionKey: string; rowKey: string } {
  const dot = id.indexOf('.');
  return { partitionKey: id.slice(0, dot), rowKey: id.slice(dot + 1) };
}

function pointKeys(id: string): { partitionKey: string; rowKey: string } {
  const { itemId: partitionKey, rowKey } = keysOfPoint(id);
  return { partitionKey, rowKey };
}

/** The tables of the control plane. They are made at first use. */
export function createStores(table: (name: string) => TableClient): Stores & AgeingStores {
  return {
    items: new JsonTable(table('protecteditems'), inOnePartition('item')),
    jobs: new JsonTable(table('jobs'), jobKeys),
    agents: new JsonTable(table('agents'), inOnePartition('agent')),
    commands: new CommandTable(table('commands'), commandKeys, ({ result }) => ({
      state: result === null ? 'open' : 'ended',
    })),
    recoveryPoints: new PartitionedTable(table('recoverypoints'), pointKeys),
    preflights: new JsonTable(table('preflights'), inOnePartition('preflight')),
    idempotency: new IdempotencyTable(
      table('idempotency'),
      inOnePartition('request'),
      ({ expiresAt }) => ({ expiresAt }),
    ),
    events: new JsonTable(table('events'), inOnePartition('event')),
    plans: new JsonTable(table('recoveryplans'), inOnePartition('plan')),
    planRuns: new JsonTable(table('planruns'), inOnePartition('run')),
    replicationGroups: new JsonTable(table('replicationgroups'), inOnePartition('group')),
  };
}
