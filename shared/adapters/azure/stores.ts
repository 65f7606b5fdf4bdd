import type { TableClient } from '@azure/data-tables';
import type { CommandRecord, CommandStore, Stores } from '../../ports/stores.ts';
import { JsonTable } from './json-table.ts';

class CommandTable extends JsonTable<CommandRecord> implements CommandStore {
  async listOpen(jobId: string): Promise<readonly CommandRecord[]> {
    return this.query({ PartitionKey: jobId, state: 'open' });
  }
}

const inOnePartition = (partitionKey: string) => (id: string) => ({ partitionKey, rowKey: id });

/** `<job>.<step>`: all commands of a job are one partition, so that its progress is one query. */
function commandKeys(id: string): { partitionKey: string; rowKey: string } {
  const dot = id.indexOf('.');
  return { partitionKey: id.slice(0, dot), rowKey: id.slice(dot + 1) };
}

/** The tables of the control plane. They are made at first use. */
export function createStores(table: (name: string) => TableClient): Stores {
  return {
    items: new JsonTable(table('protecteditems'), inOnePartition('item')),
    jobs: new JsonTable(table('jobs'), inOnePartition('job')),
    agents: new JsonTable(table('agents'), inOnePartition('agent')),
    commands: new CommandTable(table('commands'), commandKeys, ({ result }) => ({
      state: result === null ? 'open' : 'ended',
    })),
    recoveryPoints: new JsonTable(table('recoverypoints'), inOnePartition('point')),
    preflights: new JsonTable(table('preflights'), inOnePartition('preflight')),
    idempotency: new JsonTable(table('idempotency'), inOnePartition('request')),
    events: new JsonTable(table('events'), inOnePartition('event')),
    plans: new JsonTable(table('recoveryplans'), inOnePartition('plan')),
    planRuns: new JsonTable(table('planruns'), inOnePartition('run')),
    replicationGroups: new JsonTable(table('replicationgroups'), inOnePartition('group')),
  };
}
