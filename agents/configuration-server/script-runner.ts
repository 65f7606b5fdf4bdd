import { spawn } from 'node:child_process';
import { lstatSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { getuid, platform } from 'node:process';
import type { CommandInput, CommandOutput } from '../../shared/contracts/commands.ts';
import { redact } from '../../shared/domain/secret.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { MAX_ACTION_OUTPUT } from '../../shared/policy/limits.ts';
import { success } from '../../shared/errors/result.ts';
import { codeOf } from '../runtime/error-code.ts';
import type { CommandHandlers } from '../runtime/types.ts';
import type { SiteDatabase } from './database.ts';

/** Output is kept up to here while a script runs; more than is shown, so that nothing is cut before it is masked. */
const KEPT_CHARACTERS = 4 * MAX_ACTION_OUTPUT;
const OTHERS_MAY_WRITE = 0o022;

interface ScriptParts {
  /** Scripts that may be run; absent = none. */
  readonly folder: string | undefined;
  readonly database: Pick<SiteDatabase, 'beginScript'>;
}

/**
 * Runs scripts that an administrator of this site has allowed by putting them into one folder. The cloud names a
 * file and gives arguments; it never sends code. Never run twice: what was under way at a stop is reported.
 */
export function createScriptHandlers({ folder, database }: ScriptParts): CommandHandlers {
  return {
    runScript: async (input, { commandId, signal }) => {
      const { script } = input;
      const file = allowedFile(folder, script);
      if (!database.beginScript(commandId)) throw new FailbackError('FB-RCV-014', { script });
      return success(await run(file, input, signal));
    },
  };
}

/** Whoever may write to the folder or the file decides what runs here, so that has to be the administrator. */
function allowedFile(folder: string | undefined, script: string): string {
  const refuse = (reason: string): FailbackError =>
    new FailbackError('FB-RCV-010', { script, reason });
  if (folder === undefined) throw refuse('no folder of allowed scripts is configured');
  const file = join(folder, script);
  const [folderStats, fileStats] = [statsOf(folder), statsOf(file)];
  if (folderStats === null || !folderStats.isDirectory()) throw refuse('the folder is missing');
  if (fileStats === null) throw refuse('there is no such file');
  if (!fileStats.isFile()) throw refuse('it is not a file of its own');
  if (!isOwn(folderStats) || !isOwn(fileStats)) {
    throw refuse('it or its folder belongs to another user, or others may write to it');
  }
  return file;
}

function statsOf(path: string): Stats | null {
  return lstatSync(path, { throwIfNoEntry: false }) ?? null;
}

/** Windows keeps its access lists elsewhere: there the administrator has to see to it. */
function isOwn({ mode, uid }: Stats): boolean {
  if (platform === 'win32') return true;
  return (mode & OTHERS_MAY_WRITE) === 0 && (uid === 0 || uid === getuid?.());
}

async function run(
  file: string,
  { script, arguments: given, timeoutSeconds }: CommandInput<'runScript'>,
  signal: AbortSignal,
): Promise<CommandOutput<'runScript'>> {
  const startedAt = Date.now();
  // A group of its own, so that what it started ends with it.
  const child = spawn(file, [], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '', FAILBACK_ARGUMENTS: JSON.stringify(given) },
  });
  let output = '';
  const keep = (chunk: Buffer): void => {
    output = `${output}${chunk.toString('utf8')}`.slice(-KEPT_CHARACTERS);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutSeconds * 1000)]);
  const end = (): void => killGroup(child.pid);
  limit.addEventListener('abort', end);
  const reason = await new Promise<string | null>((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code) => resolve(code === 0 ? null : `exit code ${code ?? 'none'}`));
  });
  limit.removeEventListener('abort', end);
  signal.throwIfAborted();
  const tail = redact(output).slice(-MAX_ACTION_OUTPUT);
  const cause = limit.aborted ? `not done within ${timeoutSeconds} seconds` : reason;
  if (cause !== null)
    throw new FailbackError('FB-RCV-011', { script, reason: cause, output: tail });
  return { durationMs: Date.now() - startedAt, output: tail };
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(platform === 'win32' ? pid : -pid, 'SIGKILL');
  } catch (error) {
    if (codeOf(error) !== 'ESRCH') throw error;
  }
}
