import { closeSync, ftruncateSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { CommandName, CommandOutput } from '../../../shared/contracts/commands.ts';
import { LabDisk, type LabStorage, startLabStorage } from '../../support/data-plane/lab-disk.ts';
import { type LabSite, startLabSite } from '../../support/data-plane/lab-site.ts';
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
  readonly #running = new Map<string, AgentChild>();
  /** Snapshot that each point stands for. */
  readonly points = new Map<string, string>();

  constructor(source: LabDisk) {
    this.source = source;
    this.file = join(site.folder, 'killed.raw');
    const handle = openSync(this.file, 'w');
    ftruncateSync(handle, SIZE_BYTES);
    closeSync(handle);
  }

  async program(kind: 'processServer' | 'masterTarget'): Promise<AgentChild> {
    const running = this.#running.get(kind);
    if (running !== undefined) return running;
    const tls = await site.certificate(kind);
    const { retentionFolder } = site;
    const started = await AgentChild.start({ kind, tls, retentionFolder });
    this.#running.set(kind, started);
    return started;
  }

  async kill(kind: 'processServer' | 'masterTarget'): Promise<void> {
    await this.#running.get(kind)?.kill();
    this.#running.delete(kind);
  }

  async killAll(): Promise<void> {
    await this.kill('processServer');
    await this.kill('masterTarget');
  }

  /** What a master target finds after its start. */
  async openTarget(): Promise<string | null> {
    const device = { kind: 'file', path: this.file };
    const disks = [{ diskId: 'os', sizeBytes: SIZE_BYTES, device, isBlank: true }];
    const output = await this.#atTarget('openTarget', { ...REPLICATION, disks });
    return output.sealedPointId;
  }

  async send(pointId: string, snapshot: string, base: string | undefined): Promise<void> {
    const { port } = await this.program('masterTarget');
    const processServer = await this.program('processServer');
    const input = {
      ...REPLICATION,
      pointId,
      diskId: 'os',
      sizeBytes: SIZE_BYTES,
      snapshotName: snapshot,
      masterTarget: { host: '127.0.0.1', port },
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

describe(`programs killed ${KILLS} times in the middle of their work`, () => {
  it('leave the disk at a sealed point each time, and bring every point home', async () => {
    const random = new Random(SEED);
    const source = await LabDisk.create(storage, SIZE_BYTES);
    await source.change(random, 10);
    const replication = new Replication(source);
    let [kills, round, lastMs] = [0, 0, 400];
    let base: string | undefined;
    try {
      await replication.openTarget();
      while (kills < KILLS) {
        round += 1;
        const point = `point-${round}`;
        const snapshot = await source.snapshot();
        replication.points.set(point, snapshot);
        for (let isHome = false; !isHome;) {
          const startedAt = performance.now();
          // Each try gets at most one kill, somewhere in the time that the last whole try took.
          const victim = random.below(3) === 0 ? 'processServer' : 'masterTarget';
          const killer = new AbortController();
          const killed = delay(random.below(Math.ceil(lastMs * 1.1)), undefined, {
            signal: killer.signal,
          }).then(
            async () => {
              await replication.kill(victim);
              kills += 1;
            },
            () => undefined,
          );
          try {
            await replication.send(point, snapshot, base);
            await replication.seal(point);
            isHome = true;
            lastMs = performance.now() - startedAt;
          } catch (error) {
            expect(String(error)).toMatch(/killed|FB-DATA|ECONN|channel closed/i);
          }
          killer.abort();
          await killed;
          // A transfer whose peer is gone waits for it for ever: that is its own business, not ours here.
          if (!isHome) await replication.kill('processServer');
          await replication.expectSealedPoint();
        }
        base = snapshot;
        expect(await replication.mismatches(point)).toBe(0);
        await source.change(random, 1 + random.below(6));
      }
    } finally {
      await replication.killAll();
    }
    expect(kills).toBeGreaterThanOrEqual(KILLS);
  }, 900_000);
});
