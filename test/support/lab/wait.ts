import { setTimeout as delay } from 'node:timers/promises';

const LOOK_MS = 50;

/** Looks until `look` gives something else than `null`; says what was waited for and what was seen last. */
export async function waitFor<T>(
  what: string,
  look: () => Promise<T | null> | T | null,
  {
    deadlineMs = 200_000,
    lastSeen = () => '',
  }: { deadlineMs?: number; lastSeen?: () => string } = {},
): Promise<T> {
  const deadline = Date.now() + deadlineMs;
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    if (Date.now() > deadline) {
      throw new Error(`Waited ${deadlineMs / 1000} s in vain for ${what}. ${lastSeen()}`);
    }
    await delay(LOOK_MS);
  }
}
