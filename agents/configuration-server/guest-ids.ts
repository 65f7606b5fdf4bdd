const UUID = /^([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})(-[0-9a-f]{4}-[0-9a-f]{12})$/i;

/** UUIDs are the same in capitals and in small letters; other ids are left as they are. */
export function canonicalId(id: string): string {
  return UUID.test(id) ? id.toLowerCase() : id;
}

/**
 * A BIOS UUID as the guest shows it. The hypervisor shows its bytes in their order, the guest those of the first three
 * parts turned round. `null` for what is no UUID.
 */
export function uuidInGuest(biosUuid: string): string | null {
  const [whole, first = '', second = '', third = '', rest = ''] = UUID.exec(biosUuid) ?? [];
  if (whole === undefined) return null;
  return `${turnedRound(first)}-${turnedRound(second)}-${turnedRound(third)}${rest}`.toLowerCase();
}

/**
 * The ids under which the guest of a VM may make itself known. The BIOS UUID is the only one that it sees by itself; in
 * virtual hardware older than version 13 Linux shows it as the hypervisor does.
 */
export function guestIds(vmId: string, biosUuid: string | null): readonly string[] {
  const shown = uuidInGuest(biosUuid ?? '');
  return [vmId, ...(biosUuid === null || shown === null ? [] : [biosUuid, shown])].map(canonicalId);
}

function turnedRound(bytes: string): string {
  return (bytes.match(/../g) ?? []).toReversed().join('');
}
