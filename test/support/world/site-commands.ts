import type {
  CommandInput,
  CommandName,
  CommandOutput,
} from '../../../shared/contracts/commands.ts';
import { FailbackError } from '../../../shared/errors/failback-error.ts';
import type { Site, SiteReplication, SiteVm } from './site.ts';
import type { Timers } from './timers.ts';

/** What an agent does with a command. Throws FailbackError for what the real agent reports as failed. */
export type CommandEffects<N extends CommandName> = {
  readonly [K in N]: (input: CommandInput<K>) => CommandOutput<K>;
};

export type ConfigurationServerCommand =
  | 'describeSite'
  | 'prepareTarget'
  | 'growDisks'
  | 'removeSnapshots'
  | 'restoreTarget'
  | 'attachDisks'
  | 'detachDisks'
  | 'fixGuest'
  | 'startVm'
  | 'stopVm'
  | 'verifyBoot'
  | 'checkMobilityAgent'
  | 'openReverseSource'
  | 'closeReverseSource';

/** What does not change about the site; its configuration server has no backup schedule. */
const SITE = {
  hypervisor: 'local',
  isConnected: true,
  freeBytes: 1024 ** 4,
  restoresStaticAddresses: true,
  configurationServer: {
    version: '1.0.0',
    address: 'cs1.site.example',
    knowsItem: true,
    backup: { kind: 'none' },
    backupSchedule: { kind: 'none' },
  },
  vsphere: null,
  hyperv: null,
} as const satisfies Partial<CommandOutput<'describeSite'>>;

/** The configuration server's commands on the site, with the conditions that the real one has. */
export function configurationServerEffects(
  site: Site,
  timers: Timers,
): CommandEffects<ConfigurationServerCommand> {
  const now = (): string => timers.now().toISOString();
  return {
    describeSite: ({ vmName }) => {
      const vm = site.findByName(vmName);
      const facts = {
        isRegistered: true,
        snapshotCount: vm?.snapshotCount ?? 0,
        diskCount: 2,
        firmware: null,
      };
      const originalVm =
        vm === null
          ? null
          : ({ vmId: vm.vmId, powerState: vm.writes.isRunning ? 'on' : 'off', ...facts } as const);
      const isConnected = !site.isHypervisorAway;
      return { ...SITE, isConnected, originalVm, observedAt: now() };
    },
    prepareTarget: (input) => prepareTarget(site, input),
    growDisks: (input) => growDisks(site, input),
    removeSnapshots: ({ vmName }) => ({ removedCount: site.removeSnapshots(vmName) }),
    restoreTarget: ({ replicationId, startVm }) => restoreTarget(site, replicationId, startVm),
    attachDisks: ({ replicationId }) => {
      const vm = site.vmOf(replicationId);
      vm.disksAt = 'vm';
      return { vmId: vm.vmId, diskCount: 2 };
    },
    detachDisks: ({ replicationId }) => {
      site.vmOf(replicationId).disksAt = 'masterTarget';
      return { diskCount: 2 };
    },
    fixGuest: ({ replicationId }) => {
      const tools = { name: 'VMware Tools', detail: 'enabled again' };
      if (site.vmOf(replicationId).startedAt !== null) {
        return { fixups: [{ ...tools, outcome: 'done' }] };
      }
      const drivers = { name: 'drivers', outcome: 'done', detail: 'put into the disk' } as const;
      return { fixups: [drivers, { ...tools, outcome: 'deferredToGuest' }] };
    },
    startVm: ({ replicationId }) => {
      const vm = site.vmOf(replicationId);
      site.powerOn(vm, site.replication(replicationId));
      return { startedAt: vm.startedAt?.toISOString() ?? now(), isBootSimulated: true };
    },
    stopVm: ({ replicationId }) => {
      const known = site.replications.get(replicationId);
      const vm = known === undefined ? undefined : site.vms.get(known.vmId);
      const wasRunning = vm?.writes.isRunning === true;
      if (vm !== undefined) site.powerOff(vm);
      return { wasRunning };
    },
    verifyBoot: ({ replicationId, timeoutSeconds }) => {
      const { name, startedAt } = site.vmOf(replicationId);
      if (startedAt !== null) {
        return { bootedAt: now(), evidence: 'login:', isBootSimulated: true };
      }
      const values = { vmName: name, seconds: timeoutSeconds, console: '(nothing)' };
      throw new FailbackError('FB-SITE-005', values);
    },
    checkMobilityAgent: ({ replicationId }) => checkMobilityAgent(site, timers, replicationId),
    openReverseSource: ({ replicationId, pointId }) => {
      site.vmOf(replicationId);
      const device = { kind: 'file' as const, path: `/images/${pointId}` };
      return {
        takenAt: now(),
        disks: [
          { diskId: 'os', device },
          { diskId: 'lun-0', device },
        ],
      };
    },
    closeReverseSource: ({ replicationId }) => {
      site.vmOf(replicationId);
      return { wasOpen: true };
    },
  };
}

function prepareTarget(
  site: Site,
  { replicationId, vm: shape, isRehearsal, originalVm }: CommandInput<'prepareTarget'>,
): CommandOutput<'prepareTarget'> {
  const name = isRehearsal ? `${shape.name}-rehearsal` : shape.name;
  const known = site.replications.get(replicationId);
  const found = isRehearsal ? null : site.findByName(name);
  if (known === undefined && found !== null && originalVm === 'unregister') {
    site.leftOut.set(replicationId, found);
    site.vms.delete(found.vmId);
  }
  const original = isRehearsal ? null : site.findByName(name);
  const replication: SiteReplication = known ?? {
    replicationId,
    vmId: (original ?? site.createVm(name, isRehearsal)).vmId,
    location: original === null ? 'alternate' : 'original',
    isOpen: false,
    openedSizes: new Map(),
    grownFrom: new Map(),
    staged: new Map(),
    sealed: null,
    older: [],
    damaged: [],
    isVerified: false,
  };
  site.replications.set(replicationId, replication);
  const vm = site.vmOf(replicationId);
  const wasRunning = vm.writes.isRunning;
  ensureDisks(vm, shape.disks);
  site.powerOff(vm);
  vm.disksAt = 'masterTarget';
  return {
    vmId: vm.vmId,
    location: replication.location,
    wasRunning,
    disks: shape.disks.map(({ id }) => ({
      diskId: id,
      device: { kind: 'file', path: `/disks/${vm.vmId}/${id}` },
      isBlank: replication.location === 'alternate',
    })),
  };
}

/** Made once; those of another size are left alone. */
function ensureDisks(
  { name: vmName, diskSizes }: SiteVm,
  disks: CommandInput<'prepareTarget'>['vm']['disks'],
): void {
  for (const { id: diskId, sizeBytes: neededBytes } of disks) {
    const actualBytes = diskSizes.get(diskId) ?? neededBytes;
    if (actualBytes !== neededBytes) {
      throw new FailbackError('FB-SITE-006', { diskId, vmName, actualBytes, neededBytes });
    }
    diskSizes.set(diskId, neededBytes);
  }
}

function growDisks(
  site: Site,
  { replicationId, disks }: CommandInput<'growDisks'>,
): CommandOutput<'growDisks'> {
  const { isOpen, location } = site.replication(replicationId);
  const { vmId, name: vmName, diskSizes, disksAt } = site.vmOf(replicationId);
  if (isOpen || disksAt !== 'masterTarget') throw new Error('the disks are in use');
  const needed = disks.reduce(
    (sum, { diskId, sizeBytes }) => sum + sizeBytes - (diskSizes.get(diskId) ?? 0),
    0,
  );
  if (needed > site.freeBytes) {
    const values = { vmName, place: 'datastore1', neededBytes: needed, freeBytes: site.freeBytes };
    throw new FailbackError('FB-SITE-013', values);
  }
  for (const { diskId, sizeBytes } of disks) diskSizes.set(diskId, sizeBytes);
  return {
    disks: [...diskSizes].map(([diskId, sizeBytes]) => ({
      diskId,
      sizeBytes,
      device: { kind: 'file', path: `/disks/${vmId}/${diskId}` },
      isBlank: location === 'alternate',
    })),
  };
}

function restoreTarget(
  site: Site,
  replicationId: string,
  startVm: boolean,
): CommandOutput<'restoreTarget'> {
  const replication = site.replications.get(replicationId);
  const vm = replication === undefined ? undefined : site.vms.get(replication.vmId);
  site.replications.delete(replicationId);
  if (replication === undefined || vm === undefined) return { deletedVm: false, startedVm: false };
  site.powerOff(vm);
  vm.disksAt = 'vm';
  const deletedVm = replication.location === 'alternate';
  if (deletedVm) site.deleteVm(vm.vmId);
  const left = site.leftOut.get(replicationId);
  if (left !== undefined) site.vms.set(left.vmId, left);
  site.leftOut.delete(replicationId);
  return { deletedVm, startedVm: !deletedVm && startVm };
}

function checkMobilityAgent(
  site: Site,
  timers: Timers,
  replicationId: string,
): CommandOutput<'checkMobilityAgent'> {
  const { name, startedAt } = site.vmOf(replicationId);
  const { agentRegistersAfterMs } = site;
  if (startedAt !== null && agentRegistersAfterMs !== null) {
    const registeredAt = new Date(startedAt.getTime() + agentRegistersAfterMs);
    if (registeredAt <= timers.now()) {
      return { registeredAt: registeredAt.toISOString(), hostName: name, version: '1.0.0' };
    }
  }
  throw new FailbackError('FB-AGENT-001', { vmName: name });
}
