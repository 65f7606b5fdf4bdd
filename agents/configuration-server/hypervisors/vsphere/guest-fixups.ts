import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { VmShape } from '../../../../shared/contracts/commands.ts';
import type { Secret } from '../../../../shared/domain/secret.ts';
import type { Fixup } from '../../../../shared/ports/hypervisor.ts';
import { read } from './discovery/property-readers.ts';
import { faultOf } from './vim/faults.ts';
import { readProperties } from './vim/properties.ts';
import type { VimSession } from './vim/session.ts';
import { listSchema, moRefSchema, type MoRef, numberSchema, type VimObject } from './vim/values.ts';
import type { Vm } from './vm-access.ts';

const POLL_MS = 500;
const PROGRAM_TIMEOUT_MS = 5 * 60_000;

export interface GuestAccount {
  readonly username: string;
  readonly password: Secret;
}

interface GuestProgram {
  readonly name: string;
  readonly done: string;
  /** What a person has to do where we cannot. */
  readonly byHand: string;
  readonly path: string;
  readonly arguments: string;
}

const shell = (script: string): Pick<GuestProgram, 'path' | 'arguments'> => ({
  path: '/bin/sh',
  arguments: `-c '${script}'`,
});

/** Every one may run again. */
const PROGRAMS: Readonly<Record<VmShape['osType'], readonly GuestProgram[]>> = {
  Windows: [
    {
      name: 'VMware Tools',
      done: 'The service of VMware Tools starts by itself again.',
      byHand: 'Set the service VMTools to start automatically; it was disabled for Azure.',
      path: 'C:\\Windows\\System32\\cmd.exe',
      // 1056: it runs already.
      arguments:
        '/c "sc.exe config VMTools start= auto && (sc.exe start VMTools || if %errorlevel%==1056 exit /b 0)"',
    },
  ],
  Linux: [
    {
      name: 'VMware Tools',
      done: 'The tools were installed again where they were missing, and start by themselves.',
      byHand: 'Install open-vm-tools in the guest and enable the service vmtoolsd.',
      ...shell(
        'command -v vmtoolsd || apt-get install -y open-vm-tools || dnf install -y open-vm-tools || ' +
          'yum install -y open-vm-tools || zypper -n install open-vm-tools; ' +
          'systemctl enable --now vmtoolsd || systemctl enable --now open-vm-tools',
      ),
    },
    {
      name: 'NetworkManager',
      done: 'NetworkManager is enabled where it is installed.',
      byHand: 'Enable NetworkManager in the guest if it used it before the failover.',
      ...shell(
        'systemctl cat NetworkManager >/dev/null 2>&1 || exit 0; systemctl enable --now NetworkManager',
      ),
    },
  ],
};

interface FixupOptions {
  readonly session: VimSession;
  readonly account: GuestAccount | null;
}

/** Puts right what can be, and says of the rest who has to do it. */
export async function fixGuest(
  options: FixupOptions,
  vm: Vm,
  shape: VmShape,
): Promise<readonly Fixup[]> {
  const fixups: Fixup[] = [];
  for (const program of PROGRAMS[shape.osType]) fixups.push(await fix(options, vm, program));
  return [...fixups, addressFixup(vm, shape)];
}

async function fix(options: FixupOptions, vm: Vm, program: GuestProgram): Promise<Fixup> {
  const { name, done, byHand } = program;
  const { session, account } = options;
  if (vm.record.powerState !== 'on' || vm.record.toolsState !== 'running') {
    const why = 'The guest cannot be reached while its tools do not run.';
    return { name, outcome: 'deferredToGuest', detail: `${why} ${byHand}` };
  }
  if (account === null) {
    const why = 'No account of the guests is configured.';
    return { name, outcome: 'deferredToGuest', detail: `${why} ${byHand}` };
  }
  try {
    const exitCode = await run(session, account, vm.ref, program);
    if (exitCode === 0) return { name, outcome: 'done', detail: done };
    return { name, outcome: 'failed', detail: `It ended with ${exitCode}. ${byHand}` };
  } catch (error) {
    // A guest that refuses us is no reason to stop a failback, but a server that is away is.
    const fault = faultOf(error);
    if (fault === null) throw error;
    return { name, outcome: 'failed', detail: `The guest refused it: ${fault.kind}. ${byHand}` };
  }
}

const processSchema = listSchema(
  z.object({ exitCode: numberSchema.optional(), endTime: z.string().optional() }),
);

/** The program's exit code; `null` when it did not end in time. */
async function run(
  session: VimSession,
  account: GuestAccount,
  vm: MoRef,
  program: GuestProgram,
): Promise<number | null> {
  const manager = await processManager(session);
  const auth: VimObject<'NamePasswordAuthentication'> = {
    _typeName: 'NamePasswordAuthentication',
    interactiveSession: false,
    ...account,
  };
  const spec: VimObject<'GuestProgramSpec'> = {
    _typeName: 'GuestProgramSpec',
    programPath: program.path,
    arguments: program.arguments,
  };
  const answer = await session.call('StartProgramInGuest', manager, { vm, auth, spec });
  const pids = [read(numberSchema, answer, 0)];
  const deadlineMs = Date.now() + PROGRAM_TIMEOUT_MS;
  while (Date.now() < deadlineMs) {
    const processes = await session.call('ListProcessesInGuest', manager, { vm, auth, pids });
    const [process] = read(processSchema, processes, []);
    if (process?.endTime !== undefined) return process.exitCode ?? 0;
    await delay(POLL_MS);
  }
  return null;
}

async function processManager(session: VimSession): Promise<MoRef> {
  const { guestOperationsManager: owner } = await session.content();
  const none = { type: 'GuestProcessManager', value: 'guestOperationsProcessManager' };
  if (owner === undefined) return none;
  const properties = await readProperties(session, owner, ['processManager']);
  return read(moRefSchema, properties.get('processManager'), none);
}

/** Only the guest knows netmask and gateway, so that the address is looked for and never set. */
function addressFixup({ record }: Vm, { networks }: VmShape): Fixup {
  const name = 'static IP address';
  const wanted = networks.flatMap(({ staticIpAddress }) => staticIpAddress ?? []);
  if (wanted.length === 0) {
    return { name, outcome: 'notNeeded', detail: 'None was recorded before the failover.' };
  }
  const shown = record.addresses.flatMap(({ ipAddresses }) => ipAddresses);
  const missing = wanted.filter((address) => !shown.includes(address));
  if (missing.length === 0) {
    return { name, outcome: 'done', detail: `The guest has ${wanted.join(', ')}.` };
  }
  return {
    name,
    outcome: 'deferredToGuest',
    detail: `The guest has to set ${missing.join(', ')}.`,
  };
}
