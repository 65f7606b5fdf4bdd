import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import {
  buildVhdFooter,
  parseVhdFooter,
  VHD_FOOTER_BYTES,
} from '../../../../shared/domain/vhd-footer.ts';

const GIB = 1024 ** 3;
const TYPE_AT = 60;
const CHECKSUM_AT = 64;
const CURRENT_SIZE_AT = 48;
const uniqueId = Uint8Array.from({ length: 16 }, (_, index) => index);

function aFooter(change: (view: DataView) => void = () => undefined): Uint8Array {
  const bytes = buildVhdFooter(30 * GIB, uniqueId);
  change(new DataView(bytes.buffer));
  return bytes;
}

/** Makes the checksum fit what was changed, so that only the change itself is wrong. */
function withChecksum(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer);
  view.setUint32(CHECKSUM_AT, 0);
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  view.setUint32(CHECKSUM_AT, ~sum >>> 0);
  return bytes;
}

describe('the footer of a fixed VHD', () => {
  it('says the size it was made with', () => {
    const sectors = fc.oneof(
      fc.integer({ min: 1, max: 64 * 2 ** 31 }),
      // Around the borders of the geometry's rules.
      fc.constantFrom(1, 17 * 4 * 1024, 31 * 16 * 1024, 65_535 * 16 * 63, 65_535 * 16 * 255),
    );
    fc.assert(
      fc.property(sectors, fc.uint8Array({ minLength: 16, maxLength: 16 }), (count, id) => {
        const bytes = buildVhdFooter(count * 512, id);
        expect(bytes).toHaveLength(VHD_FOOTER_BYTES);
        expect(parseVhdFooter(bytes)).toEqual({ sizeBytes: count * 512, creator: 'wa' });
      }),
      { numRuns: 300, seed: 21 },
    );
  });

  it('is read from the middle of a buffer as well', () => {
    const buffer = new Uint8Array(2048);
    buffer.set(aFooter(), 700);
    const footer = parseVhdFooter(buffer.subarray(700, 700 + VHD_FOOTER_BYTES));
    expect(footer).toEqual({ sizeBytes: 30 * GIB, creator: 'wa' });
  });

  it.each([
    ['a byte too few', aFooter().subarray(1), 'wrongLength'],
    ['a byte too many', new Uint8Array(VHD_FOOTER_BYTES + 1), 'wrongLength'],
    ['no bytes', new Uint8Array(0), 'wrongLength'],
    ['another cookie', withChecksum(aFooter((view) => view.setUint8(0, 0x43))), 'noCookie'],
    ['zeros', new Uint8Array(VHD_FOOTER_BYTES), 'noCookie'],
    ['another checksum', aFooter((view) => view.setUint32(CHECKSUM_AT, 1)), 'wrongChecksum'],
    ['a dynamic disk', withChecksum(aFooter((view) => view.setUint32(TYPE_AT, 3))), 'notFixed'],
    [
      'a size that is no safe integer',
      withChecksum(aFooter((view) => view.setBigUint64(CURRENT_SIZE_AT, 2n ** 60n))),
      'sizeTooLarge',
    ],
  ])('is refused when it has %s', (_name, bytes, fault) => {
    expect(parseVhdFooter(bytes)).toBe(fault);
  });

  it('is refused after any single byte changed', () => {
    const change = fc.tuple(
      fc.integer({ min: 0, max: VHD_FOOTER_BYTES - 1 }),
      fc.integer({ min: 1, max: 255 }),
    );
    fc.assert(
      fc.property(change, ([at, difference]) => {
        const bytes = aFooter((view) => view.setUint8(at, (view.getUint8(at) + difference) % 256));
        const fault = parseVhdFooter(bytes);
        expect(fault).toBe(at < 8 ? 'noCookie' : 'wrongChecksum');
      }),
      { numRuns: 500, seed: 22 },
    );
  });
});
