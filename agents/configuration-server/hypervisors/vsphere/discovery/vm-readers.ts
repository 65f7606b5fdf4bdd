import { z } from 'zod';
import {
  booleanSchema,
  listSchema,
  moRefSchema,
  numberSchema,
  type VimData,
} from '../vim/values.ts';
import {
  idOf,
  idsOf,
  isTrue,
  NAMED,
  numberOr,
  read,
  type Readers,
  textOr,
} from './property-readers.ts';
import type {
  ControllerRecord,
  DiskRecord,
  NicRecord,
  SnapshotRecord,
  VmRecord,
} from './records.ts';

const KIB = 1024;
const OWN_SETTINGS = /^(?:azureFailback\.|disk\.EnableUUID$)/i;

const textSchema = z
  .string()
  .transform((text) => (text === '' ? null : text))
  .nullable()
  .catch(null);
const maybe = numberSchema.nullable().catch(null);
const reference = moRefSchema
  .transform(({ value }) => value)
  .nullable()
  .catch(null);

const backingSchema = z.object({
  _typeName: textSchema,
  fileName: textSchema,
  datastore: reference,
  diskMode: textSchema,
  thinProvisioned: booleanSchema.nullable().catch(null),
  uuid: textSchema,
  backingObjectId: textSchema,
  parent: z.unknown().optional(),
  sharing: textSchema,
  compatibilityMode: textSchema,
  network: reference,
  port: z
    .object({ portgroupKey: textSchema })
    .transform(({ portgroupKey }) => portgroupKey)
    .catch(null),
});
type Backing = z.output<typeof backingSchema>;
const NO_BACKING = backingSchema.parse({});

const deviceSchema = z.object({
  _typeName: z.string(),
  key: numberSchema,
  deviceInfo: z
    .object({ label: z.string() })
    .transform(({ label }) => label)
    .catch(''),
  backing: backingSchema.catch(NO_BACKING),
  connectable: z
    .object({ connected: booleanSchema })
    .transform(({ connected }) => connected)
    .catch(false),
  controllerKey: maybe,
  unitNumber: maybe,
  capacityInKB: maybe,
  capacityInBytes: maybe,
  busNumber: maybe,
  macAddress: textSchema,
});
type Device = z.output<typeof deviceSchema>;

interface SnapshotNode {
  readonly snapshot: { readonly value: string };
  readonly name: string;
  readonly createTime: string;
  readonly quiesced?: boolean | undefined;
  readonly childSnapshotList: readonly SnapshotNode[];
}
const snapshotSchema: z.ZodType<SnapshotNode> = z.lazy(() =>
  z.object({
    snapshot: moRefSchema,
    name: z.string(),
    createTime: z.string(),
    quiesced: booleanSchema.optional(),
    childSnapshotList: listSchema(snapshotSchema),
  }),
);
const snapshotInfoSchema = z.object({ rootSnapshotList: listSchema(snapshotSchema) });

const guestNicSchema = z.object({
  macAddress: z.string(),
  ipAddress: listSchema(z.string()),
});
const settingSchema = z.object({
  key: z.string(),
  value: z.union([z.string(), z.number(), z.boolean()]).transform(String),
});

/** What a VM's devices are to us. Devices of a form that we do not know are left out. */
export function readDevices(
  value: VimData | undefined,
): Pick<VmRecord, 'disks' | 'controllers' | 'nics' | 'takenPlaces'> {
  const devices = read(listSchema(z.unknown()), value, []).flatMap((item) => {
    const device = read(deviceSchema, item, null);
    return device === null ? [] : [device];
  });
  return {
    disks: devices.filter(({ _typeName: type }) => type === 'VirtualDisk').map(readDisk),
    controllers: devices.flatMap(readController),
    nics: devices.flatMap(readNic),
    takenPlaces: devices.flatMap(({ controllerKey, unitNumber }) =>
      controllerKey === null || unitNumber === null ? [] : [{ controllerKey, unitNumber }],
    ),
  };
}

function readDisk({
  key,
  deviceInfo: label,
  backing,
  controllerKey,
  unitNumber,
  ...size
}: Device): DiskRecord {
  return {
    key,
    label,
    sizeBytes: size.capacityInBytes ?? (size.capacityInKB ?? 0) * KIB,
    controllerKey,
    unitNumber,
    uuid: backing.uuid,
    backing: backingKind(backing),
    file: backing.fileName,
    datastoreId: backing.datastore,
    mode: backing.diskMode,
    isThin: backing.thinProvisioned,
    objectId: backing.backingObjectId,
    hasParent: backing.parent !== undefined,
    isShared: backing.sharing === 'sharingMultiWriter',
  };
}

function backingKind({ _typeName: type, compatibilityMode }: Backing): DiskRecord['backing'] {
  switch (type) {
    case 'VirtualDiskFlatVer2BackingInfo':
      return 'flat';
    case 'VirtualDiskSeSparseBackingInfo':
    case 'VirtualDiskSparseVer2BackingInfo':
      return 'sparse';
    case 'VirtualDiskRawDiskMappingVer1BackingInfo':
      return compatibilityMode === 'physicalMode' ? 'rdmPhysical' : 'rdmVirtual';
    default:
      return 'other';
  }
}

function readController({ _typeName: type, key, busNumber }: Device): readonly ControllerRecord[] {
  return busNumber === null ? [] : [{ key, type, busNumber }];
}

function readNic({ _typeName: type, key, ...nic }: Device): readonly NicRecord[] {
  if (nic.macAddress === null) return [];
  return [
    {
      key,
      type,
      macAddress: nic.macAddress.toLowerCase(),
      networkId: nic.backing.network,
      portgroupKey: nic.backing.port,
      isConnected: nic.connectable,
    },
  ];
}

function readSnapshots(value: VimData | undefined): readonly SnapshotRecord[] {
  const flatten = (nodes: readonly SnapshotNode[], parentId: string | null): SnapshotRecord[] =>
    nodes.flatMap(({ snapshot, name, createTime, quiesced, childSnapshotList }) => [
      { id: snapshot.value, name, createdAt: createTime, isQuiesced: quiesced === true, parentId },
      ...flatten(childSnapshotList, snapshot.value),
    ]);
  return flatten(read(snapshotInfoSchema, value, { rootSnapshotList: [] }).rootSnapshotList, null);
}

function readSettings(value: VimData | undefined): Readonly<Record<string, string>> {
  const all = read(listSchema(settingSchema.or(z.unknown().transform(() => null))), value, []);
  const settings: Record<string, string> = {};
  for (const setting of all) {
    // A simulator may list a key twice: the last one counts. An empty value is one that was removed.
    if (setting === null || !OWN_SETTINGS.test(setting.key)) continue;
    if (setting.value === '') delete settings[setting.key];
    else settings[setting.key] = setting.value;
  }
  return settings;
}

const POWER_STATES: Readonly<Record<string, VmRecord['powerState']>> = {
  poweredOn: 'on',
  poweredOff: 'off',
  suspended: 'suspended',
};

const CONNECTIONS: Readonly<Record<string, VmRecord['connection']>> = {
  connected: 'connected',
  disconnected: 'hostAway',
};

const TOOLS_STATES: Readonly<Record<string, VmRecord['toolsState']>> = {
  guestToolsRunning: 'running',
  guestToolsExecutingScripts: 'running',
  guestToolsNotRunning: 'notRunning',
};

export const VM: Readers<VmRecord> = {
  ...NAMED,
  'config.instanceUuid': (value) => ({ instanceUuid: textOr(value, null) }),
  'config.uuid': (value) => ({ biosUuid: textOr(value, null) }),
  'config.template': (value) => ({ isTemplate: isTrue(value) }),
  'config.firmware': (value) => ({ firmware: value === 'efi' || value === 'bios' ? value : null }),
  'config.guestId': (value) => ({ guestId: textOr(value, null) }),
  'config.hardware.numCPU': (value) => ({ cpuCount: numberOr(value, 0) }),
  'config.hardware.memoryMB': (value) => ({ memoryMiB: numberOr(value, 0) }),
  'config.hardware.device': readDevices,
  'config.changeTrackingEnabled': (value) => ({ isChangeTracked: isTrue(value) }),
  'config.files.vmPathName': (value) => ({ vmxFile: textOr(value, null) }),
  'config.extraConfig': (value) => ({ settings: readSettings(value) }),
  'runtime.powerState': (value) => ({ powerState: POWER_STATES[textOr(value, '')] ?? 'unknown' }),
  'runtime.connectionState': (value) => ({
    connection: CONNECTIONS[textOr(value, '')] ?? 'unreadable',
  }),
  'runtime.bootTime': (value) => ({ startedAt: textOr(value, null) }),
  'runtime.host': (value) => ({ hostId: idOf(value) }),
  resourcePool: (value) => ({ resourcePoolId: idOf(value) }),
  datastore: (value) => ({ datastoreIds: idsOf(value) }),
  snapshot: (value) => ({ snapshots: readSnapshots(value) }),
  'guest.toolsRunningStatus': (value) => ({
    toolsState: TOOLS_STATES[textOr(value, '')] ?? 'unknown',
  }),
  guestHeartbeatStatus: (value) => ({ heartbeat: textOr(value, 'gray') }),
  'guest.hostName': (value) => ({ hostName: textOr(value, null) }),
  'guest.net': (value) => ({
    addresses: read(listSchema(guestNicSchema), value, []).map(({ macAddress, ipAddress }) => ({
      macAddress: macAddress.toLowerCase(),
      ipAddresses: ipAddress,
    })),
  }),
};
