import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { redact } from '../../shared/domain/secret.ts';
import { readHostJson, startFunctionsHost } from './create-host.ts';
import { loadApp, requireFromApp } from './load-app.ts';
import { createLogger, LOG_LEVELS } from './support/logger.ts';

const HELP = `Runs a built Azure Functions app with its durable orchestrations on this machine.

  node dist/local/functions-host/main.js --app FOLDER --data FOLDER [options]

  --app FOLDER       root of the app: package.json with "main", host.json
  --data FOLDER      where keys and history are kept
  --port NUMBER      default 7071
  --settings FILE    local.settings.json; what is set in the environment wins
  --log-level LEVEL  ${LOG_LEVELS.join(', ')} (default information)
  --log-file FILE    default: standard error
  --help             this text
`;

const portSchema = z.coerce.number().int().min(0).max(65_535);
const settingsSchema = z.object({ Values: z.record(z.string(), z.string()).default({}) });
const EXECUTOR = 'durable-functions/lib/src/orchestrations/TaskOrchestrationExecutor';

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      app: { type: 'string', default: '.' },
      data: { type: 'string', default: '.lab/functions-host' },
      port: { type: 'string', default: '7071' },
      settings: { type: 'string' },
      'log-level': { type: 'string', default: 'information' },
      'log-file': { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  if (values.settings !== undefined) applySettings(values.settings);
  const appRoot = resolve(values.app);
  const level = LOG_LEVELS.find((known) => known === values['log-level']);
  if (level === undefined) {
    throw new Error(
      `"${values['log-level']}" is no log level; use one of ${LOG_LEVELS.join(', ')}.`,
    );
  }
  const port = portSchema.safeParse(values.port).data;
  if (port === undefined) {
    throw new Error(
      `"${values.port}" is no port; use a number from 0 to 65535, 0 for any that is free.`,
    );
  }
  const logger = createLogger(level, values['log-file']);
  const app = await loadApp(appRoot);
  const host = await startFunctionsHost({
    app,
    executorModule: requireFromApp(appRoot, EXECUTOR),
    dataFolder: resolve(values.data),
    port,
    settings: process.env,
    hostJson: readHostJson(appRoot),
    logger,
  });
  // The durable client builds the URLs it gives away from this.
  process.env['WEBSITE_HOSTNAME'] ??= new URL(host.url).host;
  process.stdout.write(`Functions host listening on ${host.url}\n`);
  process.stdout.write(`Functions: ${host.functionNames.join(', ')}\n`);
  const stop = (): void => {
    host.stop().then(() => process.exit(0), fail);
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
}

/** The environment wins, as it does under Azure Functions Core Tools. */
function applySettings(file: string): void {
  if (!existsSync(file)) throw new Error(`The settings file ${file} does not exist.`);
  const { Values } = settingsSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  for (const [name, value] of Object.entries(Values)) process.env[name] ??= value;
}

function fail(error: unknown): void {
  const text = error instanceof Error ? error.message : String(error);
  process.stderr.write(`The Functions host failed: ${redact(text)}\n`);
  // Whatever the app started while it was loading would keep the process alive.
  process.exit(1);
}

main().catch(fail);
