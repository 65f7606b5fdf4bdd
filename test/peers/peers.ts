import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from '@jest/globals';
import { bootImageTools } from '../../local/boot-image/build-boot-image.ts';
import { findProgram } from '../../local/boot-image/tools.ts';
import { missingForVcenterPeer } from '../../local/vcenter/build-peer.ts';

/** Looks for real programs that end-to-end tests run against; gives what is missing, empty = it is there. */
const PROBES = {
  qemu: () => ['qemu-system-x86_64', 'qemu-img'].filter((name) => findProgram(name) === null),
  bootImage: () => bootImageTools().missing,
  vcenter: () => missingForVcenterPeer(),
  smallVolume: () => (canMount() ? [] : ['the right to mount a small tmpfs']),
} satisfies Record<string, () => readonly string[]>;

export type PeerName = keyof typeof PROBES;
export interface Peer {
  readonly isAvailable: boolean;
  /** Why it is left out and what to do about it; `null` when it is there. */
  readonly reason: string | null;
}
export type Peers = Readonly<Record<PeerName, Peer>>;

let found: Peers | null = null;

/** Which peers this machine has. The first call of a test file prints those that are left out. */
export function peers(): Peers {
  if (found !== null) return found;
  found = {
    qemu: probe('qemu'),
    bootImage: probe('bootImage'),
    vcenter: probe('vcenter'),
    smallVolume: probe('smallVolume'),
  };
  for (const { reason } of Object.values(found)) {
    if (reason !== null) print(reason);
  }
  return found;
}

/**
 * A suite that needs one or more peers. Where one is missing, a single test stands for the suite and prints
 * why it is left out, so that a report never looks complete when it is not.
 */
export function describeWith(
  needed: PeerName | readonly PeerName[],
  title: string,
  body: () => void,
): void {
  const names = typeof needed === 'string' ? [needed] : needed;
  const reasons = names.flatMap((name) => peers()[name].reason ?? []);
  if (reasons.length === 0) {
    describe(title, body);
    return;
  }
  // CI installs every peer: there a missing one is a failure, not a reason.
  const isInstallable = !names.every((name) => name === 'smallVolume');
  if (process.env['REQUIRE_PEERS'] === '1' && isInstallable) throw new Error(reasons.join(' '));
  describe(title, () => {
    it(`is LEFT OUT: ${reasons.join(' ')}`, () => {
      print(`"${title}" was not tested. ${reasons.join(' ')}`);
    });
  });
}

function probe(name: PeerName): Peer {
  const missing = PROBES[name]();
  if (missing.length === 0) return { isAvailable: true, reason: null };
  const remedy =
    name === 'smallVolume' ? 'Run it as root.' : 'Run test/peers/install.sh on Debian.';
  return {
    isAvailable: false,
    reason: `Peer "${name}" is left out, because this machine lacks ${missing.join(', ')}. ${remedy}`,
  };
}

/** A volume of a few MiB, to see what happens when it is full. */
function canMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'mount-'));
  const options = { stdio: 'ignore' } as const;
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder], options);
    execFileSync('umount', [folder], options);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function print(line: string): void {
  process.stderr.write(`${line}\n`);
}
