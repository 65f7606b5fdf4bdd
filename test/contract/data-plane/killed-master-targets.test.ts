import { describe, expect, it } from '@jest/globals';
import { AgentChild } from '../../support/data-plane/programs/agent-child.ts';
import { untilAllAreKilled } from '../../support/data-plane/programs/killed-rounds.ts';
import { Killer } from '../../support/data-plane/programs/killer.ts';
import { Random } from '../../support/data-plane/random.ts';
import { useLab } from '../../support/data-plane/use-lab.ts';

const KILLS = 200;
const SEED = Number(process.env['KILL_SEED'] ?? 20_261_122);
const WANTED = {
  first: 6,
  send: 49,
  seal: 55,
  rewind: 40,
  verify: 15,
  sendRepair: 15,
  sealRepair: 20,
} as const;

const lab = useLab({ beforeStop: () => AgentChild.disposeSpares() });

// The title has the seed, so that whoever sees it fail can play the same again.
describe(`a master target killed ${KILLS} times in the middle of its work, KILL_SEED=${SEED}`, () => {
  it('leaves both disks at one sealed point each time, the one before or the one asked for', async () => {
    const random = new Random(SEED);
    const killer = new Killer(random, [{ victim: 'masterTarget', wanted: WANTED }]);
    await untilAllAreKilled({ storage: lab.storage, site: lab.site, random, killer });
    const { kills, inWork } = killer.tell('masterTarget');
    expect(kills).toBeGreaterThanOrEqual(KILLS);
    expect(inWork).toEqual(WANTED);
  }, 900_000);
});
