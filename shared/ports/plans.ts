import type { FailbackOptions, Job } from '../domain/job.ts';
import type { Intent } from '../domain/phases.ts';

/** What a recovery plan does with the jobs of its machines: the same as a person does over HTTP. */
export interface JobControl {
  /** Idempotent by `jobId`. Throws what the HTTP function answers. */
  start(request: {
    readonly jobId: string;
    readonly operation: Job['operation'];
    readonly itemId: string;
    readonly options: FailbackOptions;
    readonly caller: string;
  }): Promise<void>;
  /** Asking twice is asking once. */
  ask(
    jobId: string,
    wish: {
      readonly intent: Intent;
      readonly caller: string;
      readonly recoveryPoint?: string;
      readonly maxDataLossMinutes?: number | undefined;
      readonly acceptUnreachableSource?: boolean | undefined;
    },
  ): Promise<void>;
  newJobId(prefix: string): string;
}

/** HTTPS to whoever the operator named. */
export interface Webhooks {
  /**
   * Signs the body with the named secret and sends it. Answers with the status code, whatever it is; `null`
   * when nobody could be reached. Throws FB-RCV-009 for a secret that is not there.
   */
  deliver(request: {
    readonly url: string;
    readonly secretName: string;
    readonly idempotencyKey: string;
    readonly body: string;
    readonly timeoutMs: number;
  }): Promise<{ readonly status: number | null; readonly detail: string }>;
}
