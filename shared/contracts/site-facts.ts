import { z } from 'zod';
import { diskShapeSchema } from './disk-shape.ts';
import { identifierSchema, timestampSchema } from './json.ts';

/**
 * Facts that agents tell preflight. Commands that ask for them change nothing. `null` says "could not be found
 * out", and so does what an older agent leaves out.
 */
function fact<S extends z.ZodType>(schema: S): z.ZodDefault<z.ZodNullable<S>> {
  return schema.nullable().default(null as never);
}

export const osTypeSchema = z.enum(['Linux', 'Windows']);
export const firmwareSchema = z.enum(['bios', 'efi']);
const addressSchema = z.object({ host: z.string(), port: z.int().min(1).max(65_535) });
const datastoreTypeSchema = z.enum(['VMFS', 'NFS', 'vSAN', 'other']);

/** The configuration server itself. */
const configurationServerFacts = z.object({
  version: z.string(),
  /** Under which agents and sites know it. */
  address: fact(z.string()),
  /** The protected item is in its database. */
  knowsItem: fact(z.boolean()),
  backup: fact(
    z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('none') }),
      z.object({ kind: z.literal('taken'), takenAt: timestampSchema }),
    ]),
  ),
  backupSchedule: fact(
    z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('none') }),
      z.object({ kind: z.literal('every'), seconds: z.number().positive() }),
    ]),
  ),
});

const onPremisesDiskSchema = z.object({
  name: z.string(),
  datastore: z.string(),
  datastoreType: fact(datastoreTypeSchema),
  isRdm: fact(z.boolean()),
  isDatastoreAccessible: fact(z.boolean()),
  /** As `scsi0:2`. */
  place: fact(z.string()),
  sizeBytes: fact(z.int().nonnegative()),
});

/** How a disk of the machine was looked for among those of its VM, as a preparation would pair them. */
const diskMatchSchema = z.object({
  diskId: identifierSchema,
  match: z.enum([
    'found',
    /** The one that it would be has another size. */
    'otherSize',
    /** It may be one or another of several. */
    'ambiguous',
    /** Somebody said which one it is, and that one is not there. */
    'unfound',
    /** None of those that are there can be it. */
    'missing',
  ]),
});

/** A VM in which a master target runs. */
const masterTargetVmSchema = z.object({
  hostId: fact(z.string()),
  biosUuid: fact(z.string()),
  snapshotCount: fact(z.int().nonnegative()),
  diskEnableUuid: fact(z.string()),
  hasVmwareTools: fact(z.boolean()),
  isOnVsan: fact(z.boolean()),
  visibleDatastores: fact(z.array(z.string())),
});

/** What only vSphere knows; see shared/domain/preflight/facts for the meaning of each. */
const vsphereFacts = z.object({
  management: fact(
    z.discriminatedUnion('kind', [
      z.object({
        kind: z.literal('vcenter'),
        vcenterId: fact(z.string()),
        isAvs: z.boolean().default(false),
      }),
      z.object({ kind: z.literal('standaloneHost'), isDiscoveryFinished: fact(z.boolean()) }),
    ]),
  ),
  hostEdition: fact(z.string()),
  canSeeDatastores: fact(z.boolean()),
  missingPrivileges: fact(z.array(z.string())),
  discoveredMasterTargetCount: fact(z.int().nonnegative()),
  neededHosts: fact(
    z.array(
      z.object({
        name: z.string(),
        isDiscovered: z.boolean(),
        isInMaintenance: fact(z.boolean()),
      }),
    ),
  ),
  /** Of the original VM. */
  originalVm: fact(
    z.object({
      biosUuid: fact(z.string()),
      /** Those that are attached: an inventory shows no others. */
      disks: fact(z.array(onPremisesDiskSchema)),
      /** Of each disk of the machine; `null` too where the question named none. */
      matches: fact(z.array(diskMatchSchema)),
      /** New disks of the VM would lie there. */
      isOnVsan: fact(z.boolean()),
    }),
  ),
  /** Where a new VM would lie, with what was chosen in the input. */
  placement: fact(
    z.object({
      hostName: fact(z.string()),
      datastore: fact(z.string()),
      datastoreType: fact(datastoreTypeSchema),
      /** Of the hosts that have the datastore mounted for reading and writing. */
      datastoreHostIds: fact(z.array(z.string())),
      isNameTaken: fact(z.boolean()),
    }),
  ),
  /** Of those that were asked for; one that has no VM here is left out. */
  masterTargets: fact(
    z.array(
      masterTargetVmSchema.extend({
        name: identifierSchema,
        hostName: fact(z.string()),
        /** And not in maintenance mode. */
        isHostConnected: fact(z.boolean()),
        /** Disks of the VM itself. */
        ownDiskCount: z.int().nonnegative(),
      }),
    ),
  ),
  /** The VM in which the master target runs. */
  masterTargetVm: fact(masterTargetVmSchema),
});

const hyperVFacts = z.object({
  virtualSwitches: fact(z.array(z.string())),
  neededSwitches: fact(z.array(z.string())),
  isAlternateHost: fact(z.boolean()),
});

export const describeSiteInput = z.object({
  vmName: z.string(),
  targetVmId: z.string().optional(),
  /** The protected item, which the database may know. */
  itemId: identifierSchema.optional(),
  /** Name of the master target that would hold the disks. */
  masterTarget: identifierSchema.optional(),
  /** Names of master targets that one is to be chosen of. */
  masterTargets: z.array(identifierSchema).max(200).optional(),
  /** Datastore that was chosen for a new VM. */
  datastore: z.string().optional(),
  /** Those of the machine, which are looked for among those of its VM. */
  disks: z.array(diskShapeSchema).max(200).optional(),
  /** It is about the scratch VM of a rehearsal, which has a name of its own. */
  isRehearsal: z.boolean().optional(),
});

export const describeSiteOutput = z.object({
  hypervisor: z.enum(['local', 'vsphere', 'hyperv']),
  isConnected: z.boolean(),
  originalVm: z
    .object({
      vmId: z.string(),
      powerState: z.enum(['on', 'off']),
      snapshotCount: z.int().nonnegative(),
      diskCount: z.int().nonnegative(),
      /** False = it was taken out of the inventory, and its files are still there. */
      isRegistered: z.boolean().default(true),
      firmware: fact(firmwareSchema),
    })
    .nullable(),
  freeBytes: z.int().nonnegative().nullable(),
  /** The guest fix-up gives interfaces their static addresses back. */
  restoresStaticAddresses: fact(z.boolean()),
  configurationServer: fact(configurationServerFacts),
  vsphere: fact(vsphereFacts),
  hyperv: fact(hyperVFacts),
  observedAt: timestampSchema,
});
/** What a hypervisor driver adds to `describeSite`. */
export type VsphereFacts = z.output<typeof vsphereFacts>;
export type HyperVFacts = z.output<typeof hyperVFacts>;

export const verifyMasterTargetOutput = z.object({
  version: z.string(),
  osType: osTypeSchema,
  retentionVolume: z.object({
    freeBytes: z.int().nonnegative(),
    isSeparateVolume: z.boolean(),
    isWritable: z.boolean(),
  }),
  /** How far back recovery points are kept. */
  retentionSeconds: fact(z.number().positive()),
  openReplications: z.int().nonnegative(),
  attachedDiskCount: z.int().nonnegative(),
  transferAddress: z.object({ host: z.string(), port: z.int() }),
  /** What prepare-linux.sh says about the machine; `null` on Windows and where it cannot tell. */
  linuxPreparation: fact(
    z.object({
      missingPackages: fact(z.array(z.string())),
      customChangesCount: fact(z.int().nonnegative()),
      isRestartedSince: fact(z.boolean()),
      hasDiskUuids: fact(z.boolean()),
    }),
  ),
  observedAt: fact(timestampSchema),
});

export const describeProcessServerInput = z.object({ masterTarget: addressSchema });

export const describeProcessServerOutput = z.object({
  version: z.string(),
  isPort9443Reachable: z.boolean(),
  cpuCount: z.int().positive(),
  memoryBytes: z.int().positive(),
  /** Size of the volume on which it works. */
  cacheBytes: fact(z.int().nonnegative()),
  /** What it may send, as an average over a week; `null` = it has no limit, or none at some hours. */
  bandwidthLimitMbps: fact(z.number().nonnegative()),
  observedAt: timestampSchema,
});
