import { stderr } from 'node:process';

/** For what has no invocation to log to. The Functions worker keeps what is written here as a trace. */
export function warn(message: string): void {
  stderr.write(`${message}\n`);
}
