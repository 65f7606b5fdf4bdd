import { readFileSync, writeFileSync } from 'node:fs';
import { FRAME } from '../../../shared/contracts/transfer-protocol.ts';
import { must } from '../must.ts';

const MARK_BYTES = 8;
const CHECKSUM_BYTES = 4;
const HEADER_BYTES = 5;

interface JournalRecord {
  readonly type: number;
  /** Where its length is, behind its checksum. */
  readonly start: number;
  readonly end: number;
}

/** The records of a redo, undo or digest file, by place. */
export function recordsIn(file: string): readonly JournalRecord[] {
  const bytes = readFileSync(file);
  const records: JournalRecord[] = [];
  for (let end = MARK_BYTES; end < bytes.length;) {
    const start = end + CHECKSUM_BYTES;
    end = start + HEADER_BYTES + bytes.readUInt32BE(start);
    records.push({ type: bytes.readUInt8(start + 4), start, end });
  }
  return records;
}

export function recordIn(file: string, type: number = FRAME.data): JournalRecord {
  return must(
    recordsIn(file).find((each) => each.type === type),
    'a record of the type',
  );
}

/** Flips one bit of a byte: the smallest damage there is. */
export function flip(file: string, at: number, bit = 0): void {
  const bytes = readFileSync(file);
  bytes[at] = must(bytes[at], 'a byte at this place') ^ (1 << bit);
  writeFileSync(file, bytes);
}
