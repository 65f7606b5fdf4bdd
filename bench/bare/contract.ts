import type { TlsMaterial } from '../../agents/runtime/enrolment.ts';

/** What is hashed and written at once. */
export const PIECE_BYTES = 512 * 1024;

/** SHA-256. Not the contract's: schemas come with that, and what a program has loaded is searched for garbage, too. */
export const DIGEST_BYTES = 32;

/** Before each piece: its offset, a double, and its length; a length of 0 ends the lane. Then its bytes and its digest. */
export const HEAD_BYTES = 12;

/** What the receiver is told; it answers with the port it listens on. */
export interface ReceiverSetting {
  readonly file: string;
  /** `null`: neither encrypted nor checked. */
  readonly tls: TlsMaterial | null;
}

export interface Stretch {
  readonly offset: number;
  readonly end: number;
}

/** What the sender is told. */
export interface SenderSetting {
  readonly url: string;
  /** What is read by one request each. */
  readonly stretches: readonly Stretch[];
  readonly port: number;
  readonly tls: TlsMaterial | null;
}
