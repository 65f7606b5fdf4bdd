import { describe, expect, it } from '@jest/globals';
import {
  canonicalId,
  guestIds,
  uuidInGuest,
} from '../../../../agents/configuration-server/guest-ids.ts';

const BIOS_UUID = '421C0C36-4A5B-9D10-a1b2-c3d4e5f60718';
const IN_GUEST = '360c1c42-5b4a-109d-a1b2-c3d4e5f60718';

describe('the ids under which a guest makes itself known', () => {
  it('are that of the VM and its BIOS UUID, in both orders of its bytes', () => {
    expect(guestIds('vm-1', BIOS_UUID)).toEqual(['vm-1', BIOS_UUID.toLowerCase(), IN_GUEST]);
    expect(uuidInGuest(BIOS_UUID)).toBe(IN_GUEST);
    expect(uuidInGuest(IN_GUEST)).toBe(BIOS_UUID.toLowerCase());
  });

  it.each([null, '', 'none', `${BIOS_UUID}0`])('are that of the VM alone with %p', (biosUuid) => {
    expect(guestIds('vm-1', biosUuid)).toEqual(['vm-1']);
  });

  it('are the same in capitals where they are UUIDs, and only there', () => {
    expect(canonicalId(BIOS_UUID)).toBe(BIOS_UUID.toLowerCase());
    expect(canonicalId('VM-1')).toBe('VM-1');
  });
});
