import { execFile, execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Copied to the first 440 bytes of the disk. */
export const MBR_CODE_FILE = '/usr/lib/syslinux/mbr/mbr.bin';
export const BUSYBOX_FILE = '/bin/busybox';
export const KERNEL_METAPACKAGE = 'linux-image-cloud-amd64';

const TOOL_TIMEOUT_MS = 120_000;
/** A kernel package is about 30 MB. */
const DOWNLOAD_TIMEOUT_MS = 300_000;
const MAX_OUTPUT_BYTES = 256 * 1024 * 1024;

/** Tools and the Debian packages they come in. */
const TOOLS = {
  'apt-cache': 'apt',
  'apt-get': 'apt',
  'dpkg-deb': 'dpkg',
  'dpkg-query': 'dpkg',
  depmod: 'kmod',
  modprobe: 'kmod',
  cpio: 'cpio',
  xz: 'xz-utils',
  mformat: 'mtools',
  mcopy: 'mtools',
  syslinux: 'syslinux',
} as const;
export type ToolName = keyof typeof TOOLS;

/** People who are not root often lack the sbin folders, where Debian keeps kmod. */
function searchPath(): string {
  return [process.env['PATH'] ?? '', '/usr/sbin', '/sbin'].join(delimiter);
}

function toolEnvironment(): NodeJS.ProcessEnv {
  // The output of apt is parsed, and a personal mtools configuration could name other drives.
  return { ...process.env, PATH: searchPath(), LC_ALL: 'C', MTOOLSRC: '/dev/null' };
}

/** The program's file, looked for in PATH and in the sbin folders; `null` = not installed. */
export function findProgram(name: string): string | null {
  const isProgram = (file: string): boolean => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  };
  const files = searchPath()
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name));
  return files.find(isProgram) ?? null;
}

/** What the boot image needs and this machine lacks, one readable line each; empty = it can be built. */
export function bootImageTools(): { missing: string[] } {
  const missing = Object.entries(TOOLS)
    .filter(([tool]) => findProgram(tool) === null)
    .map(([tool, debianPackage]) => `${tool} (Debian package ${debianPackage})`);
  if (!existsSync(MBR_CODE_FILE)) {
    missing.push(`${MBR_CODE_FILE} (Debian package syslinux-common)`);
  }
  // The package "busybox" has the same program with shared libraries, which an initramfs lacks.
  if (!answers('dpkg-query', ['-W', '-f', '${db:Status-Abbrev}', 'busybox-static'], /^ii/)) {
    missing.push('a static busybox (Debian package busybox-static)');
  }
  if (!answers('apt-cache', ['depends', KERNEL_METAPACKAGE], /Depends:/)) {
    missing.push(`the package ${KERNEL_METAPACKAGE} in apt's list (run apt-get update)`);
  }
  return { missing };
}

function answers(tool: ToolName, parameters: readonly string[], expected: RegExp): boolean {
  try {
    const options = {
      env: toolEnvironment(),
      timeout: TOOL_TIMEOUT_MS,
      stdio: ['ignore', 'pipe', 'ignore'] as ['ignore', 'pipe', 'ignore'],
    };
    return expected.test(execFileSync(tool, parameters, options).toString('utf8'));
  } catch {
    return false;
  }
}

interface RunOptions {
  readonly folder?: string;
  /** Goes to the tool's standard input. */
  readonly input?: string | Buffer;
}

/** Runs a tool and gives its standard output; throws with the tool's own words when it fails. */
export function runTool(
  tool: ToolName,
  parameters: readonly string[],
  { folder, input }: RunOptions = {},
): Promise<Buffer> {
  const options = {
    cwd: folder,
    env: toolEnvironment(),
    encoding: 'buffer' as const,
    maxBuffer: MAX_OUTPUT_BYTES,
    timeout: tool === 'apt-get' ? DOWNLOAD_TIMEOUT_MS : TOOL_TIMEOUT_MS,
  };
  return new Promise((resolve, reject) => {
    const child = execFile(tool, parameters, options, (error, stdout, stderr) => {
      if (error === null) {
        resolve(stdout);
        return;
      }
      const why = stderr.toString('utf8').trim() || error.message;
      const hint = `Install Debian package ${TOOLS[tool]} or run test/peers/install.sh, and try again.`;
      reject(new Error(`The boot image needs ${tool}, which failed: ${why}. ${hint}`));
    });
    // A tool that fails early closes its input; its exit code tells the story.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input ?? '');
  });
}
