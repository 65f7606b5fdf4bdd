import { z } from 'zod';
import {
  booleanSchema,
  listSchema,
  moRefSchema,
  numberSchema,
  type VimData,
} from '../vim/values.ts';
import type {
  ComputeRecord,
  DatacenterRecord,
  DatastoreRecord,
  HostRecord,
  NamedRecord,
  NetworkRecord,
} from './records.ts';

/**
 * What each property of the server says about our record. A property that is not there any more, or that the account
 * may not read, comes as `undefined`, and its reader gives what is then true.
 */
export type Readers<R> = Readonly<Record<string, (value: VimData | undefined) => Partial<R>>>;

/** A value of another form than we know counts as not there: one odd object must not hide all others. */
export function read<S extends z.ZodType, D>(
  schema: S,
  value: unknown,
  otherwise: D,
): z.output<S> | D {
  const parsed = schema.safeParse(value);
  return parsed.success ? parsed.data : otherwise;
}

export const textOr = <D>(value: unknown, otherwise: D): string | D => {
  const text = read(z.string(), value, '');
  return text === '' ? otherwise : text;
};
export const numberOr = <D>(value: unknown, otherwise: D): number | D =>
  read(numberSchema, value, otherwise);
export const isTrue = (value: unknown): boolean => read(booleanSchema, value, false);
export const idOf = (value: unknown): string | null =>
  read(moRefSchema, value, null)?.value ?? null;
export const idsOf = (value: unknown): readonly string[] =>
  read(listSchema(moRefSchema), value, []).map((ref) => ref.value);

/** vSphere writes slashes, backslashes and percent signs in names in this way. */
export function readName(value: unknown): string {
  return textOr(value, '').replaceAll(/%(2f|5c|25)/gi, (code) => decodeURIComponent(code));
}

export const NAMED = {
  name: (value) => ({ name: readName(value) }),
  parent: (value) => ({ parentId: idOf(value) }),
} satisfies Readers<NamedRecord>;

export const DATACENTER: Readers<DatacenterRecord> = {
  ...NAMED,
  vmFolder: (value) => ({ vmFolderId: idOf(value) }),
};

export const COMPUTE: Readers<ComputeRecord> = {
  ...NAMED,
  resourcePool: (value) => ({ resourcePoolId: idOf(value) }),
  host: (value) => ({ hostIds: idsOf(value) }),
  datastore: (value) => ({ datastoreIds: idsOf(value) }),
  network: (value) => ({ networkIds: idsOf(value) }),
};

const productSchema = z.object({ fullName: z.string(), version: z.string(), build: z.string() });
const NO_PRODUCT = { fullName: null, version: null, build: null };

export const HOST: Readers<HostRecord> = {
  ...NAMED,
  'config.product': (value) => {
    const { fullName, version, build } = read(productSchema, value, NO_PRODUCT);
    return { product: fullName, version, build };
  },
  'runtime.connectionState': (value) => ({ isConnected: value === 'connected' }),
  'runtime.inMaintenanceMode': (value) => ({ isInMaintenance: isTrue(value) }),
  datastore: (value) => ({ datastoreIds: idsOf(value) }),
  network: (value) => ({ networkIds: idsOf(value) }),
};

const mountSchema = z.object({
  key: moRefSchema,
  mountInfo: z.object({
    accessMode: z.string().optional(),
    accessible: booleanSchema.optional(),
    mounted: booleanSchema.optional(),
  }),
});

export const DATASTORE: Readers<DatastoreRecord> = {
  ...NAMED,
  'summary.type': (value) => ({ type: textOr(value, 'unknown') }),
  'summary.url': (value) => ({ url: textOr(value, null) }),
  'summary.capacity': (value) => ({ capacityBytes: numberOr(value, null) }),
  'summary.freeSpace': (value) => ({ freeBytes: numberOr(value, null) }),
  'summary.accessible': (value) => ({ isAccessible: isTrue(value) }),
  host: (value) => ({
    mounts: read(listSchema(mountSchema), value, []).map(({ key, mountInfo }) => ({
      hostId: key.value,
      isAccessible: mountInfo.accessible !== false && mountInfo.mounted !== false,
      isWritable: mountInfo.accessMode !== 'readOnly',
    })),
  }),
};

export const NETWORK: Readers<NetworkRecord> = {
  ...NAMED,
  name: (value) => ({ name: readName(value), portgroupKey: null, switchId: null }),
};

export const PORTGROUP: Readers<NetworkRecord> = {
  ...NAMED,
  key: (value) => ({ portgroupKey: textOr(value, null) }),
  'config.distributedVirtualSwitch': (value) => ({ switchId: idOf(value) }),
};
