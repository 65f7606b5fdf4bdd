import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { identifierSchema } from '../../shared/contracts/json.ts';
import { Secret } from '../../shared/domain/secret.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { LEVELS } from './logger.ts';
import { makeFolder } from './make-folder.ts';

const LOOPBACK: readonly string[] = ['127.0.0.1', 'localhost', '[::1]'];

const secretSchema = z
  .string()
  .min(1)
  .transform((value) => new Secret(value));

/** HTTPS, or HTTP on loopback. Without credentials: `http://127.0.0.1:x@host` is `host`. */
export function isSafeUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  if (username !== '' || password !== '') return false;
  return protocol === 'https:' || (protocol === 'http:' && LOOPBACK.includes(hostname));
}

/**
 * What every agent's configuration file has; each program adds its own. Paths are relative to the file.
 * Strict: a misspelt field would silently have its default.
 */
export const agentConfigSchema = z.strictObject({
  name: identifierSchema,
  /** HTTPS; plain HTTP only on loopback, for the lab. */
  controlPlaneUrl: z
    .url()
    .refine(isSafeUrl, { message: 'must be https (http only on loopback), without credentials' }),
  registrationToken: secretSchema,
  /** Shared by the agents of one site; never leaves them. */
  passphrase: secretSchema,
  dataFolder: z.string().min(1),
  logLevel: z.enum(LEVELS).default('info'),
  logFile: z.string().min(1).optional(),
  /** An agent that is silent for 50 s gets no work. */
  heartbeatSeconds: z.number().min(0.2).max(15).default(15),
  /** Which configuration server signs our certificate; needed where there are several. */
  configurationServer: identifierSchema.optional(),
});
export type AgentConfig = z.output<typeof agentConfigSchema>;

/**
 * Reads `--config FILE`, and `--restore FILE` for programs that can. For `--help` prints `help`, for `--check` that the
 * file is valid; returns `null` then, as there is nothing to run. Throws one FB-AGENT-002 that names everything wrong,
 * or FB-AGENT-003 when the data folder cannot be written.
 */
export function loadConfig<S extends z.ZodType<AgentConfig>>(
  schema: S,
  argv: readonly string[],
  help: string,
): (z.output<S> & { readonly configFolder: string; readonly restore: string | undefined }) | null {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      config: { type: 'string' },
      check: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      restore: { type: 'string' },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return null;
  }
  if (values.config === undefined) throw invalid('give --config FILE; --help shows more');
  const file = resolve(values.config);
  if (!existsSync(file)) throw invalid(`the file ${values.config} does not exist`);
  const parsed = schema.safeParse(readJson(file));
  if (!parsed.success) {
    throw invalid(parsed.error.issues.flatMap(problemsOf).join('; '));
  }
  const configFolder = dirname(file);
  const dataFolder = resolve(configFolder, parsed.data.dataFolder);
  assertWritable(dataFolder);
  const { logFile, name } = parsed.data;
  if (values.check) {
    process.stdout.write(`The configuration of ${name} is valid.\n`);
    return null;
  }
  return {
    ...parsed.data,
    dataFolder,
    configFolder,
    restore: values.restore,
    ...(logFile === undefined ? {} : { logFile: resolve(configFolder, logFile) }),
  };
}

function problemsOf(issue: z.core.$ZodIssue): readonly string[] {
  if (issue.code !== 'unrecognized_keys') return [`${issue.path.join('.')}: ${issue.message}`];
  return issue.keys.map((key) => `${[...issue.path, key].join('.')}: there is no such field`);
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as unknown;
  } catch (error) {
    throw invalid(`the file is not JSON: ${error instanceof Error ? error.message : ''}`);
  }
}

function invalid(problems: string): FailbackError {
  return new FailbackError('FB-AGENT-002', { problems });
}

function assertWritable(folder: string): void {
  try {
    makeFolder(folder);
    accessSync(folder, constants.W_OK);
  } catch (error) {
    throw new FailbackError('FB-AGENT-003', { folder }, { cause: error });
  }
}
