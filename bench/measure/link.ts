import { Link } from '../lab/link.ts';
import { SourceDisk } from '../lab/source-disk.ts';
import { type BenchContext, INCOMPRESSIBLE, MIB } from './context.ts';
import { Replication } from './replication.ts';

const BITS_PER_SECOND = 100_000_000;
const ROUND_TRIP_MS = 30;
/** A disk of which so much changes. */
const CHANGED_SHARE = 0.5;

export interface LinkFigures {
  readonly bitsPerSecond: number;
  readonly roundTripMs: number;
  readonly changedBytes: number;
  /** From the fetched command until all is durable at the target; the seal does not use the link. */
  readonly seconds: number;
  readonly goodputBitsPerSecond: number;
  /** Of the link's rate; frame headers alone keep it below 0.957. */
  readonly shareOfLimit: number;
  /** Bytes in the TCP streams of both directions, TLS included, by changed bytes. */
  readonly wirePerChangedByte: number;
}

/** A delta of incompressible data over a shaped line between process server and master target. */
export async function measureLink(
  { control, storage, note }: BenchContext,
  changedBytes: number,
): Promise<LinkFigures> {
  const sizeBytes = changedBytes / CHANGED_SHARE;
  note(`link: ${changedBytes / MIB} MiB over ${BITS_PER_SECOND / 1e6} Mbit/s, ${ROUND_TRIP_MS} ms`);
  const disk = await SourceDisk.create(storage, 'link', sizeBytes);
  const site = await control.startSite();
  const shape = { bitsPerSecond: BITS_PER_SECOND, delayMs: ROUND_TRIP_MS / 2 };
  const link = await Link.start(site.port, shape);
  try {
    const replication = await Replication.open(site, sizeBytes);
    const base = await disk.snapshot();
    await replication.bring({ url: base });
    await disk.change(CHANGED_SHARE, INCOMPRESSIBLE);
    const url = await disk.snapshot();
    const { sent, sendSeconds } = await replication.bring({ url, baseUrl: base, port: link.port });
    if (sent.changedBytes !== changedBytes) {
      throw new Error(`A delta of ${changedBytes} bytes became: ${JSON.stringify(sent)}`);
    }
    await disk.assertEqual(replication.targetFile);
    await replication.remove();
    const goodputBitsPerSecond = (changedBytes * 8) / sendSeconds;
    return {
      bitsPerSecond: BITS_PER_SECOND,
      roundTripMs: ROUND_TRIP_MS,
      changedBytes,
      seconds: sendSeconds,
      goodputBitsPerSecond,
      shareOfLimit: goodputBitsPerSecond / BITS_PER_SECOND,
      wirePerChangedByte: (link.bytesForth + link.bytesBack) / changedBytes,
    };
  } finally {
    await link.stop();
    await site.stop();
    await disk.delete();
  }
}
