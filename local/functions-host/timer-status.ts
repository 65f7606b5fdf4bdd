import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const statusSchema = z.object({ Last: z.string(), Next: z.string(), LastUpdated: z.string() });

/** When a timer last ran and runs next, in the words of the real host. ISO times. */
export type TimerStatus = z.infer<typeof statusSchema>;

const fileSchema = z.record(z.string(), statusSchema);

/** Remembers over restarts when the timers ran, so that the host knows which runs it missed. */
export class TimerStatusFile {
  readonly #file: string;
  readonly #statuses: Map<string, TimerStatus>;

  constructor(dataFolder: string) {
    this.#file = join(dataFolder, 'timers.json');
    const text = existsSync(this.#file) ? readFileSync(this.#file, 'utf8') : '{}';
    this.#statuses = new Map(Object.entries(fileSchema.parse(JSON.parse(text))));
  }

  read(functionName: string): TimerStatus | null {
    return this.#statuses.get(functionName) ?? null;
  }

  write(functionName: string, status: TimerStatus): void {
    this.#statuses.set(functionName, status);
    // Renamed into place: a host killed while it writes leaves the file as it was.
    const draft = `${this.#file}.new`;
    writeFileSync(draft, JSON.stringify(Object.fromEntries(this.#statuses), null, 2));
    renameSync(draft, this.#file);
  }
}
