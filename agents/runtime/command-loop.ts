import { QueueClient, type DequeuedMessageItem } from '@azure/storage-queue';
import { queueMessageSchema } from '../../shared/contracts/agent-protocol.ts';
import { redact } from '../../shared/domain/secret.ts';
import type { CommandRunner } from './command-runner.ts';
import { type Activity, QueuePace } from './queue-pace.ts';
import type { Logger } from './types.ts';

const VISIBILITY_SECONDS = 60;
const RENEW_MS = 30_000;
const MAX_PARALLEL = 32;
/** A message that came back that often is not a command at all. */
const MAX_DELIVERIES = 500;

interface LoopOptions {
  readonly runner: CommandRunner;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Commands are added to what else the agent does. */
  readonly activity: Activity;
  /** The present SAS URL of the queue; heartbeats bring fresh ones. */
  readonly queueUrl: () => string;
}

interface Loop extends Omit<LoopOptions, 'queueUrl'> {
  readonly queue: Queue;
}

/** Receives commands until the agent stops. A message is deleted only after its result was accepted. */
export async function runCommandLoop({ queueUrl, ...options }: LoopOptions): Promise<void> {
  const { signal, log, activity } = options;
  const loop: Loop = { ...options, queue: new Queue(queueUrl) };
  const running = new Set<Promise<void>>();
  const leases = new Map<string, MessageLease>();
  const pace = new QueuePace(activity);
  const take = (message: DequeuedMessageItem): void => {
    const { messageId, popReceipt } = message;
    const held = leases.get(messageId);
    if (held !== undefined) {
      // Its lease was lost while its command runs. Deleted now, it could not come back after a crash.
      log.debug('a message came again while its command runs', { messageId });
      held.takeOver(popReceipt);
      return;
    }
    const lease = new MessageLease(loop, message);
    leases.set(messageId, lease);
    const work = activity.during(handle(loop, message, lease)).finally(() => {
      leases.delete(messageId);
      running.delete(work);
    });
    running.add(work);
  };
  while (!signal.aborted) {
    const free = Math.min(16, MAX_PARALLEL - running.size);
    const messages = free === 0 ? [] : await receive(loop, free);
    for (const message of messages ?? []) take(message);
    const look = messages === null ? 'failed' : messages.length > 0 ? 'found' : 'empty';
    await pace.pauseAfter(look, signal);
  }
  await Promise.allSettled(running);
}

/** `null`: the queue does not answer. */
async function receive(
  { queue, signal, log }: Loop,
  count: number,
): Promise<DequeuedMessageItem[] | null> {
  try {
    const { receivedMessageItems } = await queue.client.receiveMessages({
      numberOfMessages: count,
      visibilityTimeout: VISIBILITY_SECONDS,
      abortSignal: signal,
    });
    return receivedMessageItems;
  } catch (error) {
    log.warn('the command queue does not answer', { reason: redact(String(error)) });
    return null;
  }
}

/** One client for each SAS: making one for each question costs more than to ask it. */
class Queue {
  readonly #urlNow: () => string;
  #url = '';
  #client: QueueClient | undefined;

  constructor(urlNow: () => string) {
    this.#urlNow = urlNow;
  }

  get client(): QueueClient {
    const url = this.#urlNow();
    if (this.#client === undefined || url !== this.#url) this.#client = new QueueClient(url);
    this.#url = url;
    return this.#client;
  }
}

async function handle(
  { runner, log }: Loop,
  message: DequeuedMessageItem,
  lease: MessageLease,
): Promise<void> {
  const commandId = commandIdOf(message);
  try {
    if (commandId === null || message.dequeueCount > MAX_DELIVERIES) {
      log.error('a message that is no command was removed', { messageId: message.messageId });
      await lease.remove();
      return;
    }
    const outcome = await runner.run(commandId);
    // The run that is under way removes its own message; this is another one for the same command.
    log.debug('command', { commandId, outcome });
    await lease.remove();
  } catch (error) {
    log.warn('a command will come again', { commandId, reason: redact(String(error)) });
  } finally {
    lease.end();
  }
}

function commandIdOf({ messageText }: DequeuedMessageItem): string | null {
  try {
    const text = Buffer.from(messageText, 'base64').toString('utf8');
    return queueMessageSchema.parse(JSON.parse(text)).commandId;
  } catch {
    return null;
  }
}

/** Keeps a message invisible while its command runs. */
class MessageLease {
  readonly #loop: Loop;
  readonly #messageId: string;
  readonly #timer: NodeJS.Timeout;
  #popReceipt: string;

  constructor(loop: Loop, { messageId, popReceipt }: DequeuedMessageItem) {
    this.#loop = loop;
    this.#messageId = messageId;
    this.#popReceipt = popReceipt;
    this.#timer = setInterval(() => void this.#renew(), RENEW_MS);
  }

  /** The same message was received again, which makes the earlier receipt worthless. */
  takeOver(popReceipt: string): void {
    this.#popReceipt = popReceipt;
  }

  async remove(): Promise<void> {
    this.end();
    await this.#loop.queue.client.deleteMessage(this.#messageId, this.#popReceipt);
  }

  end(): void {
    clearInterval(this.#timer);
  }

  async #renew(): Promise<void> {
    const used = this.#popReceipt;
    try {
      const renewed = await this.#loop.queue.client.updateMessage(
        this.#messageId,
        used,
        undefined,
        VISIBILITY_SECONDS,
      );
      // Unless the message was received again meanwhile.
      if (this.#popReceipt === used) this.#popReceipt = renewed.popReceipt ?? used;
    } catch (error) {
      this.#loop.log.debug('a message could not be renewed', { reason: redact(String(error)) });
    }
  }
}
