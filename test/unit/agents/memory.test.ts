import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type ReplicationRecord,
  SiteDatabase,
} from '../../../agents/configuration-server/database.ts';
import { CommandJournal } from '../../../agents/runtime/command-journal.ts';
import { IdentityStore } from '../../../agents/runtime/identity-store.ts';
import { errorRecord } from '../../../shared/errors/failback-error.ts';
import { failure, success } from '../../../shared/errors/result.ts';

const ROOT = resolve(import.meta.dirname ?? __dirname, '../../..');
const DAY_MS = 24 * 3_600_000;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'memory-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a few lines in a process of their own, which ends without closing anything. */
function crash(module: string, lines: string): void {
  const code = `import * as it from ${JSON.stringify(join(ROOT, module))};
    const folder = ${JSON.stringify(folder)};
    ${lines}
    process.kill(process.pid, 'SIGKILL');`;
  const flags = ['--experimental-strip-types', '--no-warnings', '--input-type=module', '-e'];
  const { signal, stderr } = spawnSync(process.execPath, [...flags, code], { encoding: 'utf8' });
  expect({ signal, stderr }).toEqual({ signal: 'SIGKILL', stderr: '' });
}

describe('the journal of commands', () => {
  it('has a result over restarts, a failure as well as a success', () => {
    const first = new CommandJournal(folder);
    const failed = failure(errorRecord('FB-SITE-001', { replicationId: 'web-01' }));
    first.record('job-1.a', success({ wasRunning: true }));
    first.record('job-1.b', failed);
    first.close();
    const second = new CommandJournal(folder);
    expect(second.find('job-1.a')).toEqual(success({ wasRunning: true }));
    expect(second.find('job-1.b')).toEqual(failed);
    expect(second.find('job-1.c')).toBeNull();
    second.close();
  });

  it('keeps the first result of a command', () => {
    const journal = new CommandJournal(folder);
    journal.record('job-1.a', success(1));
    journal.record('job-1.a', success(2));
    expect(journal.find('job-1.a')).toEqual(success(1));
    journal.close();
  });

  it('has what was recorded right before the process was killed', () => {
    crash(
      'agents/runtime/command-journal.ts',
      `new it.CommandJournal(folder).record('job-1.a', { ok: true, value: 1 });`,
    );
    const journal = new CommandJournal(folder);
    expect(journal.find('job-1.a')).toEqual(success(1));
    journal.close();
  });

  it('forgets at its start what is older than any message', () => {
    const first = new CommandJournal(folder);
    first.record('job-1.old', success(1));
    first.record('job-1.young', success(2));
    first.close();
    const database = new DatabaseSync(join(folder, 'commands.sqlite'));
    const age = database.prepare('UPDATE results SET at = ? WHERE commandId = ?');
    age.run(Date.now() - 31 * DAY_MS, 'job-1.old');
    age.run(Date.now() - 29 * DAY_MS, 'job-1.young');
    database.close();
    const second = new CommandJournal(folder);
    expect(second.find('job-1.old')).toBeNull();
    expect(second.find('job-1.young')).toEqual(success(2));
    second.close();
  });
});

describe('the identity of an agent', () => {
  it('is kept over restarts, for its owner only', () => {
    new IdentityStore(folder).write({ agentId: 'ps-1', agentKey: 'key' });
    expect(new IdentityStore(folder).read()).toEqual({ agentId: 'ps-1', agentKey: 'key' });
    expect(statSync(join(folder, 'identity.json')).mode & 0o077).toBe(0);
  });

  it('is none before the first registration, and when it is of another form', () => {
    const store = new IdentityStore(folder);
    expect(store.read()).toBeNull();
    for (const text of ['{"id":"ps-1"}', '', '{"agentId":"ps-']) {
      writeFileSync(join(folder, 'identity.json'), text);
      expect(store.read()).toBeNull();
    }
  });

  it('stays whole when the program dies while it writes a new one', () => {
    const store = new IdentityStore(folder);
    store.write({ agentId: 'ps-1', agentKey: 'key' });
    writeFileSync(join(folder, 'identity.json.new'), '{"agentId":"ps-');
    expect(store.read()).toEqual({ agentId: 'ps-1', agentKey: 'key' });
    store.write({ agentId: 'ps-1', agentKey: 'newer' });
    expect(store.read()?.agentKey).toBe('newer');
  });
});

describe("the configuration server's database", () => {
  const record = (change: Partial<ReplicationRecord> = {}): ReplicationRecord => ({
    replicationId: 'web-01',
    vmId: 'vm-1',
    vm: {
      name: 'web-01',
      osType: 'Linux',
      firmware: 'bios',
      cpuCount: 1,
      memoryMiB: 256,
      disks: [{ id: 'os', isOsDisk: true, sizeBytes: 512 }],
      networks: [],
    },
    location: 'original',
    wasRunning: true,
    isRehearsal: false,
    blankDiskIds: [],
    ...change,
  });

  it('has replications by their id, the latest record of each', () => {
    const database = new SiteDatabase(folder);
    database.putReplication(record());
    database.putReplication(record({ blankDiskIds: ['os'] }));
    database.putReplication(record({ replicationId: 'rehearsal-web-01' }));
    expect(database.replication('web-01')).toEqual(record({ blankDiskIds: ['os'] }));
    database.deleteReplication('web-01');
    database.deleteReplication('web-01');
    expect(database.findReplication('web-01')).toBeNull();
    expect(database.findReplication('rehearsal-web-01')).not.toBeNull();
    database.close();
  });

  it('says which replication it does not know', () => {
    const database = new SiteDatabase(folder);
    expect(() => database.replication('nobody')).toThrow(
      expect.objectContaining({ code: 'FB-SITE-001', values: { replicationId: 'nobody' } }),
    );
    database.close();
  });

  it('does not mix up kinds of records that have the same id', () => {
    const database = new SiteDatabase(folder);
    const agent = { vmId: 'web-01', hostName: 'web', version: '1', registeredAt: 'now' };
    database.putMobilityAgent(agent);
    expect(database.findReplication('web-01')).toBeNull();
    database.putReplication(record());
    expect(database.findMobilityAgent('web-01')).toEqual(agent);
    database.close();
  });

  it('has what was written before the process was killed, and nothing of what was under way', () => {
    const text = JSON.stringify(record());
    crash(
      'agents/configuration-server/database.ts',
      `new it.SiteDatabase(folder).putReplication(${text});
       const { DatabaseSync } = await import('node:sqlite');
       const other = new DatabaseSync(folder + '/site.sqlite');
       other.exec("BEGIN IMMEDIATE; DELETE FROM records");`,
    );
    const database = new SiteDatabase(folder);
    expect(database.replication('web-01')).toEqual(record());
    database.putReplication(record({ wasRunning: false }));
    expect(database.replication('web-01').wasRunning).toBe(false);
    database.close();
  });

  it('shows to one process what another has written', () => {
    const [one, two] = [new SiteDatabase(folder), new SiteDatabase(folder)];
    one.putReplication(record());
    expect(two.replication('web-01')).toEqual(record());
    two.putReplication(record({ wasRunning: false }));
    expect(one.replication('web-01').wasRunning).toBe(false);
    one.close();
    two.close();
  });
});

describe('a database that another program holds for a moment', () => {
  /** Holds the file for 300 ms; resolves when it has it. */
  async function hold(file: string): Promise<{ readonly gone: Promise<unknown> }> {
    const code = `const { DatabaseSync } = require('node:sqlite');
      const database = new DatabaseSync(process.argv[1]);
      database.exec('BEGIN IMMEDIATE');
      console.log('held');
      setTimeout(() => { database.exec('COMMIT'); database.close(); }, 300);`;
    const child = spawn(process.execPath, ['-e', code, file], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const gone = once(child, 'exit');
    await once(child.stdout, 'data');
    return { gone };
  }

  it('is waited for by the configuration server', async () => {
    const database = new SiteDatabase(folder);
    const { gone } = await hold(join(folder, 'site.sqlite'));
    const agent = { vmId: 'vm-1', hostName: 'h', version: '1', registeredAt: 'now' };
    database.putMobilityAgent(agent);
    expect(database.findMobilityAgent('vm-1')).toEqual(agent);
    await gone;
    database.close();
  });

  it('is waited for by the journal of commands', async () => {
    const journal = new CommandJournal(folder);
    const { gone } = await hold(join(folder, 'commands.sqlite'));
    journal.record('job-1.x', success(1));
    expect(journal.find('job-1.x')).toEqual(success(1));
    await gone;
    journal.close();
  });
});
