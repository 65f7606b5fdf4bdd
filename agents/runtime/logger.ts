import { appendFileSync } from 'node:fs';
import { redact } from '../../shared/domain/secret.ts';
import type { Logger } from './types.ts';

export const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type Level = (typeof LEVELS)[number];

/**
 * One line an event, with its values as JSON; what looks like a secret is masked. While the file cannot be
 * written, its lines go to stderr: no log is no reason to stop a failback.
 */
export function createLogger(minimum: Level, file?: string): Logger {
  let isFailureTold = false;
  const append = (path: string, line: string): boolean => {
    try {
      appendFileSync(path, line);
      return true;
    } catch (error) {
      if (!isFailureTold) process.stderr.write(unwritable(path, error));
      isFailureTold = true;
      return false;
    }
  };
  const write = (
    level: Level,
    message: string,
    values?: Readonly<Record<string, unknown>>,
  ): void => {
    if (LEVELS.indexOf(level) < LEVELS.indexOf(minimum)) return;
    const details = values === undefined ? '' : ` ${JSON.stringify(values)}`;
    const line = redact(`${new Date().toISOString()} ${level.padEnd(5)} ${message}${details}\n`);
    if (file === undefined || !append(file, line)) process.stderr.write(line);
  };
  return {
    debug: (message, values) => write('debug', message, values),
    info: (message, values) => write('info', message, values),
    warn: (message, values) => write('warn', message, values),
    error: (message, values) => write('error', message, values),
  };
}

function unwritable(file: string, error: unknown): string {
  const reason = error instanceof Error ? error.message : String(error);
  return `The log ${file} cannot be written, so that its lines come here: ${reason}\n`;
}
