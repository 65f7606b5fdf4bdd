import { describe, expect, it } from '@jest/globals';
import { compareVersions } from '../../../../../shared/domain/preflight/version.ts';

describe('two versions', () => {
  it.each([
    ['1.2.3', '1.2.3', 0],
    ['1.2.4', '1.2.3', 1],
    ['1.10.0', '1.9.9', 1],
    ['1.9.9', '2.0.0', -1],
  ])('compare by their numbers: %s and %s', (left, right, sign) => {
    expect(Math.sign(compareVersions(left, right) ?? Number.NaN)).toBe(sign);
  });

  it.each([
    ['1.2', '1.2.3'],
    ['1.2.3', '1.2.3-dev'],
    ['', ''],
  ])('do not compare when one is none: %s and %s', (left, right) => {
    expect(compareVersions(left, right)).toBeNull();
    expect(compareVersions(right, left)).toBeNull();
  });
});
