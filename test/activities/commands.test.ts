import { describe, expect, it } from '@jest/globals';
import { createActivities } from '../../activities/create-activities.ts';
import { InvariantViolation } from '../../shared/domain/assert.ts';
import { errorRecord } from '../../shared/errors/failback-error.ts';
import { failure, success } from '../../shared/errors/result.ts';
import { aCommand } from '../support/memory/builders.ts';
import { aWorld, stateOf } from '../support/memory/memory-world.ts';
import { abandoned, CASES } from './cases.ts';

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
  it('gives an open command its failure', async () => {
    const world = aWorld();
    world.stores.commands.put(aCommand());
    await createActivities(world).abandonCommand(CASES.abandonCommand.input);
    expect(world.stores.commands.must('fb-1.seal-1').result).toEqual(abandoned);
  });

  it('does not overwrite the result that the agent brought first', async () => {
    const world = aWorld();
    const result = success({ sealedPointId: null });
    world.stores.commands.put(aCommand({ result }));
    await createActivities(world).abandonCommand(CASES.abandonCommand.input);
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
