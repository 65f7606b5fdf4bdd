import { appendFileSync } from 'node:fs';
import { redact } from '../../../shared/domain/secret.ts';

export const LOG_LEVELS = [
  'trace',
  'debug',
  'information',
  'warning',
  'error',
  'critical',
] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface HostLogger {
  log(level: LogLevel, message: string): void;
}

export const silentLogger: HostLogger = { log: () => undefined };

/** Lines to standard error or a file, with what looks like a secret masked. */
export function createLogger(minimum: LogLevel, file?: string): HostLogger {
  const threshold = LOG_LEVELS.indexOf(minimum);
  return {
    log: (level, message) => {
      if (LOG_LEVELS.indexOf(level) < threshold) return;
      const line = `${new Date().toISOString()} ${level.padEnd(11)} ${redact(message)}\n`;
      if (file === undefined) process.stderr.write(line);
      else appendFileSync(file, line);
    },
  };
}
