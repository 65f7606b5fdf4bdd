import { z } from 'zod';
import { identifierSchema } from '../../shared/contracts/json.ts';
import { agentConfigSchema, isSafeUrl } from '../runtime/config.ts';

const listenSchema = z.strictObject({
  host: z.string().default('127.0.0.1'),
  port: z.int().min(0).max(65_535),
});

const localHypervisorSchema = z.strictObject({
  kind: z.literal('local'),
  /** One folder a VM below it. */
  folder: z.string().min(1),
  /** `qemu` boots the disk; `simulated` only looks at it, and says so. */
  boot: z.enum(['qemu', 'simulated']).default('simulated'),
  /** Seconds from boot until the guest's mobility agent registers; `null` = never. */
  agentDelaySeconds: z.number().min(0).nullable().default(20),
  /** Pause between two writes of a running guest; `null` = it does not write. */
  guestPauseMs: z.int().positive().nullable().default(250),
  /** Keeps a copy of the disks as they were right before the latest boot, for comparing. */
  keepBootCopy: z.boolean().default(false),
});
export type LocalHypervisorConfig = z.output<typeof localHypervisorSchema>;

/** Copies of what this server knows and who it is, its keys sealed with the passphrase of the site. */
const backupSchema = z.strictObject({
  folder: z.string().min(1),
  everyHours: z.number().positive().max(720).default(24),
  /** The newest so many are kept. */
  keep: z.int().min(1).max(1000).default(14),
});
export type BackupConfig = z.output<typeof backupSchema>;

const THUMBPRINT = /^(?:[0-9a-f]{2}:?){19}(?:(?:[0-9a-f]{2}:?){12})?[0-9a-f]{2}$/i;
const credentialsSchema = z.strictObject({
  username: z.string().min(1),
  /** Readable for the program only; its first line is the password. */
  passwordFile: z.string().min(1),
});

export type Credentials = z.output<typeof credentialsSchema>;

const vsphereHypervisorSchema = credentialsSchema.extend({
  kind: z.literal('vsphere'),
  /** An ESXi by itself must not be one that a vCenter manages. */
  siteKind: z.enum(['vcenter', 'esxi', 'avs']).default('vcenter'),
  url: z.url().refine(isSafeUrl, { message: 'must be https, without credentials' }),
  /** SHA-256 or SHA-1 of the certificate; left out, the authorities of this machine decide. */
  thumbprint: z.string().regex(THUMBPRINT, 'must be a SHA-256 or SHA-1 thumbprint').optional(),
  /** Needed where there are several. */
  datacenter: z.string().min(1).optional(),
  /** For new VMs, where none was chosen for the machine. The host of the master target has to reach it. */
  datastore: z.string().min(1),
  /** Name of the VM in which the master target runs; with several, the one for machines that name none. */
  masterTarget: z.string().min(1),
  /** With several: name of each master target, as it registers → name of its VM. */
  masterTargets: z.record(identifierSchema, z.string().min(1)).default({}),
  /** Name of a network in Azure's settings → name of the port group; others keep their name. */
  networks: z.record(z.string(), z.string().min(1)).default({}),
  /** For rehearsals; left out, their network cards are not connected. */
  isolatedNetwork: z.string().min(1).optional(),
  gracefulShutdownSeconds: z.number().min(0).default(300),
  /** How long a guest that was started may take until its tools carry out programs. */
  guestReadySeconds: z.number().min(0).default(180),
  /**
   * Accounts in the guests, for what is put right there: of single VMs by their name, and of all others. A guest
   * without one is left to people.
   */
  guestAccounts: z
    .strictObject({
      default: credentialsSchema.optional(),
      vms: z.record(z.string(), credentialsSchema).default({}),
    })
    .default({ vms: {} }),
  /** Pause between two looks at the inventory. */
  refreshSeconds: z.number().positive().default(60),
});
export type VsphereHypervisorConfig = z.output<typeof vsphereHypervisorSchema>;

export const configurationServerConfigSchema = agentConfigSchema.extend({
  /** Name or address under which the site knows this server; default: where mobility agents register. */
  address: z.string().min(1).max(255).optional(),
  /** Absent = no backups, which preflight warns about. */
  backup: backupSchema.optional(),
  /** Where mobility agents of the site register. */
  mobility: listenSchema,
  hypervisor: z.discriminatedUnion('kind', [localHypervisorSchema, vsphereHypervisorSchema]),
  /** Scripts that recovery plans may run, by name. Absent = none. */
  scripts: z.strictObject({ folder: z.string().min(1) }).optional(),
});
