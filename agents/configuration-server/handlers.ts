import { setTimeout as delay } from 'node:timers/promises';
import type { CommandInput, CommandOutput } from '../../shared/contracts/commands.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { type Result, success } from '../../shared/errors/result.ts';
import type { Hypervisor, HypervisorVm } from '../../shared/ports/hypervisor.ts';
import type { CommandHandlers } from '../runtime/types.ts';
import type { CertificateAuthority } from './certificate-authority.ts';
import type { MobilityAgentRecord, SiteDatabase } from './database.ts';
import { describeSite, type SelfDescription } from './describe.ts';
import { guestIds } from './guest-ids.ts';
import { findOriginalVm } from './original-vm.ts';
import { acceptTarget, growDisks, ofShape, prepareTarget, restoreTarget } from './target.ts';

const BOOT_POLL_MS = 500;
const CONSOLE_CHARACTERS = 300;

export interface SiteParts {
  readonly hypervisor: Hypervisor;
  readonly database: SiteDatabase;
  readonly authority: CertificateAuthority;
  readonly self: SelfDescription;
}

/** The commands of the configuration server. Each may be repeated; see the Hypervisor port. */
export function createConfigurationServerHandlers(parts: SiteParts): CommandHandlers {
  const { hypervisor, database, authority } = parts;
  return {
    describeSite: async (input) => success(await describeSite(parts, input)),
    prepareTarget: async (input, { commandId }) =>
      success(await prepareTarget(parts, input, commandId)),
    growDisks: async (input) => success(await growDisks(parts, input)),
    removeSnapshots: async (input) => success(await removeSnapshots(hypervisor, input)),
    restoreTarget: async (input) => success(await restoreTarget(parts, input)),
    attachDisks: async ({ replicationId }) => {
      const { vmId, vm } = database.replication(replicationId);
      await hypervisor.attachToVm(vmId);
      return success({ vmId, diskCount: vm.disks.length });
    },
    detachDisks: async ({ replicationId }) => {
      const { vmId, vm, masterTarget } = database.replication(replicationId);
      const disks = await hypervisor.attachToMasterTarget(vmId, masterTarget);
      return success({ diskCount: ofShape(disks, vm).length });
    },
    fixGuest: async ({ replicationId }) => {
      const { vmId, vm } = database.replication(replicationId);
      return success({ fixups: [...(await hypervisor.fixGuest(vmId, vm))] });
    },
    startVm: async ({ replicationId }) => success(await startVm(parts, replicationId)),
    stopVm: async ({ replicationId, graceful }) =>
      success(await stopVm(parts, replicationId, graceful)),
    verifyBoot: async (input, { signal }) => success(await verifyBoot(parts, input, signal)),
    checkMobilityAgent: async ({ replicationId }) => checkMobilityAgent(parts, replicationId),
    openReverseSource: async ({ replicationId, pointId }) => {
      acceptTarget(parts, replicationId);
      const { vmId, vm, masterTarget } = database.replication(replicationId);
      const disks = ofShape(await hypervisor.openImage(vmId, pointId, masterTarget), vm);
      return success({ takenAt: new Date().toISOString(), disks });
    },
    closeReverseSource: async ({ replicationId, pointId }) => {
      const { vmId } = database.replication(replicationId);
      return success({ wasOpen: await hypervisor.closeImage(vmId, pointId) });
    },
    issueCertificate: async (input) => success(await authority.issue(input)),
  };
}

/** Finds the VM as prepareTarget does: what is made ready to be checked is what will be used. */
async function removeSnapshots(
  hypervisor: Hypervisor,
  { vmName: name, targetVmId }: CommandInput<'removeSnapshots'>,
): Promise<CommandOutput<'removeSnapshots'>> {
  const found = await findOriginalVm(hypervisor, name, targetVmId);
  if (found?.isRegistered !== true) return { removedCount: 0 };
  return { removedCount: await hypervisor.removeSnapshots(found.vm.vmId) };
}

async function requireVm(
  { hypervisor, database }: SiteParts,
  replicationId: string,
): Promise<HypervisorVm> {
  const { vmId, vm } = database.replication(replicationId);
  const found = await hypervisor.findVm({ vmId, name: vm.name });
  if (found === null) throw new FailbackError('FB-SITE-002', { vmName: vm.name });
  return found;
}

async function startVm(parts: SiteParts, replicationId: string): Promise<CommandOutput<'startVm'>> {
  const vm = await requireVm(parts, replicationId);
  if (vm.disksAt !== 'vm') throw new FailbackError('FB-SITE-003', { vmName: vm.name });
  await parts.hypervisor.powerOn(vm.vmId);
  const { startedAt } = await requireVm(parts, replicationId);
  const { isSimulated } = await parts.hypervisor.bootEvidence(vm.vmId);
  return { startedAt: startedAt ?? new Date().toISOString(), isBootSimulated: isSimulated };
}

/** A replication that this site does not know has no VM that could run. */
async function stopVm(
  { hypervisor, database }: SiteParts,
  replicationId: string,
  isGraceful: boolean,
): Promise<CommandOutput<'stopVm'>> {
  const replication = database.findReplication(replicationId);
  if (replication === null || replication.vmId === null) return { wasRunning: false };
  const vm = await hypervisor.findVm({ vmId: replication.vmId, name: replication.vm.name });
  if (vm === null) return { wasRunning: false };
  // Whatever it looks like now: a start that we asked for may be on its way.
  return { wasRunning: await hypervisor.powerOff(vm.vmId, isGraceful) };
}

async function verifyBoot(
  parts: SiteParts,
  { replicationId, timeoutSeconds }: CommandInput<'verifyBoot'>,
  signal: AbortSignal,
): Promise<CommandOutput<'verifyBoot'>> {
  const vm = await requireVm(parts, replicationId);
  const deadlineMs = Date.parse(vm.startedAt ?? new Date().toISOString()) + timeoutSeconds * 1000;
  for (;;) {
    // Looked at before the tools: of a guest with both, the report shows the tools, however close they came.
    const registration = registrationOf(parts, vm);
    const seen = await parts.hypervisor.bootEvidence(vm.vmId);
    const evidence = seen.evidence ?? registration;
    if (evidence !== null) {
      const bootedAt = new Date().toISOString();
      return { bootedAt, evidence, isBootSimulated: seen.isSimulated };
    }
    if (Date.now() >= deadlineMs) {
      const console = seen.consoleTail.slice(-CONSOLE_CHARACTERS) || '(nothing)';
      const values = { vmName: vm.name, seconds: timeoutSeconds, console };
      throw new FailbackError('FB-SITE-005', values);
    }
    await delay(BOOT_POLL_MS, undefined, { signal });
  }
}

/**
 * Windows comes from Azure with its tools disabled, so that they show nothing; its mobility agent does. The stand-in
 * guest of the local hypervisor registers whether its disk boots or not.
 */
function registrationOf({ hypervisor, database }: SiteParts, vm: HypervisorVm): string | null {
  const agent = hypervisor.kind === 'local' ? null : currentAgent(database, vm);
  if (agent === null) return null;
  const tools =
    agent.vmwareTools === undefined ? '' : `; VMware Tools: ${TOOLS[agent.vmwareTools]}`;
  return `The mobility agent registered from ${agent.hostName}${tools}`;
}

const TOOLS = {
  running: 'they run',
  failed: 'their service does not start, see the log of the agent in the guest',
  notInstalled: 'they are not installed',
} as const;

/** A registration from before the last boot says nothing about the machine that runs now. */
function currentAgent(
  database: SiteDatabase,
  { vmId, biosUuid = null, startedAt }: HypervisorVm,
): MobilityAgentRecord | null {
  if (startedAt === null) return null;
  const [latest] = guestIds(vmId, biosUuid)
    .flatMap((id) => database.findMobilityAgent(id) ?? [])
    .toSorted((a, b) => b.registeredAt.localeCompare(a.registeredAt));
  return latest !== undefined && latest.registeredAt >= startedAt ? latest : null;
}

async function checkMobilityAgent(
  parts: SiteParts,
  replicationId: string,
): Promise<Result<CommandOutput<'checkMobilityAgent'>>> {
  // Nobody looks for the agent before the commit, and nothing that follows a commit comes without looking.
  acceptTarget(parts, replicationId);
  const vm = await requireVm(parts, replicationId);
  const agent = currentAgent(parts.database, vm);
  if (agent === null) throw new FailbackError('FB-AGENT-001', { vmName: vm.name });
  const { registeredAt, hostName, version } = agent;
  return success({ registeredAt, hostName, version });
}
