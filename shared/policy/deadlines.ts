const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** How long a step may take before it is given up, in milliseconds. */
export const DEADLINE_MS = {
  /** Answers from memory or one call to the hypervisor. */
  quickCommand: 5 * MINUTE,
  /** Attaching, detaching, creating disks: vCenter tasks queue up behind each other. */
  siteChange: 30 * MINUTE,
  /** One disk of one recovery point; an initial replication of 32 TiB at 1 Gbit/s takes three days. */
  transfer: 7 * 24 * HOUR,
  /** Merging snapshots on-premises: as long as what was written since is large. */
  snapshotMerge: 6 * HOUR,
  /** Applying staged blocks to the disks takes hours; a retention volume that is full is waited for like a line that is down. */
  seal: 7 * 24 * HOUR,
  verify: 24 * HOUR,
  /** Azure needs 10–15 minutes until a new process server has registered. */
  processServerRegistration: 25 * MINUTE,
  /** Azure that does not say how a VM is; longer than a throttling bucket takes to refill. */
  sourceAnswer: 5 * MINUTE,
  /** The documented re-registration window of the mobility agent. */
  agentRegistration: 15 * MINUTE,
  /** Server-side copy of the replica seed within one region. */
  replicaSeed: 24 * HOUR,
} as const;

/** Pauses between two looks, in milliseconds. */
export const POLL_MS = {
  /** The result of a command also wakes by event; the timer only covers a lost event. */
  commandFirst: 15_000,
  commandMax: 5 * MINUTE,
  /** An operator's intent also wakes by event. */
  intent: 30_000,
  processServer: 5_000,
  agent: 15_000,
  source: 15_000,
  longRunningFirst: 10_000,
  longRunningMax: 5 * MINUTE,
  powerFirst: 5_000,
  powerMax: 30_000,
  /** Machines of a recovery plan. */
  planFirst: 5_000,
  planMax: 30_000,
  webhookFirst: 2_000,
  webhookMax: 60_000,
} as const;
