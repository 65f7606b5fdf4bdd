import { beforeAll, describe, expect, it } from '@jest/globals';
import { LabDisk } from '../../support/data-plane/lab-disk.ts';
import { aThrottle, LabReplication } from '../../support/data-plane/lab-replication.ts';
import { Random } from '../../support/data-plane/random.ts';
import { TcpProxy } from '../../support/data-plane/tcp-proxy.ts';
import { useLab } from '../../support/data-plane/use-lab.ts';

const MIB = 1024 * 1024;
/** Enough for three lanes of at least 32 MiB. */
const SIZE_BYTES = 100 * MIB + 512;

const lab = useLab();
let source: LabDisk;
let snapshot: string;

beforeAll(async () => {
  source = await LabDisk.create(lab.storage, SIZE_BYTES);
  await source.write(0, new Random(1).bytes(SIZE_BYTES - 512));
  snapshot = await source.snapshot();
});

describe('a disk over several connections', () => {
  it('comes over whole, each part once', async () => {
    const replication = await LabReplication.open({
      site: lab.site,
      source,
      connectionsPerDisk: 4,
    });
    const proxy = await TcpProxy.start(replication.masterTarget.port);
    try {
      const figures = await replication.bring({ point: 'point-1', snapshot, port: proxy.port });
      expect(figures).toMatchObject({ mode: 'full', changedBytes: SIZE_BYTES - 512 });
      expect(proxy.sentBytes).toHaveLength(3);
      expect(Math.min(...proxy.sentBytes)).toBeGreaterThan(20 * MIB);
    } finally {
      await proxy.stop();
    }
    expect(replication.target.equals(source.contentOf(snapshot))).toBe(true);
    expect((await replication.verify('point-1')).mismatches).toEqual([]);
  });

  it('comes over one lane after the other while other disks have all connections that are to spare', async () => {
    const throttle = aThrottle();
    const never = new AbortController().signal;
    const held = Array.from({ length: 12 }, () => throttle.connection('another disk', never));
    await Promise.all(held);
    const replication = await LabReplication.open({
      site: lab.site,
      source,
      connectionsPerDisk: 4,
      throttle,
    });
    const proxy = await TcpProxy.start(replication.masterTarget.port);
    const order: number[] = [];
    proxy.beforeChunk = async (connection) => {
      if (order.at(-1) !== connection) order.push(connection);
    };
    try {
      await replication.bring({ point: 'point-1', snapshot, port: proxy.port });
    } finally {
      await proxy.stop();
    }
    expect(order).toEqual([0, 1, 2]);
    expect(replication.target.equals(source.contentOf(snapshot))).toBe(true);
  });

  it('goes on in every lane when all of them break', async () => {
    const replication = await LabReplication.open({
      site: lab.site,
      source,
      connectionsPerDisk: 4,
    });
    const proxy = await TcpProxy.start(replication.masterTarget.port);
    let cuts = 0;
    proxy.beforeChunk = async () => {
      const sent = proxy.sentBytes.reduce((sum, each) => sum + each, 0);
      if (cuts === 0 && sent > 40 * MIB) {
        cuts += 1;
        proxy.cut();
      }
    };
    try {
      const figures = await replication.bring({ point: 'point-1', snapshot, port: proxy.port });
      expect(figures.resumeCount).toBe(1);
    } finally {
      await proxy.stop();
    }
    expect(replication.target.equals(source.contentOf(snapshot))).toBe(true);
    expect((await replication.verify('point-1')).mismatches).toEqual([]);
  });

  it('seals deltas of all lanes together', async () => {
    const replication = await LabReplication.open({
      site: lab.site,
      source,
      connectionsPerDisk: 4,
    });
    await replication.bring({ point: 'point-1', snapshot });
    await source.write(512, new Random(2).bytes(90 * MIB));
    await source.clear(95 * MIB, MIB);
    const next = await source.snapshot();
    const figures = await replication.bring({ point: 'point-2', snapshot: next, base: snapshot });
    expect(figures).toMatchObject({ mode: 'delta', changedBytes: 91 * MIB, zeroBytes: MIB });
    expect(replication.target.equals(source.contentOf(next))).toBe(true);
    expect((await replication.verify('point-2')).mismatches).toEqual([]);
  });
});
