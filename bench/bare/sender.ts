import { createHash, type Hash } from 'node:crypto';
import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import { connect as connectPlain } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { collectForStreaming } from '../../agents/runtime/heap-settings.ts';
import { HEAD_BYTES, PIECE_BYTES, type SenderSetting, type Stretch } from './contract.ts';

const LANES = 6;
/** Of one connection, while more is read. */
const MAX_UNSENT_BYTES = 1024 * 1024;
const API = { 'x-ms-version': '2021-12-02' } as const;
const agent = new Agent({ keepAlive: true, maxSockets: LANES });

/** The sending half of the bare pipeline: what the storage answers goes on to the receiver as it comes. */
async function main(): Promise<void> {
  const [told] = (await once(process, 'message')) as [SenderSetting];
  process.on('message', () => void sendAll(told).then(() => process.send?.('sent')));
  process.send?.('ready');
}

async function sendAll({ url, stretches, port, tls }: SenderSetting): Promise<void> {
  const left = [...stretches];
  const lanes = Array.from({ length: LANES }, async () => {
    const socket = await connect(port, tls);
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      await sendStretch(next, url, new PieceWriter(socket, next, tls !== null));
    }
    socket.write(Buffer.alloc(HEAD_BYTES));
    // It closes the connection after its answer.
    await once(socket, 'data');
  });
  await Promise.all(lanes);
}

async function connect(port: number, tls: SenderSetting['tls']): Promise<Duplex> {
  const host = '127.0.0.1';
  if (tls === null) return connectPlain(port, host);
  const { keyPem: key, certificatePem: cert, caPem: ca } = tls;
  const socket = connectTls({ host, port, key, cert, ca, checkServerIdentity: () => undefined });
  await once(socket, 'secureConnect');
  return socket;
}

async function sendStretch(
  { offset, end }: Stretch,
  url: string,
  pieces: PieceWriter,
): Promise<void> {
  const headers = { ...API, 'x-ms-range': `bytes=${offset}-${end - 1}` };
  const [response] = (await once(get(url, { agent, headers }), 'response')) as [IncomingMessage];
  if (response.statusCode !== 206) throw new Error(`The storage answered ${response.statusCode}.`);
  response.on('data', (chunk: Buffer) => pieces.write(chunk, response));
  await once(response, 'end');
}

/** Cuts what comes into pieces, each between its head and its digest. */
class PieceWriter {
  readonly #socket: Duplex;
  readonly #end: number;
  readonly #isChecked: boolean;
  #position: number;
  #left = 0;
  #hash: Hash | null = null;

  constructor(socket: Duplex, { offset, end }: Stretch, isChecked: boolean) {
    this.#socket = socket;
    this.#position = offset;
    this.#end = end;
    this.#isChecked = isChecked;
  }

  write(chunk: Buffer, source: IncomingMessage): void {
    for (let at = 0; at < chunk.length;) {
      if (this.#left === 0) this.#begin();
      const part = chunk.subarray(at, at + this.#left);
      this.#hash?.update(part);
      this.#socket.write(part);
      at += part.length;
      this.#position += part.length;
      this.#left -= part.length;
      if (this.#left === 0 && this.#hash !== null) this.#socket.write(this.#hash.digest());
    }
    if (this.#socket.writableLength < MAX_UNSENT_BYTES) return;
    source.pause();
    this.#socket.once('drain', () => source.resume());
  }

  #begin(): void {
    this.#left = Math.min(PIECE_BYTES, this.#end - this.#position);
    this.#hash = this.#isChecked ? createHash('sha256') : null;
    const head = Buffer.alloc(HEAD_BYTES);
    head.writeDoubleLE(this.#position, 0);
    head.writeUInt32LE(this.#left, 8);
    this.#socket.write(head);
  }
}

process.once('disconnect', () => process.exit());
collectForStreaming();
await main();
