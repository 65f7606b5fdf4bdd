import { z } from 'zod';
import { type ErrorValues, FailbackError } from '../../../../../shared/errors/failback-error.ts';
import type { ErrorCode } from '../../../../../shared/errors/catalogue.ts';
import { type ConnectionLost, VimFault } from './transport.ts';
import { listSchema, moRefSchema, type MoRef, type VimData } from './values.ts';

/** Faults that pass by themselves once whoever holds the object is done. */
const BUSY: readonly string[] = [
  'TaskInProgress',
  'ConcurrentAccess',
  'FileLocked',
  'ResourceInUse',
  'DeviceBusy',
];
/** What a host calls a disk that it could not open. Why it could not stands in the messages only. */
const PERHAPS_LOCKED: readonly string[] = [
  'GenericVmConfigFault',
  'CannotAccessFile',
  'InvalidState',
];
/** In a key, as `msg.fileio.lock`, or in a text, as "Failed to lock the file". */
const LOCK = /(?<![a-z])lock(?:ed)?(?![a-z])/i;
const HOST_AWAY: readonly string[] = [
  'HostCommunication',
  'HostNotConnected',
  'HostNotReachable',
  'NoHost',
];

interface FaultContext {
  readonly address: string;
  readonly account: string;
  readonly method: string;
  /** What the call was about, for people. */
  readonly object: string;
}

/** The fault behind an error of the session; `null` when there is none. */
export function faultOf(error: unknown): VimFault | null {
  if (error instanceof VimFault) return error;
  return error instanceof FailbackError && error.cause instanceof VimFault ? error.cause : null;
}

export function isFault(error: unknown, ...kinds: readonly string[]): boolean {
  const fault = faultOf(error);
  return fault !== null && kinds.includes(fault.kind);
}

export function isConnectionLost(error: unknown): boolean {
  return error instanceof FailbackError && error.code === 'FB-VSPHERE-003';
}

export function connectionError(error: ConnectionLost, address: string): FailbackError {
  return new FailbackError('FB-VSPHERE-003', { address, reason: error.message }, { cause: error });
}

/** On which object which privilege is missing; `null` for any other fault. */
export function missingPrivilege(
  fault: VimFault,
): { object: MoRef | null; privilege: string } | null {
  if (fault.kind !== 'NoPermission') return null;
  const detail = z
    .object({ object: moRefSchema.optional(), privilegeId: z.string().default('') })
    .safeParse(fault.detail).data;
  return { object: detail?.object ?? null, privilege: detail?.privilegeId ?? '' };
}

/** The error that a person is shown for a fault; its cause is the fault. */
export function explainFault(fault: VimFault, context: FaultContext): FailbackError {
  const { code, values } = entryFor(fault, context);
  return new FailbackError(code, values, { cause: fault });
}

function entryFor(
  fault: VimFault,
  context: FaultContext,
): { code: ErrorCode; values: ErrorValues } {
  const { address, account, method, object } = context;
  const reason = reasonOf(fault);
  switch (fault.kind) {
    case 'NotAuthenticated':
      // Only after a login that worked: a server that is starting up, or one of several behind one address.
      return {
        code: 'FB-VSPHERE-003',
        values: { address, reason: 'it forgets every session at once' },
      };
    case 'InvalidLogin':
      return { code: 'FB-VSPHERE-004', values: { address, account } };
    case 'NoPermission': {
      const privilege = missingPrivilege(fault)?.privilege ?? '';
      return { code: 'FB-VSPHERE-005', values: { account, privilege, object, method } };
    }
    case 'RestrictedVersion':
      return { code: 'FB-VSPHERE-006', values: { address, method } };
    case 'NoDiskSpace': {
      const { datastore, file } = fault.detail;
      return {
        code: 'FB-VSPHERE-007',
        values: { datastore: textOf(datastore) ?? textOf(file) ?? object, method },
      };
    }
    default:
      if (isBusy(fault)) return { code: 'FB-VSPHERE-008', values: { method, object, reason } };
      if (HOST_AWAY.includes(fault.kind)) {
        return { code: 'FB-VSPHERE-010', values: { method, object, reason } };
      }
      return { code: 'FB-VSPHERE-009', values: { address, method, fault: fault.kind, reason } };
  }
}

const messagesSchema = listSchema(
  z.object({ key: z.string().catch(''), message: z.string().catch('') }),
).catch([]);

function isBusy(fault: VimFault): boolean {
  if (BUSY.includes(fault.kind)) return true;
  if (!PERHAPS_LOCKED.includes(fault.kind)) return false;
  const messages = messagesSchema.parse(fault.detail['faultMessage']);
  const texts = messages.flatMap(({ key, message }) => [key, message]);
  return [fault.text, ...texts].some((text) => LOCK.test(text));
}

/** The text of a fault says what failed; the messages below it say why, some of them many times. */
function reasonOf({ text, detail }: VimFault): string {
  const messages = messagesSchema.parse(detail['faultMessage']);
  const sentences = [text, ...messages.map(({ message }) => message)].map(sentence);
  return [...new Set(sentences)].filter((each) => each !== '').join(' ');
}

function sentence(text: string): string {
  const trimmed = text.trim();
  return trimmed === '' || trimmed.endsWith('.') ? trimmed : `${trimmed}.`;
}

const textOf = (value: VimData | undefined): string | null =>
  typeof value === 'string' && value !== '' ? value : null;
