import type { MethodName } from './field-orders.ts';
import type { MethodArguments, MoRef, VimData, VimRecord } from './values.ts';

/**
 * Carries calls to a vSphere server; SOAP today. VI/JSON can be another one, because values have its form: plain
 * data whose `_typeName` names the type.
 */
export interface VimTransport {
  /** Where the server is, for people. */
  readonly address: string;
  /**
   * One call. Throws VimFault for what the server answers, ConnectionLost when it is unknown whether the server
   * did anything, a FailbackError when the server is not the one we are to trust, and whatever the signal says.
   */
  call<M extends MethodName>(
    method: M,
    self: MoRef,
    parameters: MethodArguments<M>,
    options: CallOptions,
  ): Promise<VimData | undefined>;
  /** From the first answer on: the version of the API that calls are made in. */
  useApiVersion(version: string): void;
  /** The next call starts a session of its own. */
  forgetSession(): void;
  close(): void;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** After which a silent server counts as lost. */
  readonly timeoutMs: number;
}

/** What a vSphere server answers instead of a result. `detail` has the fields of the fault. */
export class VimFault extends Error {
  override readonly name = 'VimFault';
  readonly kind: string;
  readonly detail: VimRecord;
  /** The server's own words. */
  readonly text: string;

  constructor(kind: string, text: string, detail: VimRecord = {}) {
    super(`${kind}: ${text}`);
    this.kind = kind;
    this.text = text;
    this.detail = detail;
  }
}

/** The server could not be reached, or went away before it answered. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
}
