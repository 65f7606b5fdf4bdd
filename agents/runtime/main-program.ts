import { redact } from '../../shared/domain/secret.ts';

/** Runs a program's main function; a failure becomes one sentence and exit code 1. */
export function mainProgram(name: string, main: () => Promise<void>): void {
  main().then(
    // Idle sockets of the HTTP client must not keep a stopped agent alive.
    () => process.exit(process.exitCode ?? 0),
    (error: unknown) => {
      const text = error instanceof Error ? error.message : String(error);
      process.stderr.write(`${name} could not run: ${redact(text)}\n`);
      process.exit(1);
    },
  );
}
