import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SnapshotSource } from '../../agents/process-server/snapshot-source.ts';
import { SourceAccess } from '../../agents/process-server/source-access.ts';
import { toUnits, widenToBlocks } from '../../shared/domain/page-ranges.ts';
import { aThrottle } from '../../test/support/data-plane/lab-replication.ts';
import { startLabSite } from '../../test/support/data-plane/lab-site.ts';
import { NODE_FLAGS } from '../lab/node-flags.ts';
import type { ReceiverSetting, SenderSetting, Stretch } from './contract.ts';

/**
 * The least that two programs of Node.js have to do to bring a disk over, with nothing of the product around it: no
 * journal, no resumption, no limit of memory, nobody who asks how far it is. Reads URL, and writes OUT of SIZE bytes;
 * with `--plain` neither encrypted nor checked. Prints `started` when both programs are warm and know what to read, and
 * ends with the data durable.
 */
const { URL: url = '', OUT: file = '', SIZE: size = '' } = process.env;
const isPlain = process.argv.includes('--plain');
const sizeBytes = Number(size);

const LISTING_MS = 3_600_000;

const start = (name: string): ChildProcess =>
  fork(join(import.meta.dirname, `${name}.ts`), { execArgv: NODE_FLAGS });

/** What the program says next. Throws when it ends instead. */
async function answerOf(program: ChildProcess): Promise<unknown> {
  const ended = once(program, 'exit').then(() => {
    throw new Error('a half of the bare pipeline ended too early');
  });
  const [answer] = (await Promise.race([once(program, 'message'), ended])) as unknown[];
  return answer;
}

/** What the product would read by one request each. */
async function stretchesOf(): Promise<readonly Stretch[]> {
  const expiresAt = new Date(Date.now() + LISTING_MS).toISOString();
  const source = new SnapshotSource({
    access: new SourceAccess(async () => ({ sourceUrl: url, expiresAt })),
    signal: AbortSignal.timeout(LISTING_MS),
    throttle: aThrottle(),
    key: 'bare',
  });
  await source.open(sizeBytes);
  const listed = source.ranges({ from: 0, to: sizeBytes, isDelta: false });
  const stretches: Stretch[] = [];
  for await (const unit of toUnits(widenToBlocks(listed, sizeBytes))) stretches.push(unit);
  return stretches;
}

async function bring(): Promise<void> {
  sender.send('go');
  await answerOf(sender);
  receiver.send('sync');
  await answerOf(receiver);
}

/** The receiver has it open: it stays the same file. */
function makeEmpty(): void {
  writeFileSync(file, '');
  truncateSync(file, sizeBytes);
}

// What the site writes goes when the benchmark's folder goes, however this ends.
process.env['TMPDIR'] = dirname(file);
makeEmpty();
const site = await startLabSite();
const [receiver, sender] = [start('receiver'), start('sender')];
try {
  const tls = {
    receiver: isPlain ? null : await site.certificate('masterTarget'),
    sender: isPlain ? null : await site.certificate('processServer'),
  };
  receiver.send({ file, tls: tls.receiver } satisfies ReceiverSetting);
  const port = Number(await answerOf(receiver));
  const stretches = await stretchesOf();
  sender.send({ url, stretches, port, tls: tls.sender } satisfies SenderSetting);
  await answerOf(sender);
  // Once for nothing: the product's programs have been running for a while, too.
  await bring();
  makeEmpty();
  process.stdout.write('started\n');
  await bring();
} finally {
  sender.kill();
  receiver.kill();
  await site.stop();
}
