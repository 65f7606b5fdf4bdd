import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findProgram } from '../boot-image/tools.ts';

const BUILD_TIMEOUT_MS = 300_000;
const GOVMOMI = '/usr/share/gocode/src/github.com/vmware/govmomi/simulator';

const building = new Map<string, Promise<string>>();

/** What this machine lacks to build the peer; empty = nothing. */
export function missingForVcenterPeer(): readonly string[] {
  const missing: string[] = [];
  const hasGo = findProgram('go') !== null || globSync('/usr/lib/go-*/bin/go').length > 0;
  if (!hasGo) missing.push('go (Debian package golang-go)');
  if (!existsSync(GOVMOMI)) {
    missing.push('the govmomi simulator (Debian package golang-github-vmware-govmomi-dev)');
  }
  return missing;
}

/**
 * The program of the vCenter for tests, built from test/peers/vcenter below the root of the app unless that was done
 * before: it lies in node_modules/.cache/vcenter-peer, under a digest of its sources. The first build takes about 20 s.
 */
export async function vcenterPeerProgram(appRoot: string): Promise<string> {
  const known = building.get(appRoot) ?? build(appRoot);
  building.set(appRoot, known);
  return known;
}

async function build(appRoot: string): Promise<string> {
  const sources = join(appRoot, 'test/peers/vcenter');
  const cache = join(appRoot, 'node_modules/.cache/vcenter-peer');
  const program = join(cache, sourceDigest(sources), 'vcenter-peer');
  if (existsSync(program)) return program;
  mkdirSync(join(program, '..'), { recursive: true });
  // Test files run side by side: each builds its own and the last one wins.
  const unfinished = `${program}.${process.pid}`;
  await promisify(execFile)('sh', [join(sources, 'build.sh'), unfinished], {
    timeout: BUILD_TIMEOUT_MS,
    env: { ...process.env, GOCACHE: join(cache, 'go') },
  });
  renameSync(unfinished, program);
  return program;
}

function sourceDigest(folder: string): string {
  const digest = createHash('sha256');
  for (const name of readdirSync(folder).sort()) {
    if (!/\.(?:go|sh)$/.test(name)) continue;
    digest.update(`${name}\n`).update(readFileSync(join(folder, name)));
  }
  return digest.digest('hex').slice(0, 24);
}
