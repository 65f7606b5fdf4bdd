/** Time as the throttle sees it; tests bring their own. */
export interface ThrottleClock {
  /** Never goes back. */
  monotonicMs(): number;
  /** For the schedule only: people may set this one. */
  date(): Date;
  /** Calls once after so many milliseconds; the result cancels it. */
  setTimer(callback: () => void, delayMs: number): () => void;
}

export const systemClock: ThrottleClock = {
  monotonicMs: () => performance.now(),
  date: () => new Date(),
  setTimer: (callback, delayMs) => {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};
