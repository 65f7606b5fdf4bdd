import { describe, expect, it } from '@jest/globals';
import { callActivity, createActivities } from '../../activities/create-activities.ts';
import { ACTIVITY_RETRY, type ActivityName } from '../../shared/contracts/activities.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { type Break, breakingOff, type Counter } from '../support/memory/break-off.ts';
import { aWorld, type MemoryWorld, stateOf as visibleOf } from '../support/memory/memory-world.ts';
import { CASES } from './cases.ts';
import { READERS } from './readers.ts';

/** The log of events too: a line that is written twice is a lie. */
function stateOf(world: MemoryWorld): unknown {
  return { visible: visibleOf(world), events: world.stores.events.all() };
}

const NAMES = Object.keys(CASES) as ActivityName[];

async function arranged(name: ActivityName): Promise<MemoryWorld> {
  const world = aWorld();
  await CASES[name].arrange?.(world);
  return world;
}

async function run(world: MemoryWorld, name: ActivityName): Promise<unknown> {
  const { input } = CASES[name];
  // As the durable host hands it over: through JSON.
  const answer = await callActivity(
    createActivities(world),
    name,
    JSON.parse(JSON.stringify(input)),
  );
  return JSON.parse(JSON.stringify(answer));
}

async function runBroken(
  world: MemoryWorld,
  name: ActivityName,
  broken?: Break,
): Promise<{ readonly calls: number; readonly error: unknown }> {
  const counter: Counter = { calls: 0 };
  try {
    await run(breakingOff(world, counter, broken), name);
    return { calls: counter.calls, error: null };
  } catch (error) {
    return { calls: counter.calls, error };
  }
}

/** How many port calls a clean run of the activity makes. */
async function portCalls(name: ActivityName): Promise<number> {
  return (await runBroken(await arranged(name), name)).calls;
}

/** What Azure refuses, or does not answer, is what they were asked for. */
const ANSWER_FAILURES: readonly ActivityName[] = ['noteSourcePower', 'readSource'];

describe('every activity', () => {
  it('is tried here: the table, the registration and the retry policies name the same ones', () => {
    const registered = Object.keys(createActivities(aWorld())).toSorted();
    expect(NAMES.toSorted()).toEqual(registered);
    expect(Object.keys(ACTIVITY_RETRY).toSorted()).toEqual(registered);
  });
});

describe.each(NAMES)('%s', (name) => {
  it('run twice, has no further effect and answers the same', async () => {
    const world = await arranged(name);
    const before = stateOf(world);
    const first = await run(world, name);
    const afterFirst = stateOf(world);
    // Time goes on between the attempts, but not so far that the agents count as lost.
    world.clock.advance(20_000);
    const second = await run(world, name);

    const { answers, answersAgain = answers } = CASES[name];
    expect(first).toEqual(answers);
    expect(second).toEqual(answersAgain);
    expect(stateOf(world)).toEqual(afterFirst);
    // Without an effect of the first run the comparison above would show nothing.
    if (READERS.includes(name)) expect(afterFirst).toEqual(before);
    else expect(afterFirst).not.toEqual(before);
  });

  it('broken off at any call of a port and run again, ends as if it had run once', async () => {
    const clean = await arranged(name);
    await run(clean, name);
    const calls = await portCalls(name);
    expect(calls).toBeGreaterThan(0);
    for (let at = 1; at <= calls; at += 1) {
      for (const when of ['before', 'after'] as const) {
        const world = await arranged(name);
        const { error } = await runBroken(world, name, { at, when });
        if (!ANSWER_FAILURES.includes(name)) expect(error).toBeInstanceOf(FailbackError);
        // What is under way beside the broken call ends before the next attempt starts.
        await new Promise(setImmediate);
        await run(world, name);
        expect({ at, when, state: stateOf(world) }).toEqual({ at, when, state: stateOf(clean) });
      }
    }
  });
});
