import { beforeEach, describe, expect, it } from '@jest/globals';
import { InvariantViolation } from '../../../../shared/domain/assert.ts';
import type { Job } from '../../../../shared/domain/job.ts';
import { FailbackError } from '../../../../shared/errors/failback-error.ts';
import { success } from '../../../../shared/errors/result.ts';
import {
  itemOfCommand,
  releaseSourceAccess,
} from '../../../../shared/services/release-source-access.ts';
import { sendCommand } from '../../../../shared/services/send-command.ts';
import { updateRecord } from '../../../../shared/services/update-record.ts';
import { aCommand, anItem, aJob } from '../../../support/memory/builders.ts';
import { MemoryStore } from '../../../support/memory/memory-store.ts';
import { aWorld, emptyWorld, type MemoryWorld } from '../../../support/memory/memory-world.ts';

describe('updating a record', () => {
  let store: MemoryStore<Job>;
  let writes: number;

  beforeEach(() => {
    store = new MemoryStore();
    store.put(aJob());
    writes = 0;
    store.beforeReplace = () => {
      writes += 1;
    };
  });

  const addLine = (message: string) => (job: Job) => ({
    ...job,
    history: [...job.history, { at: 'now', phase: job.phase, message }],
  });

  it('changes it and answers what was written', async () => {
    const updated = await updateRecord(store, 'fb-1', addLine('mine'));
    expect(updated?.history).toHaveLength(1);
    expect(store.must('fb-1')).toEqual(updated);
  });

  it('answers null when there is no such record, and makes none', async () => {
    expect(await updateRecord(store, 'fb-9', addLine('mine'))).toBeNull();
    expect(store.all()).toHaveLength(1);
  });

  it('does not write what the change left alone', async () => {
    expect(await updateRecord(store, 'fb-1', (job) => job)).toEqual(aJob());
    expect(writes).toBe(0);
  });

  it('reads anew when somebody else was faster, so that both changes are kept', async () => {
    store.beforeReplace = () => {
      writes += 1;
      if (writes === 1) store.put(addLine('theirs')(store.must('fb-1')));
    };
    await updateRecord(store, 'fb-1', addLine('mine'));
    const lines = store.must('fb-1').history.map(({ message }) => message);
    expect(lines).toEqual(['theirs', 'mine']);
    expect(writes).toBe(2);
  });

  it('asks the change again with the fresh record: what was right may be wrong by now', async () => {
    store.beforeReplace = () => {
      writes += 1;
      store.put({ ...store.must('fb-1'), state: 'cancelled' });
    };
    const seen: string[] = [];
    const updated = await updateRecord(store, 'fb-1', (job) => {
      seen.push(job.state);
      const done: Job = { ...job, state: 'succeeded' };
      return job.state === 'running' ? done : job;
    });
    expect(seen).toEqual(['running', 'cancelled']);
    expect(updated?.state).toBe('cancelled');
    expect(store.must('fb-1').state).toBe('cancelled');
  });

  it('gives up in the end when somebody is always faster', async () => {
    store.beforeReplace = () => {
      writes += 1;
      store.put(store.must('fb-1'));
    };
    const updating = updateRecord(store, 'fb-1', addLine('mine'));
    await expect(updating).rejects.toMatchObject({ code: 'FB-REQ-008', isRetryable: true });
    expect(writes).toBe(8);
    expect(store.must('fb-1').history).toEqual([]);
  });

  it('does not try again after any other failure', async () => {
    const failure = new FailbackError('FB-AZ-002', { operation: 'write' });
    store.beforeReplace = () => {
      writes += 1;
      throw failure;
    };
    await expect(updateRecord(store, 'fb-1', addLine('mine'))).rejects.toBe(failure);
    expect(writes).toBe(1);
  });

  it('does not try again when the change itself refuses', async () => {
    const refusing = updateRecord(store, 'fb-1', () => {
      throw new FailbackError('FB-REQ-007', { state: 'failed', intent: 'commit' });
    });
    await expect(refusing).rejects.toMatchObject({ code: 'FB-REQ-007' });
    expect(writes).toBe(0);
  });

  it('loses none of many changes that come at once', async () => {
    const lines = Array.from({ length: 5 }, (_, index) => `line ${index}`);
    await Promise.all(lines.map((line) => updateRecord(store, 'fb-1', addLine(line))));
    const kept = store.must('fb-1').history.map(({ message }) => message);
    expect(kept.toSorted()).toEqual(lines);
  });
});

describe('sending a command', () => {
  let world: MemoryWorld;
  const command = {
    commandId: 'fb-1.discard',
    agentId: 'mt-mt1',
    name: 'discardUnsealed',
    input: { replicationId: 'web-01' },
    deadlineAt: '2026-03-01T12:05:00.000Z',
    instanceId: 'fb-1-reprotect',
  } as const;

  beforeEach(() => {
    world = emptyWorld();
  });

  it('writes the record, then the message with its id and nothing else', async () => {
    await sendCommand(world, command);
    const { commandId: id, ...rest } = command;
    expect(world.stores.commands.all()).toEqual([
      {
        id,
        ...rest,
        sentAt: world.clock.now().toISOString(),
        result: null,
        progress: null,
        progressAt: null,
      },
    ]);
    expect(world.queues.messages).toEqual([{ agentId: 'mt-mt1', commandId: id }]);
  });

  it('has the record before the message: an agent that is fast finds its command', async () => {
    const queues = {
      grantReceive: world.queues.grantReceive.bind(world.queues),
      send: async (_agentId: string, commandId: string) => {
        expect(world.stores.commands.must(commandId).name).toBe('discardUnsealed');
      },
    };
    await sendCommand({ ...world, queues }, command);
    expect.assertions(1);
  });

  it('again, sends another message and leaves the record as it was first', async () => {
    await sendCommand(world, command);
    const first = world.stores.commands.must(command.commandId);
    world.clock.advance(60_000);
    await sendCommand(world, command);
    expect(world.stores.commands.must(command.commandId)).toEqual(first);
    expect(world.queues.messages).toHaveLength(2);
  });

  it('again, keeps the progress that the agent reported meanwhile', async () => {
    const progress = { bytesDone: 5 };
    world.stores.commands.put(aCommand({ id: command.commandId, progress }));
    await sendCommand(world, command);
    expect(world.stores.commands.must(command.commandId).progress).toEqual(progress);
  });

  it('after the result, sends nothing', async () => {
    const result = success({ sealedPointId: null });
    world.stores.commands.put(aCommand({ id: command.commandId, result }));
    await sendCommand(world, command);
    expect(world.queues.messages).toEqual([]);
    expect(world.stores.commands.must(command.commandId).result).toEqual(result);
  });

  it('breaks on an input that does not fit its schema, before it writes anything', async () => {
    const sending = sendCommand(world, { ...command, input: { replicationId: '' } });
    await expect(sending).rejects.toThrow(InvariantViolation);
    expect(world.stores.commands.all()).toEqual([]);
    expect(world.queues.messages).toEqual([]);
  });

  it('passes on that the storage is busy, so that it is tried again', async () => {
    const busy = new FailbackError('FB-AZ-002', { operation: 'send' });
    const queues = {
      grantReceive: world.queues.grantReceive.bind(world.queues),
      send: () => Promise.reject(busy),
    };
    await expect(sendCommand({ ...world, queues }, command)).rejects.toBe(busy);
    await sendCommand(world, command);
    expect(world.queues.messages).toHaveLength(1);
  });
});

describe('ending the access of a command', () => {
  let world: MemoryWorld;
  const input = {
    replicationId: 'web-01',
    pointId: 'fb-1-p0002',
    diskId: 'os',
    sizeBytes: 512,
    snapshotName: 'p2-os',
    masterTarget: { host: 'mt1', port: 9443 },
  };
  const command = (changes: object = {}) =>
    aCommand({ id: 'fb-1.disk-os', name: 'replicateDisk', input, ...changes });

  beforeEach(async () => {
    world = aWorld();
    for (const name of ['p1-os', 'p2-os']) world.snapshots.put(name);
    await world.snapshots.grantRead('rg-dr', { snapshot: 'p2-os', base: 'p1-os' });
  });

  it('ends that to its snapshot, and to no base that it did not name', async () => {
    await releaseSourceAccess(world, command());
    expect([...world.snapshots.openReads]).toEqual(['p1-os']);
  });

  it('ends that to its base too', async () => {
    const withBase = { ...input, baseSnapshotName: 'p1-os' };
    await releaseSourceAccess(world, command({ input: withBase }));
    expect([...world.snapshots.openReads]).toEqual([]);
  });

  it('is asked for in the resource group of the machine', async () => {
    world.stores.items.put(anItem({ resourceGroup: 'rg-other' }));
    const asked: string[] = [];
    world.snapshots.release = async (resourceGroup, names) => {
      asked.push(`${resourceGroup} ${names.join(' ')}`);
    };
    await releaseSourceAccess(world, command());
    expect(asked).toEqual(['rg-other p2-os']);
  });

  it.each([
    ['another command, even with such an input', command({ name: 'verifyDisks' })],
    ['an input that makes no sense', command({ input: { snapshotName: 'p2-os' } })],
    ['a job that is gone', command({ id: 'fb-9.disk-os' })],
  ])('does nothing for %s', async (_what, given) => {
    await releaseSourceAccess(world, given);
    expect(world.snapshots.released).toEqual([]);
  });

  it('passes on that the records cannot be read, so that it is tried again', async () => {
    const busy = new FailbackError('FB-AZ-002', { operation: 'read' });
    world.stores.items.get = () => Promise.reject(busy);
    await expect(releaseSourceAccess(world, command())).rejects.toBe(busy);
  });

  it('finds the machine by the job in the id, also when the step has dots or dashes', async () => {
    expect(await itemOfCommand(world.stores, { id: 'fb-1.a-b.c' })).toMatchObject({ id: 'web-01' });
    world.stores.jobs.put(aJob({ id: 'fb-2', itemId: 'web-99' }));
    expect(await itemOfCommand(world.stores, { id: 'fb-2.a' })).toBeNull();
  });
});
