import { idOf, readName } from './discovery/property-readers.ts';
import type { ManagedObject } from './vim/properties.ts';
import type { MoRef } from './vim/values.ts';

/** What `locate` needs of the inventory. */
export const PLACE_PATHS: Readonly<Record<string, readonly string[]>> = {
  VirtualMachine: ['name', 'parent', 'config.template'],
  Folder: ['name', 'parent'],
  Datacenter: ['name', 'parent'],
};

export interface LocatedVm {
  readonly ref: MoRef;
  /** As `/Frankfurt/vm/prod/web01`. */
  readonly place: string;
}

/**
 * All VMs of a name: names are unique within a folder only. Templates are none. With a datacenter, those of others
 * are left out; one whose datacenter cannot be found counts, because it might be the one.
 */
export function locate(
  objects: readonly ManagedObject[],
  name: string,
  datacenter?: string,
): readonly LocatedVm[] {
  const byId = new Map(objects.map((object) => [object.ref.value, object]));
  return objects.flatMap((object) => {
    const isIt = object.ref.type === 'VirtualMachine' && nameOf(object) === name;
    if (!isIt || object.properties.get('config.template') === true) return [];
    const above = ancestors(object, byId);
    const own = above.find(({ ref }) => ref.type === 'Datacenter');
    const isElsewhere = own !== undefined && nameOf(own) !== datacenter;
    if (datacenter !== undefined && isElsewhere) return [];
    const place = [...above.toReversed(), object].map((each) => `/${nameOf(each)}`).join('');
    return [{ ref: object.ref, place }];
  });
}

/** From the nearest up to the datacenter. */
function ancestors(
  object: ManagedObject,
  byId: ReadonlyMap<string, ManagedObject>,
): readonly ManagedObject[] {
  const found: ManagedObject[] = [];
  let at = byId.get(idOf(object.properties.get('parent')) ?? '');
  while (at !== undefined && !found.includes(at)) {
    found.push(at);
    if (at.ref.type === 'Datacenter') break;
    at = byId.get(idOf(at.properties.get('parent')) ?? '');
  }
  return found;
}

const nameOf = ({ properties }: ManagedObject): string => readName(properties.get('name'));
