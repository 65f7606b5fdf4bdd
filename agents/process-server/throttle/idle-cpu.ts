import { cpus } from 'node:os';

/** Asking costs up to a millisecond on large machines. */
const SAMPLE_MS = 250;
/** Who asks again after longer than this did something else meanwhile, and so did the machine. */
const MAX_SAMPLE_MS = 4 * SAMPLE_MS;

interface CpuTimes {
  readonly idleMs: number;
  readonly allMs: number;
}

/** How much of the machine's CPU time nobody used of late; 1 until that is known, and where it cannot be known. */
export class IdleCpu {
  readonly #nowMs: () => number;
  readonly #read: () => CpuTimes;
  #share = 1;
  #before: CpuTimes;
  #sampledAtMs: number;

  /** `nowMs` is monotonic; `read` gives the machine's CPU time since it started. */
  constructor(nowMs: () => number, read: () => CpuTimes = timesOfMachine) {
    this.#nowMs = nowMs;
    this.#read = read;
    this.#before = read();
    this.#sampledAtMs = nowMs();
  }

  /** 0 to 1. Cheap to ask often; after a long pause it is what it was before, for a moment. */
  share(): number {
    const nowMs = this.#nowMs();
    const sinceMs = nowMs - this.#sampledAtMs;
    if (sinceMs < SAMPLE_MS) return this.#share;
    const now = this.#read();
    const allMs = now.allMs - this.#before.allMs;
    const idleMs = now.idleMs - this.#before.idleMs;
    if (sinceMs <= MAX_SAMPLE_MS) this.#share = allMs > 0 ? idleMs / allMs : 1;
    [this.#before, this.#sampledAtMs] = [now, nowMs];
    return this.#share;
  }
}

function timesOfMachine(): CpuTimes {
  let [idleMs, allMs] = [0, 0];
  for (const { times } of cpus()) {
    idleMs += times.idle;
    allMs += times.idle + times.user + times.nice + times.sys + times.irq;
  }
  return { idleMs, allMs };
}
