import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const ROOT = join(import.meta.dirname, '../../..');
const SOURCES = join(ROOT, 'test/peers/vcenter');
const CACHE = join(ROOT, 'node_modules/.cache/vcenter-peer');
const BUILD_TIMEOUT_MS = 300_000;

let building: Promise<string> | null = null;

/**
 * The peer's program, built from test/peers/vcenter unless that was done before: it lies in
 * node_modules/.cache/vcenter-peer, under a digest of its sources. The first build takes about 20 s.
 */
export function vcenterPeerProgram(): Promise<string> {
  building ??= build();
  return building;
}

async function build(): Promise<string> {
  const program = join(CACHE, sourceDigest(), 'vcenter-peer');
  if (existsSync(program)) return program;
  mkdirSync(join(program, '..'), { recursive: true });
  // Test files run side by side: each builds its own and the last one wins.
  const unfinished = `${program}.${process.pid}`;
  await promisify(execFile)('sh', [join(SOURCES, 'build.sh'), unfinished], {
    timeout: BUILD_TIMEOUT_MS,
    env: { ...process.env, GOCACHE: join(CACHE, 'go') },
  });
  renameSync(unfinished, program);
  return program;
}

function sourceDigest(): string {
  const digest = createHash('sha256');
  for (const name of readdirSync(SOURCES).sort()) {
    if (!/\.(?:go|sh)$/.test(name)) continue;
    digest.update(`${name}\n`).update(readFileSync(join(SOURCES, name)));
  }
  return digest.digest('hex').slice(0, 24);
}
