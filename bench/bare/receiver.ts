import { createHash, type Hash } from 'node:crypto';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { type AddressInfo, createServer as createPlainServer } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer as createTlsServer } from 'node:tls';
import { alignedBuffers } from '../../agents/master-target/aligned-buffers.ts';
import { DirectFile } from '../../agents/master-target/direct-file.ts';
import { collectForStreaming } from '../../agents/runtime/heap-settings.ts';
import { DIGEST_BYTES, HEAD_BYTES, type ReceiverSetting } from './contract.ts';

/** Pieces of one connection that are written while more is received. */
const MAX_WRITES = 2;

/** The receiving half of the bare pipeline: takes pieces, checks them, writes them where they belong. */
async function main(): Promise<void> {
  const [{ file, tls }] = (await once(process, 'message')) as [ReceiverSetting];
  const disk = await DirectFile.open(file, { isReadOnly: false });
  if (disk === null) throw new Error('The file system has no access past the page cache.');
  const handle = await open(file, 'r+');
  const take = (socket: Duplex): void => {
    const lane = new Lane(socket, disk, tls !== null);
    socket.on('data', (chunk: Buffer) => lane.take(chunk));
  };
  const server =
    tls === null
      ? createPlainServer(take)
      : createTlsServer(
          { key: tls.keyPem, cert: tls.certificatePem, ca: tls.caPem, requestCert: true },
          take,
        );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  process.on('message', () => void handle.datasync().then(() => process.send?.('durable')));
  process.send?.((server.address() as AddressInfo).port);
}

/** Fills one buffer after the other: the head of a piece, its bytes, its digest. */
class Lane {
  readonly #socket: Duplex;
  readonly #disk: DirectFile;
  readonly #isChecked: boolean;
  readonly #head = Buffer.alloc(HEAD_BYTES);
  readonly #digest = Buffer.alloc(DIGEST_BYTES);
  #filling: Buffer = this.#head;
  #filled = 0;
  #piece: Buffer = this.#head;
  #hash: Hash | null = null;
  readonly #writes = new Set<Promise<void>>();

  constructor(socket: Duplex, disk: DirectFile, isChecked: boolean) {
    this.#socket = socket;
    this.#disk = disk;
    this.#isChecked = isChecked;
  }

  take(chunk: Buffer): void {
    for (let at = 0; at < chunk.length;) {
      const part = chunk.subarray(at, at + this.#filling.length - this.#filled);
      this.#filling.set(part, this.#filled);
      if (this.#filling === this.#piece) this.#hash?.update(part);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === this.#filling.length) this.#goOn();
    }
  }

  #goOn(): void {
    if (this.#filling === this.#head) this.#begin(this.#head.readUInt32LE(8));
    else if (this.#filling === this.#piece && this.#isChecked) this.#fill(this.#digest);
    else this.#complete();
  }

  #begin(length: number): void {
    if (length === 0) {
      void Promise.all(this.#writes).then(() => this.#socket.end('done'));
      return;
    }
    this.#piece = alignedBuffers.take(length);
    this.#hash = this.#isChecked ? createHash('sha256') : null;
    this.#fill(this.#piece);
  }

  #complete(): void {
    const offset = this.#head.readDoubleLE(0);
    if (this.#hash !== null && !this.#hash.digest().equals(this.#digest)) {
      throw new Error(`The piece at ${offset} arrived damaged.`);
    }
    const write = this.#write(offset, this.#piece);
    this.#writes.add(write);
    void write.then(() => {
      this.#writes.delete(write);
      this.#socket.resume();
    });
    if (this.#writes.size >= MAX_WRITES) this.#socket.pause();
    this.#fill(this.#head);
  }

  async #write(offset: number, piece: Buffer): Promise<void> {
    await this.#disk.write(piece, offset);
    alignedBuffers.giveBack(piece);
  }

  #fill(buffer: Buffer): void {
    this.#filling = buffer;
    this.#filled = 0;
  }
}

process.once('disconnect', () => process.exit());
collectForStreaming();
await main();
