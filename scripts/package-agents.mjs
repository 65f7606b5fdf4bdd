/**
 * Packs the agents as one archive for machines that have nothing of ours: the built programs, of their libraries the
 * files that they load, and the Node.js that runs this script.
 *   node scripts/package-agents.mjs [FILE]
 * Default: build/azure-failback-agents-VERSION-PLATFORM-ARCH.tar.gz.
 */
import {
  cpSync,
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { nodeFileTrace } from '@vercel/nft';
import { create } from 'tar';

const ROOT = process.cwd();
const PROGRAMS = ['configuration-server', 'master-target', 'process-server'].map((name) =>
  join(ROOT, 'dist/agents', name, 'main.js'),
);
/** What no program imports: scripts that run by themselves. */
const SCRIPTS = [
  'dist/agents/master-target/prepare-linux.sh',
  'dist/agents/mobility',
  'dist/agents/service',
];

if (PROGRAMS.some((program) => !existsSync(program))) {
  process.stderr.write('The agents are not built. Run: npm run build\n');
  process.exit(1);
}
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const name = `azure-failback-agents-${version}-${process.platform}-${process.arch}.tar.gz`;
const archive = resolve(process.argv[2] ?? join(ROOT, 'build', name));
const folder = mkdtempSync(join(tmpdir(), 'failback-package-'));
try {
  const { fileList } = await nodeFileTrace(PROGRAMS, { base: ROOT, processCwd: ROOT });
  for (const path of [...fileList, ...SCRIPTS]) {
    cpSync(join(ROOT, path), join(folder, path), { recursive: true });
  }
  cpSync(process.execPath, join(folder, 'node/bin', basename(process.execPath)));
  mkdirSync(dirname(archive), { recursive: true });
  // Portable: nothing of this machine's users and times.
  const packed = create({ gzip: true, portable: true, cwd: folder }, readdirSync(folder));
  // Replaced as a whole: a run that is cut off leaves no archive that looks like one.
  await pipeline(packed, createWriteStream(`${archive}.part`));
  renameSync(`${archive}.part`, archive);
  const mib = (statSync(archive).size / 1024 ** 2).toFixed(0);
  process.stdout.write(`${archive}, ${mib} MiB, with Node.js ${process.version}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
