import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { read } from '../discovery/property-readers.ts';
import { isFault } from '../vim/faults.ts';
import { readProperties } from '../vim/properties.ts';
import type { VimSession } from '../vim/session.ts';
import {
  listSchema,
  moRefSchema,
  type MoRef,
  numberSchema,
  type VimObject,
} from '../vim/values.ts';
import type { GuestAccount } from './guest-accounts.ts';

const POLL_MS = 500;
/** Installing a package takes minutes where the mirrors are far. */
export const PROGRAM_TIMEOUT_MINUTES = 5;

export interface GuestCommand {
  readonly path: string;
  readonly arguments: string;
}

interface Guest {
  readonly session: VimSession;
  readonly account: GuestAccount;
  readonly vm: MoRef;
}

const processSchema = listSchema(
  z.object({ exitCode: numberSchema.optional(), endTime: z.string().optional() }),
);

/** The program's exit code; `null` when it did not end in time. Throws VimFault for a guest that refuses. */
export async function runInGuest(
  { session, account, vm }: Guest,
  command: GuestCommand,
): Promise<number | null> {
  const manager = await processManager(session);
  const auth: VimObject<'NamePasswordAuthentication'> = {
    _typeName: 'NamePasswordAuthentication',
    interactiveSession: false,
    ...account,
  };
  const spec: VimObject<'GuestProgramSpec'> = {
    _typeName: 'GuestProgramSpec',
    programPath: command.path,
    arguments: command.arguments,
  };
  const answer = await session.call('StartProgramInGuest', manager, { vm, auth, spec });
  const pids = [read(numberSchema, answer, 0)];
  const deadlineMs = Date.now() + PROGRAM_TIMEOUT_MINUTES * 60_000;
  while (Date.now() < deadlineMs) {
    const processes = await session
      .call('ListProcessesInGuest', manager, { vm, auth, pids })
      .catch(ignoreWhileAway);
    const [process] = read(processSchema, processes, []);
    if (process?.endTime !== undefined) return process.exitCode ?? 0;
    await delay(POLL_MS);
  }
  return null;
}

/** A program may start the tools anew, which then say nothing for a moment; it goes on. */
function ignoreWhileAway(error: unknown): undefined {
  if (!isFault(error, 'GuestOperationsUnavailable')) throw error;
}

async function processManager(session: VimSession): Promise<MoRef> {
  const { guestOperationsManager: owner } = await session.content();
  const none = { type: 'GuestProcessManager', value: 'guestOperationsProcessManager' };
  if (owner === undefined) return none;
  const properties = await readProperties(session, owner, ['processManager']);
  return read(moRefSchema, properties.get('processManager'), none);
}
