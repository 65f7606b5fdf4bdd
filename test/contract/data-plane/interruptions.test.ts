import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { aCommandContext } from '../../support/data-plane/command-context.ts';
import { LabDisk } from '../../support/data-plane/lab-disk.ts';
import { LabReplication } from '../../support/data-plane/lab-replication.ts';
import { Random } from '../../support/data-plane/random.ts';
import { TcpProxy } from '../../support/data-plane/tcp-proxy.ts';
import { useLab } from '../../support/data-plane/use-lab.ts';

const MIB = 1024 * 1024;
const SIZE_BYTES = 24 * MIB + 512;
/** Where the link fails: far enough in to have something to lose, and far from the end. */
const CUT_BYTES = 6 * MIB;

const lab = useLab();

/** A full disk of incompressible bytes, a replication of it, and a link between both. */
async function aLinkedReplication(
  seed: number,
): Promise<{ replication: LabReplication; proxy: TcpProxy; snapshot: string }> {
  const source = await LabDisk.create(lab.storage, SIZE_BYTES);
  await source.write(0, new Random(seed).bytes(SIZE_BYTES));
  const replication = await LabReplication.open({ site: lab.site, source });
  const proxy = await TcpProxy.start(replication.masterTarget.port);
  return { replication, proxy, snapshot: await source.snapshot() };
}

function watermarkOf(replication: LabReplication): number {
  const file = replication.file('staged', 'os.0.json');
  if (!existsSync(file)) return 0;
  return (JSON.parse(readFileSync(file, 'utf8')) as { watermark: number }).watermark;
}

/**
 * Slows the first connection down until something of it is durable at the master target, then calls
 * `interrupt` once. Returns where the watermark stood at that moment.
 */
function interruptOnce(
  { replication, proxy }: { replication: LabReplication; proxy: TcpProxy },
  interrupt: () => Promise<void> | void,
): { watermark: number } {
  const at = { watermark: 0 };
  proxy.beforeChunk = async (connection, sentBytes) => {
    if (connection > 0 || at.watermark > 0 || sentBytes < CUT_BYTES) return;
    await delay(20);
    const watermark = watermarkOf(replication);
    if (watermark === 0) return;
    at.watermark = watermark;
    await interrupt();
  };
  return at;
}

/** Nobody asks for it before it is there: how often would depend on how long it takes. */
async function restartBehind({
  replication,
  proxy,
}: {
  replication: LabReplication;
  proxy: TcpProxy;
}): Promise<void> {
  await proxy.moveTarget(async () => {
    await replication.restartMasterTarget();
    return replication.masterTarget.port;
  });
}

describe('a transfer that is interrupted', () => {
  it('asks for access once, however often the link breaks', async () => {
    const { replication, proxy, snapshot } = await aLinkedReplication(11);
    let cuts = 0;
    proxy.beforeChunk = async (connection, sentBytes) => {
      if (connection > 3 || sentBytes < MIB) return;
      cuts += 1;
      proxy.cut();
    };
    let questions = 0;
    const access = async (): ReturnType<LabDisk['access']> => {
      questions += 1;
      return replication.source.access(snapshot);
    };
    try {
      await replication.bring({ point: 'point-1', snapshot, port: proxy.port, access });
    } finally {
      await proxy.stop();
    }
    expect(cuts).toBeGreaterThan(3);
    expect(questions).toBe(1);
    expect(replication.target.equals(replication.source.content)).toBe(true);
  });

  it('goes on at what was acknowledged when the link breaks', async () => {
    const linked = await aLinkedReplication(1);
    const { replication, proxy, snapshot } = linked;
    try {
      const at = interruptOnce(linked, () => proxy.cut());
      const figures = await replication.bring({ point: 'point-1', snapshot, port: proxy.port });
      expect(figures.resumeCount).toBe(1);
      expect(at.watermark).toBeGreaterThan(0);
      // The second connection carries what was left, and little besides.
      expect(proxy.sentBytes).toHaveLength(2);
      expect(proxy.sentBytes[1]).toBeLessThan((SIZE_BYTES - at.watermark) * 1.02);
      expect(figures.sentBytes).toBeLessThanOrEqual(2 * SIZE_BYTES - at.watermark);
      expect(replication.target.equals(replication.source.content)).toBe(true);
      expect((await replication.verify('point-1')).mismatches).toEqual([]);
    } finally {
      await proxy.stop();
    }
  });

  it('goes on when the master target was restarted', async () => {
    const linked = await aLinkedReplication(2);
    const { replication, proxy, snapshot } = linked;
    try {
      const at = interruptOnce(linked, async () => restartBehind(linked));
      const figures = await replication.bring({ point: 'point-1', snapshot, port: proxy.port });
      expect(figures.resumeCount).toBe(1);
      expect(proxy.sentBytes[1]).toBeLessThan((SIZE_BYTES - at.watermark) * 1.02);
      expect((await replication.verify('point-1')).mismatches).toEqual([]);
      expect(replication.target.equals(replication.source.content)).toBe(true);
    } finally {
      await proxy.stop();
    }
  });

  it('goes on when the master target was restarted in the middle of a delta', async () => {
    const linked = await aLinkedReplication(3);
    const { replication, proxy, snapshot: base } = linked;
    const { source } = replication;
    try {
      await replication.bring({ point: 'point-1', snapshot: base });
      await source.write(0, new Random(30).bytes(SIZE_BYTES - 4 * MIB));
      await source.clear(SIZE_BYTES - 3 * MIB, 2 * MIB);
      const snapshot = await source.snapshot();
      const at = interruptOnce(linked, async () => restartBehind(linked));
      const before = replication.target;
      const request = { point: 'point-2', snapshot, base, port: proxy.port };
      const figures = await replication.send(request);
      expect(figures).toMatchObject({ mode: 'delta', resumeCount: 1 });
      expect(proxy.sentBytes[1]).toBeLessThan((SIZE_BYTES - at.watermark) * 1.02);
      // Nothing touches the disk before the seal.
      expect(replication.target.equals(before)).toBe(true);
      await replication.seal('point-2');
      expect(replication.target.equals(source.content)).toBe(true);
      expect((await replication.verify('point-2')).mismatches).toEqual([]);
    } finally {
      await proxy.stop();
    }
  });

  it('goes on in a later command when the process server was restarted', async () => {
    const linked = await aLinkedReplication(4);
    const { replication, proxy, snapshot } = linked;
    try {
      const context = aCommandContext(() => replication.source.access(snapshot));
      const at = interruptOnce(linked, () => context.abort());
      const request = { point: 'point-1', snapshot, port: proxy.port };
      await expect(replication.send({ ...request, context })).rejects.toThrow();
      expect(at.watermark).toBeGreaterThan(0);
      const figures = await replication.bring(request);
      expect(figures.resumeCount).toBe(0);
      expect(figures.sentBytes).toBeLessThanOrEqual(SIZE_BYTES - at.watermark);
      expect(replication.target.equals(replication.source.content)).toBe(true);
      expect((await replication.verify('point-1')).mismatches).toEqual([]);
    } finally {
      await proxy.stop();
    }
  });

  it('is not sent again when it was finished before', async () => {
    const { replication, proxy, snapshot } = await aLinkedReplication(5);
    try {
      const request = { point: 'point-1', snapshot, port: proxy.port };
      await replication.send(request);
      expect(await replication.send(request)).toMatchObject({ mode: 'full', sentBytes: 0 });
      expect(proxy.sentBytes[1]).toBeLessThan(64 * 1024);
      await replication.seal('point-1');
      expect((await replication.verify('point-1')).mismatches).toEqual([]);
    } finally {
      await proxy.stop();
    }
  });

  it('begins anew when the snapshot of the point was taken again, also on an empty disk', async () => {
    const source = await LabDisk.create(lab.storage, SIZE_BYTES);
    await source.write(0, new Random(61).bytes(4 * MIB));
    const replication = await LabReplication.open({ site: lab.site, source });
    await replication.send({ point: 'point-1', snapshot: await source.snapshot() });
    // Zeros now, where the first snapshot held bytes.
    await source.clear(0, 2 * MIB);
    await source.write(8 * MIB, new Random(62).bytes(MIB));
    const again = await source.snapshot();
    await replication.bring({ point: 'point-1', snapshot: again });
    expect(replication.target.equals(source.contentOf(again))).toBe(true);
    expect((await replication.verify('point-1')).mismatches).toEqual([]);
    await source.write(0, new Random(63).bytes(MIB));
    const delta = { point: 'point-2', base: again };
    await replication.send({ ...delta, snapshot: await source.snapshot() });
    await source.write(12 * MIB, new Random(64).bytes(MIB));
    const last = await source.snapshot();
    await replication.bring({ ...delta, snapshot: last });
    expect(replication.target.equals(source.contentOf(last))).toBe(true);
    expect((await replication.verify('point-2')).mismatches).toEqual([]);
  });

  it('says that it tries again when nobody knows why it broke off', async () => {
    const { replication, proxy, snapshot } = await aLinkedReplication(7);
    let isFirst = true;
    const context = aCommandContext(async () => {
      if (!isFirst) return replication.source.access(snapshot);
      isFirst = false;
      throw new Error('what nobody has thought of');
    });
    try {
      await replication.send({ point: 'point-1', snapshot, port: proxy.port, context });
      const codes = context.progress.flatMap(({ health }) => health?.code ?? []);
      expect(codes).toContain('FB-DATA-009');
      expect(context.progress.at(-1)).not.toHaveProperty('health');
    } finally {
      await proxy.stop();
    }
  });

  it('waits for a master target that is not there yet', async () => {
    const { replication, proxy, snapshot } = await aLinkedReplication(6);
    const context = aCommandContext(() => replication.source.access(snapshot));
    try {
      await replication.masterTarget.stop();
      const sending = replication.send({ point: 'point-1', snapshot, port: proxy.port, context });
      while (context.warnings.length < 2) await delay(10);
      await replication.restartMasterTarget();
      proxy.targetPort = replication.masterTarget.port;
      await sending;
      await replication.seal('point-1');
      expect(replication.target.equals(replication.source.content)).toBe(true);
      expect(context.warnings.join()).toMatch(/FB-DATA-001/);
    } finally {
      context.abort();
      await proxy.stop();
    }
  });
});
