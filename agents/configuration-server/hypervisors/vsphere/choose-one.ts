import { FailbackError } from '../../../../shared/errors/failback-error.ts';
import { readName } from './discovery/property-readers.ts';
import type { ManagedObject } from './vim/properties.ts';

const MAX_NAMED = 20;

interface Choice {
  /** As people call it. */
  readonly kind: string;
  /** Absent = there has to be one only. */
  readonly name: string | undefined;
  readonly address: string;
  /** Ids that count where several have the name, as those that a host reaches. */
  readonly within?: readonly string[];
}

/**
 * The object of that name. Names are unique within a datacenter at most: throws FB-VSPHERE-013 for none and for several,
 * of which the first would be anybody's.
 */
export function chooseOne(
  all: readonly ManagedObject[],
  { kind, name, address, within }: Choice,
): ManagedObject {
  const nameOf = ({ properties }: ManagedObject): string => readName(properties.get('name'));
  const named = name === undefined ? all : all.filter((object) => nameOf(object) === name);
  const near = named.filter(({ ref }) => within?.includes(ref.value) === true);
  const fitting = near.length > 0 ? near : named;
  const [only] = fitting;
  if (only !== undefined && fitting.length === 1) return only;
  const shown = fitting.length > 1 ? fitting : all;
  const known = shown
    .map((object) =>
      fitting.length > 1 ? `${nameOf(object)} (${object.ref.value})` : nameOf(object),
    )
    .toSorted()
    .slice(0, MAX_NAMED)
    .join(', ');
  const values = { kind, name: name ?? '(not configured)', address, known: known || 'none' };
  throw new FailbackError('FB-VSPHERE-013', values);
}
