/**
 * Seconds that a clock is certainly wrong by, from an answer that bears its time: it was given between the moment
 * it was asked for and the moment it was seen, both by our clock. The way there and back is no skew. Ahead is
 * positive; 0 when the answer fits in between.
 */
export function clockSkewSeconds(observedAt: string, askedAt: Date, seenAt: Date): number {
  const observedMs = Date.parse(observedAt);
  const aheadMs = Math.max(0, observedMs - seenAt.getTime());
  const behindMs = Math.max(0, askedAt.getTime() - observedMs);
  return Math.round((aheadMs - behindMs) / 1000);
}
