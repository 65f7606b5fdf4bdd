import { appendFileSync } from 'node:fs';
import { redact } from '../../shared/domain/secret.ts';
import type { Logger } from './types.ts';

export const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type Level = (typeof LEVELS)[number];

/** One line an event, with its values as JSON; what looks like a secret is masked. */
export function createLogger(minimum: Level, file?: string): Logger {
  const write = (
    level: Level,
    message: string,
    values?: Readonly<Record<string, unknown>>,
  ): void => {
    if (LEVELS.indexOf(level) < LEVELS.indexOf(minimum)) return;
    const details = values === undefined ? '' : ` ${JSON.stringify(values)}`;
    const line = redact(`${new Date().toISOString()} ${level.padEnd(5)} ${message}${details}\n`);
    if (file === undefined) process.stderr.write(line);
    else appendFileSync(file, line);
  };
  return {
    debug: (message, values) => write('debug', message, values),
    info: (message, values) => write('info', message, values),
    warn: (message, values) => write('warn', message, values),
    error: (message, values) => write('error', message, values),
  };
}
