import type { JobView } from '../../shared/contracts/http-api.ts';
import { formatBytes } from '../../shared/domain/human-units.ts';
import { formatSeconds } from './format.ts';

const BAR_CELLS = 24;

/** One line about a job: phase, bar, bytes, rate, time left. */
export function progressLine(job: JobView): string {
  const latest = job.history.at(-1)?.message ?? 'Waiting to start';
  const [obstacle] = job.health;
  if (obstacle !== undefined) return `${job.stage.padEnd(18)} waits: ${obstacle.message}`;
  if (job.progress === null) return `${job.stage.padEnd(18)} ${latest}`;
  const { bytesDone, bytesTotal, bytesPerSecond, etaSeconds } = job.progress;
  const share = bytesTotal === 0 ? 1 : Math.min(1, bytesDone / bytesTotal);
  const full = Math.round(share * BAR_CELLS);
  const bar = `${'█'.repeat(full)}${'░'.repeat(BAR_CELLS - full)}`;
  const left = etaSeconds === undefined ? '' : ` · ${formatSeconds(etaSeconds)} left`;
  const rate = bytesPerSecond > 0 ? ` · ${formatBytes(bytesPerSecond)}/s` : '';
  return `${job.stage.padEnd(18)} ${bar} ${formatBytes(bytesDone)} of ${formatBytes(bytesTotal)}${rate}${left}`;
}

/** Shows a line that changes: in place on a terminal, as new lines elsewhere. */
export class LiveLine {
  readonly #out: NodeJS.WriteStream;
  #shown = '';

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
  }

  show(line: string): void {
    if (line === this.#shown) return;
    this.#shown = line;
    if (!this.#out.isTTY) {
      this.#out.write(`${line}\n`);
      return;
    }
    this.#out.write(`\r\u001B[2K${line.slice(0, this.#out.columns - 1)}`);
  }

  /** Leaves the line where it is and begins a new one. */
  end(): void {
    if (this.#out.isTTY && this.#shown !== '') this.#out.write('\n');
    this.#shown = '';
  }
}
