import { setTimeout as delay } from 'node:timers/promises';
import { redact } from '../../shared/domain/secret.ts';
import { enrol, type EnrolmentOptions, type TlsMaterial } from './enrolment.ts';
import type { Logger } from './types.ts';

const DAY_MS = 24 * 3_600_000;
/** An attempt that nobody answers is given up, so that the next one makes a request of its own. */
const ATTEMPT_MS = 3_600_000;

interface KeeperOptions extends EnrolmentOptions {
  readonly log: Logger;
  /** Between two looks at the certificate; default: a day. Rejects when the signal comes. */
  readonly pause?: ((signal: AbortSignal) => Promise<void>) | undefined;
}

/**
 * This agent's certificate, renewed while the agent runs: an agent may run for longer than a certificate holds.
 * There are thirty days for it, so that a renewal that fails is tried again the next day.
 */
export class CertificateKeeper {
  readonly #options: KeeperOptions;
  readonly #listeners: ((material: TlsMaterial) => void)[] = [];
  #current: TlsMaterial;

  private constructor(options: KeeperOptions, current: TlsMaterial) {
    this.#options = options;
    this.#current = current;
  }

  /** Throws as `enrol` does. */
  static async start(options: KeeperOptions): Promise<CertificateKeeper> {
    return new CertificateKeeper(options, await enrol(options));
  }

  /** For new connections; those that are open keep what they were made with. */
  get current(): TlsMaterial {
    return this.#current;
  }

  onRenewal(listener: (material: TlsMaterial) => void): void {
    this.#listeners.push(listener);
  }

  /** Looks once in every pause, until the signal comes. */
  async keepFresh(): Promise<void> {
    const { signal, pause = aDay } = this.#options;
    while (!signal.aborted) {
      await pause(signal).catch(() => undefined);
      if (signal.aborted) return;
      await this.#renew();
    }
  }

  async #renew(): Promise<void> {
    const { log, signal } = this.#options;
    try {
      const attempt = AbortSignal.any([signal, AbortSignal.timeout(ATTEMPT_MS)]);
      const material = await enrol({ ...this.#options, signal: attempt });
      if (material.certificatePem === this.#current.certificatePem) return;
      this.#current = material;
      for (const listener of this.#listeners) listener(material);
      log.info('the certificate was renewed');
    } catch (error) {
      if (signal.aborted) return;
      log.error('the certificate could not be renewed', { reason: redact(String(error)) });
    }
  }
}

async function aDay(signal: AbortSignal): Promise<void> {
  await delay(DAY_MS, undefined, { signal });
}
