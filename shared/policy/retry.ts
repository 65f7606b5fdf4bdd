/** Numbers for `RetryOptions`; the SDK retries everything that is thrown, so only transient faults are. */
export interface RetryPolicy {
  readonly firstDelayMs: number;
  readonly maxAttempts: number;
  readonly backoff: number;
  readonly maxDelayMs: number;
}

/**
 * No `retryTimeout`: when it runs out the SDK's task never completes and the orchestration hangs.
 */
export const RETRY = {
  /** Tables, blobs, queues: 1+2+4+8+15+15+15+15 s ≈ 75 s in all. */
  storage: { firstDelayMs: 1_000, maxAttempts: 9, backoff: 2, maxDelayMs: 15_000 },
  /** Azure Resource Manager: throttling buckets refill within minutes; ≈ 15 min in all. */
  azureControlPlane: { firstDelayMs: 5_000, maxAttempts: 10, backoff: 2, maxDelayMs: 180_000 },
} as const satisfies Record<string, RetryPolicy>;
