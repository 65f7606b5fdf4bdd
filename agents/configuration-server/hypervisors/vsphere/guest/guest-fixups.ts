import type { VmShape } from '../../../../../shared/contracts/commands.ts';
import { staticAddressesOf } from '../../../../../shared/domain/protected-item.ts';
import type { Fixup } from '../../../../../shared/ports/hypervisor.ts';
import type { NicRecord, VmRecord } from '../discovery/records.ts';
import { faultOf } from '../vim/faults.ts';
import type { Vm } from '../vm-access.ts';
import {
  addressProgram,
  canonicalAddress,
  type FixupProgram,
  SERVICE_PROGRAMS,
} from './fixup-programs.ts';
import { GuestAccess, type GuestOptions } from './guest-access.ts';
import { PROGRAM_TIMEOUT_MINUTES } from './guest-programs.ts';
import { NOTHING_TO_DO } from './linux-scripts.ts';

/** Puts right what can be, and says of the rest who has to do it. */
export async function fixGuest(
  options: GuestOptions,
  vm: Vm,
  shape: VmShape,
): Promise<readonly Fixup[]> {
  const guest = await GuestAccess.to(options, vm);
  const fixups: Fixup[] = [];
  for (const program of SERVICE_PROGRAMS[shape.osType]) fixups.push(await fix(guest, program));
  return [...fixups, ...(await fixAddresses(guest, shape))];
}

async function fix(guest: GuestAccess, program: FixupProgram): Promise<Fixup> {
  const { name, done, byHand } = program;
  if (guest.obstacle !== null) {
    return { name, outcome: 'deferredToGuest', detail: `${guest.obstacle} ${byHand}` };
  }
  const failed = (why: string): Fixup => ({ name, outcome: 'failed', detail: `${why} ${byHand}` });
  try {
    const exitCode = await guest.run(program);
    if (exitCode === 0) return { name, outcome: 'done', detail: done };
    if (exitCode === NOTHING_TO_DO) {
      return { name, outcome: 'notNeeded', detail: 'The guest has it, or never used it.' };
    }
    return exitCode === null
      ? failed(`It did not end in ${PROGRAM_TIMEOUT_MINUTES} minutes.`)
      : failed(`It ended with ${exitCode}.`);
  } catch (error) {
    // A guest that refuses us is no reason to stop a failback, but a server that is away is.
    const fault = faultOf(error);
    if (fault === null) throw error;
    return failed(`The guest refused it: ${fault.kind}.`);
  }
}

/** The n-th network of the machine belongs to the n-th card: a VM that we made has them in that order. */
async function fixAddresses(
  guest: GuestAccess,
  { osType, networks }: VmShape,
): Promise<readonly Fixup[]> {
  const fixups: Fixup[] = [];
  for (const [index, network] of networks.entries()) {
    if (staticAddressesOf(network).length === 0) continue;
    const nic = guest.vm.record.nics.toSorted((a, b) => a.key - b.key)[index];
    fixups.push(await fixAddress(guest, { osType, network, nic }));
  }
  if (fixups.length > 0) return fixups;
  const detail = 'None was recorded before the failover.';
  return [{ name: 'static IP address', outcome: 'notNeeded', detail }];
}

interface Interface {
  readonly osType: VmShape['osType'];
  readonly network: VmShape['networks'][number];
  readonly nic: NicRecord | undefined;
}

async function fixAddress(guest: GuestAccess, { osType, network, nic }: Interface): Promise<Fixup> {
  const all = staticAddressesOf(network);
  const address = all.map((each) => each.address).join(', ');
  const name = `static IP address ${address}`;
  if (all.every((each) => shows(guest.vm.record, each.address))) {
    return { name, outcome: 'done', detail: `The guest has ${address}.` };
  }
  const byHand = `Set ${address} in the guest, on ${network.name}.`;
  const left = (why: string): Fixup => ({
    name,
    outcome: 'deferredToGuest',
    detail: `${why} ${byHand}`,
  });
  if (nic === undefined) return left('The VM has no network card for it.');
  const program = addressProgram(osType, nic.macAddress, network);
  if (program === null) {
    return left(
      all.some(({ prefixLength }) => prefixLength === undefined)
        ? 'Its prefix length was not recorded before the failover.'
        : `The network card has no MAC address that can be used (${nic.macAddress}).`,
    );
  }
  const set = all.map((each) => `${each.address}/${each.prefixLength}`).join(', ');
  const done = `${set} was set on the card ${nic.macAddress}.`;
  return fix(guest, { ...program, name, done, byHand });
}

function shows({ powerState, addresses }: VmRecord, address: string): boolean {
  const known = addresses.flatMap(({ ipAddresses }) => ipAddresses.map(canonicalAddress));
  return powerState === 'on' && known.includes(canonicalAddress(address));
}
