import { open } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../../../runtime/types.ts';

const WRITE_BYTES = 4096;
const AGENT_VERSION = '0.1.0';

interface GuestOptions {
  readonly vmId: string;
  readonly hostName: string;
  readonly mobilityUrl: string;
  readonly proof: string;
  readonly agentDelayMs: number | null;
  readonly guestPauseMs: number | null;
  /** Disks the guest writes to, with the first byte it may touch. */
  readonly disks: readonly {
    readonly file: string;
    readonly sizeBytes: number;
    readonly from: number;
  }[];
  /** The disks belong to QEMU while it runs. */
  readonly areDisksBusy: () => boolean;
  readonly log: Logger;
}

/**
 * What goes on in a guest of the local hypervisor: its mobility agent registers a while after the boot,
 * and its programs write to the disks. It stands in for a real guest also when QEMU booted the image,
 * because that image switches itself off once it has shown that it booted.
 */
export class GuestStandIn {
  readonly #options: GuestOptions;
  readonly #stopping = new AbortController();
  #isPaused = false;
  #writing: Promise<void> = Promise.resolve();
  #loops: Promise<unknown> = Promise.resolve();

  constructor(options: GuestOptions) {
    this.#options = options;
  }

  start(): void {
    this.#loops = Promise.allSettled([this.#register(), this.#write()]);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loops;
  }

  /** Runs `work` while the guest holds still, so that what it reads belongs together. */
  async whilePaused<T>(work: () => Promise<T>): Promise<T> {
    this.#isPaused = true;
    await this.#writing;
    try {
      return await work();
    } finally {
      this.#isPaused = false;
    }
  }

  async #register(): Promise<void> {
    const { agentDelayMs, mobilityUrl, vmId, hostName, proof, log } = this.#options;
    if (agentDelayMs === null) return;
    const { signal } = this.#stopping;
    await delay(agentDelayMs, undefined, { signal });
    for (;;) {
      const body = JSON.stringify({ vmId, hostName, version: AGENT_VERSION, proof });
      const response = await fetch(mobilityUrl, { method: 'POST', body, signal }).catch(() => null);
      if (response?.ok === true) return;
      log.debug('the mobility agent could not register yet', { vmId });
      await delay(1000, undefined, { signal });
    }
  }

  async #write(): Promise<void> {
    const { guestPauseMs, disks, areDisksBusy } = this.#options;
    if (guestPauseMs === null) return;
    const { signal } = this.#stopping;
    for (let round = 0; ; round += 1) {
      await delay(guestPauseMs, undefined, { signal });
      const disk = disks[round % disks.length];
      if (disk === undefined || this.#isPaused || areDisksBusy()) continue;
      this.#writing = writeOnce(disk, round);
      await this.#writing;
    }
  }
}

async function writeOnce(
  { file, sizeBytes, from }: GuestOptions['disks'][number],
  round: number,
): Promise<void> {
  const places = Math.floor((sizeBytes - from) / WRITE_BYTES);
  if (places <= 0) return;
  const place = (round * 7919) % places;
  const bytes = Buffer.alloc(WRITE_BYTES, `written on-premises, round ${round}\n`);
  const handle = await open(file, 'r+');
  try {
    await handle.write(bytes, 0, WRITE_BYTES, from + place * WRITE_BYTES);
  } finally {
    await handle.close();
  }
}
