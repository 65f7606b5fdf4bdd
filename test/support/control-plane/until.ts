import { setTimeout as sleep } from 'node:timers/promises';

const PAUSE_MS = 10;
const MAX_LOOKS = 6000;

/** Looks until there is something other than `undefined`; ends a test that would wait for ever. */
export async function until<T>(
  what: string,
  probe: () => T | undefined | Promise<T | undefined>,
): Promise<T> {
  for (let look = 0; look < MAX_LOOKS; look += 1) {
    const value = await probe();
    if (value !== undefined) return value;
    await sleep(PAUSE_MS);
  }
  throw new Error(`What was waited for did not happen: ${what}`);
}

/** As `until`, for a condition. */
export async function untilTrue(
  what: string,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  await until(what, async () => ((await condition()) ? true : undefined));
}
