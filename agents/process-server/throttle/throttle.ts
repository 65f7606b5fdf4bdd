import type { BandwidthSchedule } from '../../../shared/domain/bandwidth-schedule.ts';
import { BandwidthGate } from './bandwidth-gate.ts';
import { Budget } from './budget.ts';
import { systemClock, type ThrottleClock } from './clock.ts';
import { CompressionShare } from './compression.ts';
import { IdleCpu } from './idle-cpu.ts';
import { ReadBuffers } from './read-buffers.ts';
import { RequestGate } from './request-gate.ts';

/**
 * What all transfers of one process server share. `key` is a disk: whoever waits is served round-robin over
 * the disks, in order within a disk. An abort takes the waiter out of the line and throws the signal's reason.
 *
 * Take memory first, then a request or bandwidth. Whoever holds memory must be able to give it back without
 * getting more; otherwise two disks can wait for each other.
 */
export interface Throttle {
  /**
   * Waits until there is room for so many bytes of one disk's data in memory; call the result to give them
   * back (idempotent). More than the whole budget is let through alone.
   */
  memory(key: string, bytes: number, signal: AbortSignal): Promise<() => void>;
  /** For what `memory` made room for. */
  readonly buffers: Pick<ReadBuffers, 'take' | 'giveBack'>;
  /**
   * Runs one request to the storage service; how many run at once adapts to how the service answers: a
   * StorageFailure of 429 or 503 halves it. Pauses between attempts belong outside. Throws what `run` throws.
   */
  request<T>(key: string, run: () => Promise<T>, signal: AbortSignal): Promise<T>;
  /**
   * Waits for a connection to a master target beyond the one that each disk has anyway; call the result to
   * give it back (idempotent).
   */
  connection(key: string, signal: AbortSignal): Promise<() => void>;
  /** Waits until the bandwidth limit of this moment allows so many bytes on the wire. */
  bandwidth(key: string, bytes: number, signal: AbortSignal): Promise<void>;
  /** Whether compressing pays now; wants to know how sending goes. */
  readonly compression: Pick<CompressionShare, 'next' | 'sent'>;
}

/**
 * Each connection costs both ends one to two MiB of buffers. Four large disks fill a line with four each; sixty
 * disks fill it with one each.
 */
const EXTRA_CONNECTIONS = 12;

interface ThrottleOptions {
  readonly memoryBytes: number;
  /** Requests to the storage service at the same time, at most. */
  readonly maxRequests: number;
  readonly bandwidth: BandwidthSchedule;
  readonly clock?: ThrottleClock;
  /** Of the machine's CPU time, 0 to 1. Default: what the operating system says. */
  readonly idleCpuShare?: () => number;
}

/** One per process: the limits hold for all disks together. */
export function createThrottle(options: ThrottleOptions): Throttle {
  const { clock = systemClock } = options;
  const { idleCpuShare = idleCpuOf(clock) } = options;
  const memory = new Budget(options.memoryBytes);
  const connections = new Budget(EXTRA_CONNECTIONS);
  const requests = new RequestGate(options.maxRequests, () => clock.monotonicMs());
  const bandwidth = new BandwidthGate(options.bandwidth, clock);
  return {
    // All of it: what is dropped between two uses is made anew, and lives on until V8 looks for old memory.
    buffers: new ReadBuffers(options.memoryBytes),
    memory: (key, bytes, signal) => memory.take(key, bytes, signal),
    request: (key, run, signal) => requests.run(key, run, signal),
    connection: (key, signal) => connections.take(key, 1, signal),
    bandwidth: (key, bytes, signal) => bandwidth.pass(key, bytes, signal),
    compression: new CompressionShare(idleCpuShare),
  };
}

function idleCpuOf(clock: ThrottleClock): () => number {
  const cpu = new IdleCpu(() => clock.monotonicMs());
  return () => cpu.share();
}
