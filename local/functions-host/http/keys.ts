import { randomBytes, timingSafeEqual } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const keysSchema = z.object({
  master: z.string(),
  /** System key of the durable extension: opens all of its web hooks. */
  durable: z.string(),
  /** Host keys by name; each opens every function of level `function`. */
  host: z.record(z.string(), z.string()),
  /** Keys of single functions by function and key name. */
  functions: z.record(z.string(), z.record(z.string(), z.string())),
});
export type FunctionKeys = z.infer<typeof keysSchema>;

/**
 * Reads the keys of this host, or makes them on the first start, with host keys of these names. The file is for its
 * owner only.
 */
export function loadKeys(
  dataFolder: string,
  hostKeyNames: readonly string[] = ['default'],
): FunctionKeys {
  const file = join(dataFolder, 'keys.json');
  if (existsSync(file)) return keysSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  const keys: FunctionKeys = {
    master: newKey(),
    durable: newKey(),
    host: Object.fromEntries(hostKeyNames.map((name) => [name, newKey()])),
    functions: {},
  };
  writeFileSync(file, JSON.stringify(keys, null, 2), { mode: 0o600 });
  return keys;
}

function newKey(): string {
  return randomBytes(32).toString('base64url');
}

export type AuthLevel = 'anonymous' | 'function' | 'admin';

/** Name of the key that opens the function, `null` when the key given opens nothing. */
export function authorize(
  keys: FunctionKeys,
  functionName: string,
  level: AuthLevel,
  given: string | null,
): string | null {
  if (level === 'anonymous') return 'anonymous';
  if (given === null) return null;
  if (equal(given, keys.master)) return '_master';
  if (level === 'admin') return null;
  // Two lists: a function key may have the name of a host key, and both open the function.
  const candidates = [keys.host, keys.functions[functionName] ?? {}].flatMap(
    Object.entries<string>,
  );
  return candidates.find(([, key]) => equal(given, key))?.[0] ?? null;
}

export function equal(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}
