import { createCipheriv } from 'node:crypto';

/** The disks are made of units: each is zeros, random or compressible, and known by two numbers. */
export const CONTENT_UNIT_BYTES = 64 * 1024;

export const ZERO_VERSION = 0;
export type ContentKind = 'random' | 'compressible';

const ZEROS = Buffer.alloc(CONTENT_UNIT_BYTES);
const LINE = 'level=info unit=kernel message="state unchanged" ';
const VARYING_BYTES = 16;
const STRIDE_BYTES = 64;

/** Odd versions are random, even ones compressible; no two units with data are alike. */
export function versionOf(generation: number, kind: ContentKind): number {
  return generation * 2 + (kind === 'random' ? 1 : 2);
}

/** The bytes of a unit. They follow from its place and version, so that nothing has to be kept. */
export function contentOf(unit: number, version: number): Buffer {
  if (version === ZERO_VERSION) return ZEROS;
  const random = randomBytes(unit, version);
  return version % 2 === 1 ? random : compressible(random);
}

function randomBytes(unit: number, version: number): Buffer {
  const key = Buffer.alloc(16);
  key.writeUInt32BE(unit, 0);
  key.writeUInt32BE(version, 4);
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(ZEROS);
}

/** Text with some digits that differ in each line, as logs and tables have: about a fifth remains. */
function compressible(random: Buffer): Buffer {
  const text = Buffer.alloc(CONTENT_UNIT_BYTES, LINE);
  for (let start = 0; start < text.length; start += STRIDE_BYTES) {
    for (let at = start; at < start + VARYING_BYTES; at += 1) {
      text[at] = 48 + ((random[at] ?? 0) % 10);
    }
  }
  return text;
}
