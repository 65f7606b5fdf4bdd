import { FailbackError } from '../../../shared/errors/failback-error.ts';
import type { Webhooks } from '../../../shared/ports/plans.ts';

type Delivery = Parameters<Webhooks['deliver']>[0];
type Answer = Awaited<ReturnType<Webhooks['deliver']>>;

/** A receiver that does once what comes twice with the same idempotency key. Knows one secret. */
export class MemoryWebhooks implements Webhooks {
  readonly deliveries: Delivery[] = [];
  readonly done = new Set<string>();
  /** What it answers next; afterwards 200. */
  readonly answers: Answer[] = [];

  async deliver(delivery: Delivery): Promise<Answer> {
    const { secretName, idempotencyKey } = delivery;
    if (secretName !== 'dns') throw new FailbackError('FB-RCV-009', { secretName });
    this.deliveries.push(delivery);
    const answer = this.answers.shift() ?? { status: 200, detail: 'ok' };
    if (answer.status !== null && answer.status < 300) this.done.add(idempotencyKey);
    return answer;
  }
}
