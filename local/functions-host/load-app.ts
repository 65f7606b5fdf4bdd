import { existsSync, globSync, readFileSync } from 'node:fs';
import { createRequire, Module } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import * as core from './core-module.ts';

const packageSchema = z.object({ main: z.string().min(1) });

/** Loads a built app the way the Node worker does: the core module injected, then every file of `main`. */
export async function loadApp(appRoot: string): Promise<core.FunctionApp> {
  const files = entryFiles(appRoot);
  injectCoreModule();
  for (const file of files) await load(file);
  return core.registeredApp();
}

async function load(file: string): Promise<void> {
  try {
    await import(pathToFileURL(file).href);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new Error(`The app threw while ${file} was loading: ${text}`, { cause: error });
  }
}

function entryFiles(appRoot: string): readonly string[] {
  const packageFile = join(appRoot, 'package.json');
  if (!existsSync(packageFile)) {
    throw new Error(`There is no package.json in ${appRoot}; point --app at the root of the app.`);
  }
  const { main } = packageSchema.parse(JSON.parse(readFileSync(packageFile, 'utf8')));
  const files = globSync(main, { cwd: appRoot }).map((file) => join(appRoot, file));
  if (files.length === 0) {
    throw new Error(`The build is missing: nothing matches ${main}. Run "npm run build" first.`);
  }
  return files;
}

type Require = (this: unknown, id: string) => unknown;

/** `@azure/functions` asks for the core module with require(); there is no package of that name. */
function injectCoreModule(): void {
  const prototype = Module.prototype as unknown as { require: Require };
  const original = prototype.require;
  if (original.name === 'requireWithCore') return;
  prototype.require = function requireWithCore(this: unknown, id) {
    return id === '@azure/functions-core' ? core : original.call(this, id);
  };
}

/** The durable-functions package of the app itself: the host has to look into the app's own copy. */
export function requireFromApp(appRoot: string, id: string): unknown {
  return createRequire(join(appRoot, 'package.json'))(id) as unknown;
}
