import { describe, expect, it } from '@jest/globals';
import { AgentChild } from '../../support/data-plane/programs/agent-child.ts';
import { untilAllAreKilled } from '../../support/data-plane/programs/killed-rounds.ts';
import { Killer } from '../../support/data-plane/programs/killer.ts';
import { Random } from '../../support/data-plane/random.ts';
import { useLab } from '../../support/data-plane/use-lab.ts';

const KILLS = 200;
const SEED = Number(process.env['KILL_SEED'] ?? 20_261_121);
/** A transfer whose other end dies, too, is resumed in both ways. */
const TARGET_WANTED = { send: 10 } as const;
const WANTED = { first: 20, send: 135, sendRepair: 45 } as const;

const lab = useLab({ beforeStop: () => AgentChild.disposeSpares() });

// The title has the seed, so that whoever sees it fail can play the same again.
describe(`a process server killed ${KILLS} times in the middle of its work, KILL_SEED=${SEED}`, () => {
  it('leaves both disks at one sealed point each time, and brings every point home', async () => {
    const random = new Random(SEED);
    const killer = new Killer(random, [
      { victim: 'processServer', wanted: WANTED },
      { victim: 'masterTarget', wanted: TARGET_WANTED },
    ]);
    await untilAllAreKilled({ storage: lab.storage, site: lab.site, random, killer });
    const { kills, inWork } = killer.tell('processServer');
    expect(kills).toBeGreaterThanOrEqual(KILLS);
    expect(inWork).toEqual(WANTED);
  }, 900_000);
});
