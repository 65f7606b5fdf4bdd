import { describe, expect, it } from '@jest/globals';
import { createActivities } from '../../activities/create-activities.ts';
import { InvariantViolation } from '../../shared/domain/assert.ts';
import { errorRecord } from '../../shared/errors/failback-error.ts';
import { failure, success } from '../../shared/errors/result.ts';
import { aCommand } from '../support/memory/builders.ts';
import { aWorld, emptyWorld, stateOf } from '../support/memory/memory-world.ts';
import { abandoned, CASES, transferring } from './cases.ts';

describe('sendCommand', () => {
  it('sends the message again when the first attempt may have lost it', async () => {
    const world = aWorld();
    const { sendCommand } = createActivities(world);
    await sendCommand(CASES.sendCommand.input);
    await sendCommand(CASES.sendCommand.input);
    expect(world.queues.messages).toHaveLength(2);
    expect(world.stores.commands.all()).toHaveLength(1);
  });

  it('sends nothing once the agent has answered, and keeps the answer', async () => {
    const world = aWorld();
    const result = success({ sealedPointId: 'p1' });
    world.stores.commands.put(aCommand({ id: 'fb-1.discard', result }));
    await createActivities(world).sendCommand(CASES.sendCommand.input);
    expect(world.queues.messages).toEqual([]);
    expect(world.stores.commands.must('fb-1.discard').result).toEqual(result);
  });

  it('breaks on an input that no agent could understand, before anything is written', async () => {
    const world = aWorld();
    const before = stateOf(world);
    const { sendCommand } = createActivities(world);
    const input = { replicationId: 'no/such/id' };
    const sending = sendCommand({ ...CASES.sendCommand.input, input });
    await expect(sending).rejects.toThrow(InvariantViolation);
    expect(stateOf(world)).toEqual(before);
  });
});

describe('abandonCommand', () => {
  const given = CASES.abandonCommand.input;

  it('gives an open command its failure', async () => {
    const world = aWorld();
    world.stores.commands.put(aCommand());
    await createActivities(world).abandonCommand({ ...given, commandId: 'fb-1.seal-1' });
    expect(world.stores.commands.must('fb-1.seal-1').result).toEqual(abandoned);
    expect(world.snapshots.released).toEqual([]);
  });

  it('takes from the agent what it could still read: the snapshot and its base', async () => {
    const world = aWorld();
    await transferring(world);
    await world.snapshots.grantRead('rg-dr', { snapshot: 'p2-lun-0', base: null });
    await createActivities(world).abandonCommand(given);
    expect([...world.snapshots.openReads]).toEqual(['p2-lun-0']);
    expect([...world.snapshots.taken.keys()]).toContain('p2-os');
  });

  it('leaves the access of a command that has its result: the next one may use it', async () => {
    const world = aWorld();
    await transferring(world);
    const command = world.stores.commands.must('fb-1.disk-os');
    world.stores.commands.put({ ...command, result: success({}) });
    await createActivities(world).abandonCommand(given);
    expect([...world.snapshots.openReads]).toEqual(['p2-os', 'p1-os']);
  });

  it('does not mind that the machine is gone: there is nothing left to close', async () => {
    const world = emptyWorld();
    await transferring(world);
    await createActivities(world).abandonCommand(given);
    expect(world.stores.commands.must('fb-1.disk-os').result).toEqual(abandoned);
  });

  it('does not overwrite the result that the agent brought first', async () => {
    const world = aWorld();
    const result = success({ sealedPointId: null });
    world.stores.commands.put(aCommand({ result }));
    await createActivities(world).abandonCommand({ ...given, commandId: 'fb-1.seal-1' });
    expect(world.stores.commands.must('fb-1.seal-1').result).toEqual(result);
  });
});

describe('readCommand', () => {
  it('says that there is no result while the agent works, and hands a failure over as it is', async () => {
    const world = aWorld();
    const { readCommand } = createActivities(world);
    world.stores.commands.put(aCommand());
    expect(await readCommand({ commandId: 'fb-1.seal-1' })).toEqual({ result: null });
    const result = failure(errorRecord('FB-JRN-004'));
    world.stores.commands.put(aCommand({ result }));
    expect(await readCommand({ commandId: 'fb-1.seal-1' })).toEqual({ result });
  });
});
