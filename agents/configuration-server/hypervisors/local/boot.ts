import { type ChildProcess, spawn } from 'node:child_process';
import {
  existsSync,
  openSync,
  closeSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import type { BootEvidence } from '../../../../shared/ports/hypervisor.ts';

const BOOT_SIGNATURE_AT = 510;
const SECTOR_BYTES = 512;
/** What the guest of the test image prints when it is up. */
const EVIDENCE = /ASR-BOOT-OK[^\r\n]*/;
const SIMULATED = /SIMULATED-BOOT[^\r\n]*/;

/** Always TCG: /dev/kvm may exist and hang. */
const QEMU_OPTIONS = '-accel tcg -m 256 -display none -monitor none -nic none -no-reboot'.split(
  ' ',
);

interface BootFiles {
  readonly serialLog: string;
  /** The OS disk first. */
  readonly disks: readonly string[];
}

/** Boots a VM's disks, with QEMU or only in appearance. */
export class Boots {
  readonly #mode: 'qemu' | 'simulated';
  readonly #running = new Map<string, ChildProcess>();

  constructor(mode: 'qemu' | 'simulated') {
    this.#mode = mode;
  }

  start(vmId: string, { serialLog, disks }: BootFiles): void {
    rmSync(serialLog, { force: true });
    if (this.#mode === 'simulated') {
      writeFileSync(serialLog, simulate(disks[0] ?? ''));
      return;
    }
    const drives = disks.flatMap((file) => ['-drive', `file=${file},format=raw,if=virtio`]);
    const child = spawn(
      'qemu-system-x86_64',
      [...QEMU_OPTIONS, '-serial', `file:${serialLog}`, ...drives],
      { stdio: 'ignore' },
    );
    child.once('error', (error) =>
      writeFileSync(serialLog, `QEMU could not start: ${error.message}\n`),
    );
    child.once('exit', () => this.#running.delete(vmId));
    this.#running.set(vmId, child);
  }

  /** True while QEMU has the disks open. */
  isRunning(vmId: string): boolean {
    return this.#running.has(vmId);
  }

  async stop(vmId: string): Promise<void> {
    const child = this.#running.get(vmId);
    if (child === undefined) return;
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGKILL');
    await gone;
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((vmId) => this.stop(vmId)));
  }

  evidence(serialLog: string): BootEvidence {
    const console = existsSync(serialLog) ? readFileSync(serialLog, 'utf8') : '';
    const isSimulated = this.#mode === 'simulated';
    const found = (isSimulated ? SIMULATED : EVIDENCE).exec(console)?.[0] ?? null;
    return { evidence: found, isSimulated, consoleTail: console };
  }
}

/** Looks at what a BIOS would look at; says plainly that nothing was booted. */
function simulate(osDisk: string): string {
  const head = Buffer.alloc(2 * SECTOR_BYTES);
  const file = openSync(osDisk, 'r');
  try {
    readSync(file, head, 0, head.length, 0);
  } finally {
    closeSync(file);
  }
  const hasSignature = head.readUInt16LE(BOOT_SIGNATURE_AT) === 0xaa55;
  if (!hasSignature) return 'No bootable device: the first sector has no boot signature.\n';
  const text = head.subarray(SECTOR_BYTES, SECTOR_BYTES + 64).toString('latin1');
  const marker = /^[\x21-\x7e]+/.exec(text)?.[0] ?? '(none)';
  return `SIMULATED-BOOT (not booted: QEMU is not used here) boot signature found, marker=${marker}\n`;
}
