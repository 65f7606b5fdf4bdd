import { readFileSync } from 'node:fs';

/** Linux counts in /proc in hundredths of a second on every platform that Node runs on. */
const TICKS_PER_SECOND = 100;

/** What a tree of processes used. */
export interface Usage {
  readonly cpuSeconds: number;
  /** Highest resident memory of each program, MiB; of several with one name the highest. */
  readonly peakMiB: ReadonlyMap<string, number>;
}

/** Follows a process and its descendants through /proc. */
export class Gauge {
  readonly #pid: number;
  readonly #peakMiB = new Map<string, number>();
  #cpuSeconds = 0;

  constructor(pid: number) {
    this.#pid = pid;
  }

  /** To be called often: what lives shorter than the pause between two looks is not seen. */
  look(): void {
    const tree = [this.#pid, ...descendantsOf(this.#pid)];
    for (const pid of tree) {
      const status = read(`/proc/${pid}/status`);
      const name = /^Name:\s+(\S+)/m.exec(status)?.[1];
      const peakKiB = Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0);
      if (name === undefined || peakKiB === 0) continue;
      this.#peakMiB.set(name, Math.max(this.#peakMiB.get(name) ?? 0, peakKiB / 1024));
    }
    const cpuSeconds = tree.reduce((sum, pid) => sum + cpuSecondsOf(pid), 0);
    this.#cpuSeconds = Math.max(this.#cpuSeconds, cpuSeconds);
  }

  usage(): Usage {
    return { cpuSeconds: this.#cpuSeconds, peakMiB: new Map(this.#peakMiB) };
  }
}

/** Of all programs in a tree; for trees of one program. */
export function highest({ peakMiB }: Usage): number {
  return Math.max(0, ...peakMiB.values());
}

/** One-minute load average of the machine. */
export function loadAverage(): number {
  return Number(read('/proc/loadavg').split(' ')[0]);
}

/** Of the process itself and of the children that it has waited for. */
function cpuSecondsOf(pid: number): number {
  const stat = read(`/proc/${pid}/stat`);
  // The name in parentheses may hold spaces; the fields after it are counted from state = 3.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return ticks / TICKS_PER_SECOND;
}

function descendantsOf(pid: number): readonly number[] {
  const children = read(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);
  return children.flatMap((child) => [child, ...descendantsOf(child)]);
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // The process has ended.
    return '';
  }
}
