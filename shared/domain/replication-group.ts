/**
 * How the machines of a replication group come to one instant: each polls the group's record at the start of
 * its cycle. Whoever finds a common point due proposes an instant far enough ahead that all others poll in
 * between; who polls within reach of it waits for it and takes its snapshot then, under the shared id.
 */
export interface ReplicationGroupRecord {
  readonly id: string;
  readonly proposal: { readonly groupPointId: string; readonly at: string } | null;
  /** How many common points were proposed so far; makes their ids. */
  readonly proposals: number;
}

interface Poll {
  readonly now: Date;
  readonly intervalMinutes: number;
  readonly cycleIntervalSeconds: number;
}

interface Agreement {
  readonly record: ReplicationGroupRecord;
  /** Wait for it and take the snapshot then; `null`: an ordinary cycle. */
  readonly take: ReplicationGroupRecord['proposal'];
}

/** A member polls once a cycle: pause and transfer. Within two pauses it polls, unless a cycle takes longer. */
const REACH_CYCLES = 2;
const LEAD_CYCLES = 3;

export function agreeOnPoint(record: ReplicationGroupRecord, poll: Poll): Agreement {
  const { now, intervalMinutes, cycleIntervalSeconds } = poll;
  const cycleMs = cycleIntervalSeconds * 1000;
  const { proposal } = record;
  const atMs = proposal === null ? Number.NEGATIVE_INFINITY : Date.parse(proposal.at);
  if (atMs > now.getTime()) {
    const isInReach = atMs - now.getTime() <= REACH_CYCLES * cycleMs;
    return { record, take: isInReach ? proposal : null };
  }
  if (now.getTime() - atMs < intervalMinutes * 60_000) return { record, take: null };
  const proposals = record.proposals + 1;
  const next = {
    groupPointId: `${record.id}-g${String(proposals).padStart(4, '0')}`,
    at: new Date(now.getTime() + LEAD_CYCLES * cycleMs).toISOString(),
  };
  return { record: { ...record, proposal: next, proposals }, take: null };
}
