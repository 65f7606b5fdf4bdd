import { closeSync, ftruncateSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { CommandName, CommandOutput } from '../../../shared/contracts/commands.ts';
import { LabDisk, type LabStorage, startLabStorage } from '../../support/data-plane/lab-disk.ts';
import { type LabSite, startLabSite } from '../../support/data-plane/lab-site.ts';
import { freePort } from '../../../local/lab/free-port.ts';
import { AgentChild } from '../../support/data-plane/programs/agent-child.ts';
import { Random } from '../../support/data-plane/random.ts';

const KILLS = 200;
const SIZE_BYTES = 6 * 1024 * 1024 + 512;
const REPLICATION = { replicationId: 'killed' };
const SEED = Number(process.env['KILL_SEED'] ?? 20_261_121);

let storage: LabStorage;
let site: LabSite;

beforeAll(async () => {
  storage = await startLabStorage();
  site = await startLabSite();
});

afterAll(async () => {
  await site.stop();
  await storage.stop();
});

/** Both programs and one disk; whoever was killed is started again when it is needed. */
class Replication {
  readonly source: LabDisk;
  readonly file: string;
  readonly #port: number;
  readonly #running = new Map<string, Promise<AgentChild>>();
  /** Snapshot that each point stands for. */
  readonly points = new Map<string, string>();

  constructor(source: LabDisk, port: number) {
    this.source = source;
    this.#port = port;
    this.file = join(site.folder, 'killed.raw');
    const handle = openSync(this.file, 'w');
    ftruncateSync(handle, SIZE_BYTES);
    closeSync(handle);
  }

  async program(kind: 'processServer' | 'masterTarget'): Promise<AgentChild> {
    const running = this.#running.get(kind);
    if (running !== undefined) return running;
    const starting = this.#start(kind);
    this.#running.set(kind, starting);
    return starting;
  }

  async #start(kind: 'processServer' | 'masterTarget'): Promise<AgentChild> {
    const tls = await site.certificate(kind);
    return AgentChild.start({ kind, tls, retentionFolder: site.retentionFolder, port: this.#port });
  }

  async kill(kind: 'processServer' | 'masterTarget'): Promise<void> {
    const running = this.#running.get(kind);
    this.#running.delete(kind);
    await (await running)?.kill();
  }

  async killAll(): Promise<void> {
    await this.kill('processServer');
    await this.kill('masterTarget');
    AgentChild.disposeSpares();
  }

  /** What a master target finds after its start. */
  async openTarget(): Promise<string | null> {
    const device = { kind: 'file', path: this.file };
    const disks = [{ diskId: 'os', sizeBytes: SIZE_BYTES, device, isBlank: true }];
    const output = await this.#atTarget('openTarget', { ...REPLICATION, disks });
    return output.sealedPointId;
  }

  async send(pointId: string, snapshot: string, base: string | undefined): Promise<void> {
    await this.program('masterTarget');
    const processServer = await this.program('processServer');
    const input = {
      ...REPLICATION,
      pointId,
      diskId: 'os',
      sizeBytes: SIZE_BYTES,
      snapshotName: snapshot,
      masterTarget: { host: '127.0.0.1', port: this.#port },
      ...(base === undefined ? {} : { baseSnapshotName: base }),
    };
    const access = await this.source.access(snapshot, base);
    await processServer.run({ name: 'replicateDisk', input, access });
  }

  async seal(pointId: string): Promise<void> {
    await this.#atTarget('sealRecoveryPoint', {
      ...REPLICATION,
      pointId,
      diskIds: ['os'],
      takenAt: new Date().toISOString(),
      consistency: 'crashConsistent',
    });
  }

  async mismatches(pointId: string): Promise<number> {
    const input = { ...REPLICATION, pointId, sampleShare: 1 };
    return (await this.#atTarget('verifyDisks', input)).mismatches.length;
  }

  /** After a recovery the disk is exactly the sealed point, whatever was going on. */
  async expectSealedPoint(): Promise<void> {
    const point = await this.openTarget();
    if (point === null) return;
    const expected = this.source.contentOf(this.points.get(point) ?? '');
    expect({ point, isEqual: readFileSync(this.file).equals(expected) }).toEqual({
      point,
      isEqual: true,
    });
  }

  async #atTarget<N extends CommandName>(name: N, input: unknown): Promise<CommandOutput<N>> {
    const masterTarget = await this.program('masterTarget');
    return (await masterTarget.run({ name, input })) as CommandOutput<N>;
  }
}

/** Kills one program at a random moment of what goes on; a master target comes back at once. */
class Killer {
  readonly #replication: Replication;
  readonly #random: Random;
  kills = 0;
  /** How long a whole round took when nobody was killed: the moments are chosen from it. */
  roundMs = 400;

  constructor(replication: Replication, random: Random) {
    this.#replication = replication;
    this.#random = random;
  }

  /** Returns when the kill, if there was one before `isOver`, has been recovered from. */
  async strike(isOver: AbortSignal): Promise<void> {
    const moment = this.#random.below(Math.ceil(this.roundMs * 1.1));
    const victim = this.#random.below(3) === 0 ? 'processServer' : 'masterTarget';
    await delay(moment, undefined, { signal: isOver }).catch(() => undefined);
    if (isOver.aborted) return;
    this.kills += 1;
    await this.#replication.kill(victim);
    if (victim === 'masterTarget') await this.#replication.expectSealedPoint();
  }
}

describe(`programs killed ${KILLS} times in the middle of their work`, () => {
  let replication: Replication;

  afterAll(async () => replication.killAll());

  /** Sends and seals, as often as it takes. */
  async function bringHome(point: string, base: string | undefined, killer: Killer): Promise<void> {
    for (;;) {
      const over = new AbortController();
      const startedAt = performance.now();
      const striking = killer.strike(over.signal);
      try {
        await replication.send(point, replication.points.get(point) ?? '', base);
        await replication.seal(point);
        killer.roundMs = performance.now() - startedAt;
        return;
      } catch (error) {
        expect(String(error)).toMatch(/killed|channel closed|FB-JRN-002/i);
      } finally {
        over.abort();
        await striking;
        await replication.expectSealedPoint();
      }
    }
  }

  it('leave the disk at a sealed point each time, and bring every point home', async () => {
    const random = new Random(SEED);
    const source = await LabDisk.create(storage, SIZE_BYTES);
    await source.change(random, 10);
    replication = new Replication(source, await freePort(0));
    await replication.openTarget();
    const killer = new Killer(replication, random);
    let base: string | undefined;
    for (let round = 1; killer.kills < KILLS; round += 1) {
      const point = `point-${round}`;
      const snapshot = await source.snapshot();
      replication.points.set(point, snapshot);
      await bringHome(point, base, killer);
      base = snapshot;
      expect(await replication.mismatches(point)).toBe(0);
      await source.change(random, 1 + random.below(6));
    }
  }, 900_000);
});
