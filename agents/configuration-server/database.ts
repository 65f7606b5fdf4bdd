import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { VmShape } from '../../shared/contracts/commands.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { InventoryTables } from './inventory-tables.ts';

/** What was decided about one failback or rehearsal, before anything was changed. */
export interface PlannedReplication {
  readonly replicationId: string;
  /** `null` = a VM of our own, which createVm gives for the creation key `replicationId`. */
  readonly vmId: string | null;
  readonly vm: VmShape;
  readonly location: 'original' | 'alternate';
  /** True when the VM ran before we stopped it. */
  readonly wasRunning: boolean;
  readonly isRehearsal: boolean;
  /** Who holds the disks, by the name that it registers with. Absent in records of earlier versions: the only one. */
  readonly masterTarget?: string | undefined;
  /** Chosen for a VM of our own. */
  readonly datastore?: string | undefined;
  /** It was not in the inventory when it was found, and goes back into it. */
  readonly isToBeRegistered?: boolean | undefined;
  /** The original VM that is taken out of the inventory to make room for one of our own, and goes back with a rollback. */
  readonly unregisteredVmId?: string | undefined;
  /** Disks that `preparedBy` made and that nothing was written to before. */
  readonly blankDiskIds: readonly string[];
  /** Id of the command that prepared it last. Absent in records of earlier versions. */
  readonly preparedBy?: string | undefined;
}

/** One failback or rehearsal as this site knows it. */
export interface ReplicationRecord extends PlannedReplication {
  readonly vmId: string;
}

/** What came of starting VMware Tools in the guest. */
export const VMWARE_TOOLS_STATES = ['running', 'failed', 'notInstalled'] as const;

export interface MobilityAgentRecord {
  /** One of the ids of its VM, see guest-ids.ts. */
  readonly vmId: string;
  readonly hostName: string;
  readonly version: string;
  readonly vmwareTools?: (typeof VMWARE_TOOLS_STATES)[number] | undefined;
  readonly registeredAt: string;
}

/** A machine whose way home was prepared here; kept when its replication ends. */
interface ItemRecord {
  readonly itemId: string;
  readonly firstSeenAt: string;
}

type Kind = 'replication' | 'mobilityAgent' | 'item';

export const DATABASE_FILE = 'site.sqlite';

/** The configuration server's own memory: replications, mobility agents, and what its hypervisor has. */
export class SiteDatabase {
  readonly inventory: InventoryTables;
  readonly #database: DatabaseSync;

  constructor(dataFolder: string) {
    this.#database = new DatabaseSync(join(dataFolder, DATABASE_FILE));
    // First of all: another program, as a backup, may hold the file for a moment.
    this.#database.exec(
      'PRAGMA busy_timeout=5000; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;',
    );
    this.#database.exec(
      'CREATE TABLE IF NOT EXISTS records (kind TEXT NOT NULL, id TEXT NOT NULL, record TEXT NOT NULL, PRIMARY KEY (kind, id))',
    );
    this.inventory = new InventoryTables(this.#database);
  }

  findReplication(replicationId: string): PlannedReplication | null {
    return this.#find('replication', replicationId) as PlannedReplication | null;
  }

  /** One whose target is prepared. Throws FB-SITE-001. */
  replication(replicationId: string): ReplicationRecord {
    const found = this.findReplication(replicationId);
    const vmId = found?.vmId ?? null;
    if (found === null || vmId === null) throw new FailbackError('FB-SITE-001', { replicationId });
    return { ...found, vmId };
  }

  putReplication(record: PlannedReplication): void {
    this.#put('replication', record.replicationId, record);
  }

  deleteReplication(replicationId: string): void {
    this.#database
      .prepare('DELETE FROM records WHERE kind = ? AND id = ?')
      .run('replication', replicationId);
  }

  /** The machine was prepared here before, or is now. */
  knowsItem(itemId: string): boolean {
    return this.#find('item', itemId) !== null || this.#find('replication', itemId) !== null;
  }

  rememberItem(itemId: string): void {
    if (this.#find('item', itemId) !== null) return;
    const record: ItemRecord = { itemId, firstSeenAt: new Date().toISOString() };
    this.#put('item', itemId, record);
  }

  /** A consistent copy in a new file, while others write. */
  copyTo(file: string): void {
    this.#database.prepare('VACUUM INTO ?').run(file);
  }

  findMobilityAgent(vmId: string): MobilityAgentRecord | null {
    return this.#find('mobilityAgent', vmId) as MobilityAgentRecord | null;
  }

  putMobilityAgent(record: MobilityAgentRecord): void {
    this.#put('mobilityAgent', record.vmId, record);
  }

  /** False when the command's script was begun before: it must not run again. */
  beginScript(commandId: string): boolean {
    const { changes } = this.#database
      .prepare('INSERT OR IGNORE INTO records (kind, id, record) VALUES (?, ?, ?)')
      .run('script', commandId, JSON.stringify({ begunAt: new Date().toISOString() }));
    return changes === 1;
  }

  close(): void {
    this.#database.close();
  }

  #find(kind: Kind, id: string): unknown {
    const row = this.#database
      .prepare('SELECT record FROM records WHERE kind = ? AND id = ?')
      .get(kind, id);
    return row === undefined ? null : (JSON.parse(String(row['record'])) as unknown);
  }

  #put(kind: Kind, id: string, record: object): void {
    this.#database
      .prepare('INSERT OR REPLACE INTO records (kind, id, record) VALUES (?, ?, ?)')
      .run(kind, id, JSON.stringify(record));
  }
}
