import { describe, expect, it } from '@jest/globals';
import {
  DEFAULT_KEY_ROLES,
  keyRolesSchema,
  roleOfKey,
} from '../../../../functions/security/key-roles.ts';
import { highestRole, includesRole, ROLES } from '../../../../functions/security/roles.ts';

describe('roles', () => {
  it('include themselves and those before them, and no other', () => {
    const table = ROLES.map((actual) => ROLES.filter((needed) => includesRole(actual, needed)));
    expect(table).toEqual([
      ['reader'],
      ['reader', 'operator'],
      ['reader', 'operator', 'committer'],
    ]);
  });

  it('of one person count by the highest', () => {
    expect(highestRole(['operator', 'reader'])).toBe('operator');
    expect(highestRole(['committer', 'reader'])).toBe('committer');
    expect(highestRole([])).toBeNull();
  });
});

describe('the roles of keys', () => {
  it.each([
    ['default', 'committer'],
    ['reader', 'reader'],
    ['reader-7', 'reader'],
    ['Operator_Berlin', 'operator'],
    ['committer', 'committer'],
    ['default2', null],
    ['my-reader', null],
    ['', null],
  ])('are, unless they are set, for the key "%s": %s', (name, role) => {
    expect(roleOfKey(keyRolesSchema.parse(DEFAULT_KEY_ROLES), name)).toBe(role);
  });

  it('come from the first line that fits', () => {
    const roles = keyRolesSchema.parse('ops-night = reader , ops-*=Operator,*=reader');
    expect(roleOfKey(roles, 'ops-night')).toBe('reader');
    expect(roleOfKey(roles, 'OPS-day')).toBe('operator');
    expect(roleOfKey(keyRolesSchema.parse('a=reader'), 'b')).toBeNull();
  });

  it.each(['', 'reader', 'a=boss', 'a=reader,,b=reader', '*a=reader', 'a=reader;b=operator'])(
    'cannot be set to "%s"',
    (text) => {
      expect(keyRolesSchema.safeParse(text).success).toBe(false);
    },
  );
});
