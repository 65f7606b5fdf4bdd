import { accessSync, constants, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { identifierSchema } from '../../shared/contracts/json.ts';
import { Secret } from '../../shared/domain/secret.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { LEVELS } from './logger.ts';

const secretSchema = z
  .string()
  .min(1)
  .transform((value) => new Secret(value));

/** What every agent's configuration file has; each program adds its own. Paths are relative to the file. */
export const agentConfigSchema = z.object({
  name: identifierSchema,
  /** HTTPS; plain HTTP only on loopback, for the lab. */
  controlPlaneUrl: z
    .url()
    .refine(
      (url) =>
        url.startsWith('https://') || /^http:\/\/(127\.0\.0\.1|localhost)[:/]/.test(`${url}/`),
      {
        message: 'must be https (http only on loopback)',
      },
    ),
  registrationToken: secretSchema,
  /** Shared by the agents of one site; never leaves them. */
  passphrase: secretSchema,
  dataFolder: z.string().min(1),
  logLevel: z.enum(LEVELS).default('info'),
  logFile: z.string().optional(),
  /** An agent that is silent for 50 s gets no work. */
  heartbeatSeconds: z.number().min(0.2).max(15).default(15),
  /** Which configuration server signs our certificate; needed where there are several. */
  configurationServer: identifierSchema.optional(),
});
export type AgentConfig = z.output<typeof agentConfigSchema>;

/**
 * Reads `--config FILE`. Prints `help` and returns `null` for `--help`. Throws one FB-AGENT-002 that names
 * everything wrong, or FB-AGENT-003 when the data folder cannot be written.
 */
export function loadConfig<S extends z.ZodType<AgentConfig>>(
  schema: S,
  argv: readonly string[],
  help: string,
): (z.output<S> & { readonly configFolder: string }) | null {
  const { values } = parseArgs({
    args: [...argv],
    options: { config: { type: 'string' }, help: { type: 'boolean', default: false } },
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
    const problems = parsed.error.issues.map(
      ({ path, message }) => `${path.join('.')}: ${message}`,
    );
    throw invalid(problems.join('; '));
  }
  const dataFolder = resolve(dirname(file), parsed.data.dataFolder);
  assertWritable(dataFolder);
  return { ...parsed.data, dataFolder, configFolder: dirname(file) };
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
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
  } catch (error) {
    throw new FailbackError('FB-AGENT-003', { folder }, { cause: error });
  }
}
