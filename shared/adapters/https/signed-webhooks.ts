import { createHmac } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Secret } from '../../domain/secret.ts';
import { FailbackError } from '../../errors/failback-error.ts';
import type { Clock } from '../../ports/messaging.ts';
import type { Webhooks } from '../../ports/plans.ts';

const MAX_ANSWER_BYTES = 4096;

type Delivery = Parameters<Webhooks['deliver']>[0];

/**
 * HTTPS only, certificates checked, redirects not followed: a redirect would carry the signed body to somebody
 * nobody named. `x-failback-signature: t=<seconds>,v1=<hex>` is the HMAC-SHA-256 of `<seconds>.<body>`; the
 * receiver refuses what is old, and does what it did once for the same `idempotency-key` only once.
 */
export class SignedWebhooks implements Webhooks {
  readonly #secrets: ReadonlyMap<string, Secret>;
  readonly #clock: Clock;
  readonly #ca: string | undefined;

  /** `ca`: trusted besides nobody else; absent = what Node trusts, and NODE_EXTRA_CA_CERTS. */
  constructor(secrets: ReadonlyMap<string, Secret>, clock: Clock, ca?: string) {
    this.#secrets = secrets;
    this.#clock = clock;
    this.#ca = ca;
  }

  async deliver(delivery: Delivery): ReturnType<Webhooks['deliver']> {
    const { secretName, body, idempotencyKey } = delivery;
    const secret = this.#secrets.get(secretName);
    if (secret === undefined) throw new FailbackError('FB-RCV-009', { secretName });
    const seconds = Math.floor(this.#clock.now().getTime() / 1000);
    const signature = createHmac('sha256', secret.reveal())
      .update(`${seconds}.${body}`)
      .digest('hex');
    try {
      return await this.#post(delivery, {
        'content-type': 'application/json',
        'content-length': String(Buffer.byteLength(body)),
        'idempotency-key': idempotencyKey,
        'x-failback-signature': `t=${seconds},v1=${signature}`,
      });
    } catch (error) {
      return { status: null, detail: error instanceof Error ? error.message : String(error) };
    }
  }

  async #post(
    { url, body, timeoutMs }: Delivery,
    headers: Readonly<Record<string, string>>,
  ): ReturnType<Webhooks['deliver']> {
    if (new URL(url).protocol !== 'https:')
      return { status: null, detail: 'only https is allowed' };
    const signal = AbortSignal.timeout(timeoutMs);
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const options = { method: 'POST', headers, signal };
      const ca = this.#ca === undefined ? {} : { ca: this.#ca };
      httpsRequest(url, { ...options, ...ca }, resolve)
        .on('error', reject)
        .end(body);
    });
    return { status: answer.statusCode ?? null, detail: await beginningOf(answer) };
  }
}

/** What the receiver said, as far as people need it; the rest is not read. */
async function beginningOf(answer: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    text += chunk.toString('utf8');
    if (text.length >= MAX_ANSWER_BYTES) break;
  }
  return text.slice(0, MAX_ANSWER_BYTES);
}
