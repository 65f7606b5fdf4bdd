import { describe, expect, it } from '@jest/globals';
import { createThrottle, type Throttle } from '../../../agents/process-server/throttle/throttle.ts';
import { LabDisk } from '../../support/data-plane/lab-disk.ts';
import { aThrottle, LabReplication } from '../../support/data-plane/lab-replication.ts';
import { useLab } from '../../support/data-plane/use-lab.ts';

const MIB = 1024 * 1024;
const SIZE_BYTES = 9 * MIB + 7 * 512;

const lab = useLab();

/** A disk with 4 MiB of text, the rest without data. */
async function aReplication(throttle: Throttle): Promise<LabReplication> {
  const source = await LabDisk.create(lab.storage, SIZE_BYTES);
  await source.write(0, Buffer.alloc(4 * MIB, 'a text of a log file\n'));
  return LabReplication.open({ site: lab.site, source, throttle });
}

function deciding(throttle: Throttle, compression: Throttle['compression']): Throttle {
  return { ...throttle, compression };
}

describe('compression', () => {
  it('is of what can be compressed', async () => {
    const replication = await aReplication(aThrottle());
    const snapshot = await replication.source.snapshot();
    const figures = await replication.bring({ point: 'point-1', snapshot });
    expect(figures.sentBytes).toBe(4 * MIB);
    expect(figures.wireBytes).toBeLessThan(figures.sentBytes / 20);
    expect(replication.target.equals(replication.source.contentOf(snapshot))).toBe(true);
  });

  it('is left out where it does not pay', async () => {
    const never = { next: () => false, sent: () => undefined };
    const replication = await aReplication(deciding(aThrottle(), never));
    const snapshot = await replication.source.snapshot();
    const figures = await replication.bring({ point: 'point-1', snapshot });
    expect(figures).toMatchObject({ sentBytes: 4 * MIB, wireBytes: 4 * MIB });
    expect(replication.target.equals(replication.source.contentOf(snapshot))).toBe(true);
  });

  it('is decided by how long sending takes and waits', async () => {
    const told: { readonly tookMs: number; readonly waitedMs: number }[] = [];
    const bandwidth = { windows: [], defaultMbps: 40 };
    const limited = createThrottle({ memoryBytes: 64 * MIB, maxRequests: 8, bandwidth });
    const never = {
      next: () => false,
      sent: (stretch: (typeof told)[number]) => told.push(stretch),
    };
    const replication = await aReplication(deciding(limited, never));
    await replication.send({ point: 'point-1', snapshot: await replication.source.snapshot() });
    expect(told.length).toBeGreaterThan(0);
    for (const { tookMs, waitedMs } of told) expect(waitedMs).toBeLessThanOrEqual(tookMs);
    // 4 MiB at 5 MB a second.
    expect(told.reduce((sum, { waitedMs }) => sum + waitedMs, 0)).toBeGreaterThan(0);
  });
});
