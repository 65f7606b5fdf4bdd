/**
 * What we send to vSphere, as data. A vCenter validates the order of XML elements, which is the order of the
 * fields here: those of the base type first. Fields that we do not use are left out; a test compares the rest
 * with the types of govmomi where Debian's package is installed.
 */

export type FieldKind =
  'string' | 'int' | 'long' | 'boolean' | 'secret' | 'ref' | 'any' | 'data' | ListKind;
type ListKind = 'string[]' | 'int[]' | 'long[]' | 'ref[]' | 'data[]';
export type Fields = Readonly<Record<string, FieldKind>>;

const DEVICE = {
  key: 'int',
  backing: 'data',
  connectable: 'data',
  controllerKey: 'int',
  unitNumber: 'int',
} as const;
const CONTROLLER = { ...DEVICE, busNumber: 'int' } as const;
const SCSI = { ...CONTROLLER, sharedBus: 'string' } as const;
const ETHERNET = { ...DEVICE, addressType: 'string', macAddress: 'string' } as const;
const NETWORK_BACKING = { deviceName: 'string', network: 'ref' } as const;

/** Data objects. */
export const TYPES = {
  FileBackedVirtualDiskSpec: { diskType: 'string', adapterType: 'string', capacityKb: 'long' },
  GuestProgramSpec: { programPath: 'string', arguments: 'string', workingDirectory: 'string' },
  HostDatastoreBrowserSearchSpec: { matchPattern: 'string[]' },
  NamePasswordAuthentication: {
    interactiveSession: 'boolean',
    username: 'string',
    password: 'secret',
  },
  ObjectSpec: { obj: 'ref', skip: 'boolean', selectSet: 'data[]' },
  OptionValue: { key: 'string', value: 'any' },
  PropertyFilterSpec: {
    propSet: 'data[]',
    objectSet: 'data[]',
    reportMissingObjectsInResults: 'boolean',
  },
  PropertySpec: { type: 'string', all: 'boolean', pathSet: 'string[]' },
  RetrieveOptions: { maxObjects: 'int' },
  ToolsConfigInfo: { toolsUpgradePolicy: 'string' },
  TraversalSpec: {
    name: 'string',
    type: 'string',
    path: 'string',
    skip: 'boolean',
    selectSet: 'data[]',
  },
  VirtualMachineBootOptions: { efiSecureBootEnabled: 'boolean' },
  VirtualMachineConfigSpec: {
    name: 'string',
    uuid: 'string',
    instanceUuid: 'string',
    guestId: 'string',
    annotation: 'string',
    files: 'data',
    tools: 'data',
    numCPUs: 'int',
    numCoresPerSocket: 'int',
    memoryMB: 'long',
    deviceChange: 'data[]',
    extraConfig: 'data[]',
    bootOptions: 'data',
    changeTrackingEnabled: 'boolean',
    firmware: 'string',
  },
  VirtualMachineFileInfo: { vmPathName: 'string' },
  WaitOptions: { maxWaitSeconds: 'int', maxObjectUpdates: 'int' },

  DistributedVirtualSwitchPortConnection: {
    switchUuid: 'string',
    portgroupKey: 'string',
    portKey: 'string',
  },
  ParaVirtualSCSIController: SCSI,
  VirtualAHCIController: CONTROLLER,
  VirtualDeviceConfigSpec: { operation: 'string', fileOperation: 'string', device: 'data' },
  VirtualDeviceConnectInfo: {
    startConnected: 'boolean',
    allowGuestControl: 'boolean',
    connected: 'boolean',
  },
  VirtualDisk: { ...DEVICE, capacityInKB: 'long', capacityInBytes: 'long' },
  VirtualDiskFlatVer2BackingInfo: {
    fileName: 'string',
    datastore: 'ref',
    diskMode: 'string',
    thinProvisioned: 'boolean',
    eagerlyScrub: 'boolean',
    uuid: 'string',
  },
  VirtualDiskRawDiskMappingVer1BackingInfo: {
    fileName: 'string',
    compatibilityMode: 'string',
    diskMode: 'string',
  },
  VirtualDiskSpec: { diskType: 'string', adapterType: 'string' },
  VirtualE1000: ETHERNET,
  VirtualE1000e: ETHERNET,
  VirtualEthernetCardDistributedVirtualPortBackingInfo: { port: 'data' },
  VirtualEthernetCardNetworkBackingInfo: NETWORK_BACKING,
  VirtualLsiLogicController: SCSI,
  VirtualLsiLogicSASController: SCSI,
  VirtualVmxnet3: ETHERNET,
} as const satisfies Readonly<Record<string, Fields>>;

/** The arguments of methods, after `_this`. */
export const METHODS = {
  AnswerVM: { questionId: 'string', answerChoice: 'string' },
  CancelTask: {},
  ConsolidateVMDisks_Task: {},
  ContinueRetrievePropertiesEx: { token: 'string' },
  CopyVirtualDisk_Task: {
    sourceName: 'string',
    sourceDatacenter: 'ref',
    destName: 'string',
    destDatacenter: 'ref',
    destSpec: 'data',
    force: 'boolean',
  },
  CreateContainerView: { container: 'ref', type: 'string[]', recursive: 'boolean' },
  CreateFilter: { spec: 'data', partialUpdates: 'boolean' },
  CreatePropertyCollector: {},
  CreateSnapshot_Task: {
    name: 'string',
    description: 'string',
    memory: 'boolean',
    quiesce: 'boolean',
  },
  CreateVM_Task: { config: 'data', pool: 'ref', host: 'ref' },
  CreateVirtualDisk_Task: { name: 'string', datacenter: 'ref', spec: 'data' },
  CurrentTime: {},
  DeleteDatastoreFile_Task: { name: 'string', datacenter: 'ref' },
  DeleteVirtualDisk_Task: { name: 'string', datacenter: 'ref' },
  DestroyPropertyCollector: {},
  DestroyView: {},
  Destroy_Task: {},
  FindByUuid: {
    datacenter: 'ref',
    uuid: 'string',
    vmSearch: 'boolean',
    instanceUuid: 'boolean',
  },
  HasUserPrivilegeOnEntities: { entities: 'ref[]', userName: 'string', privId: 'string[]' },
  ListProcessesInGuest: { vm: 'ref', auth: 'data', pids: 'long[]' },
  Login: { userName: 'string', password: 'secret', locale: 'string' },
  Logout: {},
  MakeDirectory: { name: 'string', datacenter: 'ref', createParentDirectories: 'boolean' },
  PowerOffVM_Task: {},
  PowerOnVM_Task: { host: 'ref' },
  QueryAssignedLicenses: { entityId: 'string' },
  QueryVirtualDiskUuid: { name: 'string', datacenter: 'ref' },
  ReconfigVM_Task: { spec: 'data' },
  RegisterVM_Task: {
    path: 'string',
    name: 'string',
    asTemplate: 'boolean',
    pool: 'ref',
    host: 'ref',
  },
  RemoveAllSnapshots_Task: { consolidate: 'boolean' },
  RemoveSnapshot_Task: { removeChildren: 'boolean', consolidate: 'boolean' },
  RetrievePropertiesEx: { specSet: 'data[]', options: 'data' },
  RetrieveServiceContent: {},
  SearchDatastore_Task: { datastorePath: 'string', searchSpec: 'data' },
  ShutdownGuest: {},
  StartProgramInGuest: { vm: 'ref', auth: 'data', spec: 'data' },
  UnregisterVM: {},
  WaitForUpdatesEx: { version: 'string', options: 'data' },
} as const satisfies Readonly<Record<string, Fields>>;

export type TypeName = keyof typeof TYPES;
export type MethodName = keyof typeof METHODS;
