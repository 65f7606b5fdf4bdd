import type {
  FactName,
  FactSections,
  PreflightFacts,
} from '../../shared/domain/preflight/facts.ts';
import type { AzureVmSection } from '../../shared/domain/preflight/facts/azure-vm.ts';
import type { RegisteredProcessServer } from '../../shared/domain/preflight/facts/process-server.ts';
import type { OriginalVmUse } from '../../shared/domain/job.ts';
import type {
  AzureFacts,
  PreflightOperation,
  RecordFacts,
} from '../../shared/domain/preflight/gathered.ts';
import {
  type FailoverRecord,
  type ProtectedItem,
  staticAddressesOf,
} from '../../shared/domain/protected-item.ts';
import { RPO_THRESHOLD_MINUTES } from '../../shared/policy/limits.ts';
import {
  type Answer,
  configurationServerSection,
  locationSection,
  masterTargetSection,
  secondsSince,
  siteSection,
} from './preflight-site-facts.ts';

interface Answers {
  readonly operation: PreflightOperation;
  readonly originalVm: OriginalVmUse;
  readonly now: Date;
  readonly records: RecordFacts;
  /** `null` = nobody told. */
  readonly azure: AzureFacts | null;
  readonly site: Answer<'describeSite'> | null;
  readonly masterTarget: Answer<'verifyMasterTarget'> | null;
  readonly processServer: Answer<'describeProcessServer'> | null;
}

/** What was told, as the rules read it. */
export function assembleFacts(answers: Answers): PreflightFacts {
  const { records, site, masterTarget, now } = answers;
  const protection = protectionSection(answers);
  return {
    protection,
    azureVm: azureVmSection(answers),
    azureNetwork: azureNetworkSection(answers),
    processServer: processServerSection(answers),
    configurationServer: configurationServerSection(records.item, site, now),
    site: site === null ? null : siteSection(site.told),
    location: locationOf(answers),
    masterTarget:
      masterTarget === null ? null : masterTargetSection(masterTarget, site?.told ?? null),
    notGathered: notGathered(protection),
  };
}

/** A rate that was never measured: only warnings go by it. What nobody recorded is unknown, and a person has to say it. */
function notGathered({ changeBytesPerDay }: FactSections['protection']): readonly FactName[] {
  return changeBytesPerDay === null ? ['protection.changeBytesPerDay'] : [];
}

function protectionSection({ records, masterTarget }: Answers): FactSections['protection'] {
  const { item, rpoSeconds, changeBytesPerDay, measuredRate } = records;
  const { failoverRecord: recorded = {}, target, osType } = item;
  return {
    origin: originFacts(item),
    osType,
    disks: item.disks.map(({ diskName, sizeBytes }) => ({ diskName, sizeBytes })),
    azureVmId: item.azureVmId ?? null,
    isMigrationCompleted: recorded.isMigrationCompleted ?? null,
    originalConfigurationServerId: recorded.configurationServer ?? null,
    chosenConfigurationServerId: target.configurationServer,
    configurationServerAddress: recorded.configurationServerAddress ?? null,
    isPrepared: item.onPremisesVmId !== null,
    disksAddedInAzure: recorded.disksAddedInAzure ?? [],
    chosenDatastore: target.datastore ?? 'none',
    rpoThresholdSeconds: (item.rpoThresholdMinutes ?? RPO_THRESHOLD_MINUTES) * 60,
    rpoSeconds,
    retentionSeconds: masterTarget?.told.retentionSeconds ?? null,
    changeBytesPerDay,
    measuredRate,
  };
}

function originFacts({
  origin,
  failoverRecord: recorded,
}: ProtectedItem): FactSections['protection']['origin'] {
  switch (origin) {
    case 'VMware':
      return { kind: origin, vcenterId: recorded?.vcenterId ?? null };
    case 'HyperV':
      return {
        kind: origin,
        isFailoverCommitted: recorded?.isCommitted ?? null,
        dataEncryption: dataEncryption(recorded),
      };
    case 'Physical':
      return { kind: origin, osName: recorded?.osName ?? null };
  }
}

function dataEncryption(
  recorded: FailoverRecord | undefined,
): Extract<FactSections['protection']['origin'], { kind: 'HyperV' }>['dataEncryption'] {
  const state = recorded?.dataEncryption;
  if (state === undefined) return null;
  if (state === 'off') return { kind: 'off' };
  return { kind: 'on', isCertificateGiven: state === 'certificateGiven' };
}

function azureVmSection(answers: Answers): FactSections['azureVm'] {
  const { azure } = answers;
  if (azure === null) return null;
  const { vm } = azure;
  return { ...vm, guest: guestFacts(answers) };
}

function guestFacts({ records, site }: Answers): AzureVmSection['guest'] {
  const { failoverRecord: recorded, osType } = records.item;
  const isVsphere = site === null || site.told.hypervisor === 'vsphere';
  return {
    staticInterfaces: staticInterfaces(records.item, site?.told.restoresStaticAddresses ?? null),
    isNetworkManagerRemoved:
      osType === 'Windows' ? false : (recorded?.isNetworkManagerRemoved ?? null),
    vmwareTools: isVsphere ? (recorded?.vmwareTools ?? null) : 'notNeeded',
  };
}

function staticInterfaces(
  { target }: ProtectedItem,
  isAddressRestored: boolean | null,
): AzureVmSection['guest']['staticInterfaces'] {
  const fixed = target.networks.filter((network) => staticAddressesOf(network).length > 0);
  if (fixed.length === 0) return [];
  if (isAddressRestored === null) return null;
  // An address without its prefix length is looked for in the guest, and never set.
  return fixed.map((network) => ({
    name: network.name,
    isAddressRestored:
      isAddressRestored &&
      staticAddressesOf(network).every(({ prefixLength }) => prefixLength !== undefined),
  }));
}

/** A wish for a physical machine needs no site to be refused. */
function locationOf({ records, site, ...wishes }: Answers): FactSections['location'] {
  if (records.item.target.kind === 'physicalMachine') return { kind: 'physicalMachine' };
  return site === null ? null : locationSection(site.told, { ...wishes, item: records.item });
}

/** A site of the `local` kind is on the machine that everything else is on. */
function azureNetworkSection({ azure, site }: Answers): FactSections['azureNetwork'] {
  if (site?.told.hypervisor === 'local') return { kind: 'local' };
  const network = azure?.network ?? null;
  if (network === null) return null;
  const { virtualNetworkId, connection, linkBitsPerSecond } = network;
  return { kind: 'azure', virtualNetworkId, connection, linkBitsPerSecond };
}

/** One that is registered and whose machine is gone will be deployed anew; a failover goes on with what it has. */
function processServerSection(answers: Answers): FactSections['processServer'] {
  const { records, azure, operation, processServer: answer } = answers;
  const server = records.processServer;
  const isThere = server?.isConnected === true || (azure?.processServerVm ?? null) !== null;
  if (server === null || !isThere) {
    if (operation === 'failover') return { kind: 'missing' };
    const freeSubnetAddressCount = azure?.network?.freeSubnetAddressCount ?? null;
    return { kind: 'toBeDeployed', freeSubnetAddressCount };
  }
  return {
    kind: 'registered',
    name: server.name,
    version: server.version,
    lastHeartbeatAgeSeconds: secondsSince(server.heartbeatAt, answers.now),
    location: processServerLocation(answers),
    otherChangeBytesPerDay: records.otherChangeBytesPerDay,
    ...(answer === null ? UNTOLD : toldBy(answer)),
  };
}

const UNTOLD = {
  isPort9443Reachable: null,
  cpuCount: null,
  memoryBytes: null,
  cacheBytes: null,
  bandwidthLimitMbps: null,
  clockSkewSeconds: null,
};

function toldBy({
  told,
  clockSkewSeconds,
}: Answer<'describeProcessServer'>): Pick<RegisteredProcessServer, keyof typeof UNTOLD> {
  const { isPort9443Reachable, cpuCount, memoryBytes, cacheBytes, bandwidthLimitMbps } = told;
  const machine = { cpuCount, memoryBytes, cacheBytes, bandwidthLimitMbps };
  return { ...machine, isPort9443Reachable, clockSkewSeconds };
}

/** Without a VM in Azure that bears its name it runs at the site. */
function processServerLocation({ azure, site }: Answers): RegisteredProcessServer['location'] {
  if (site?.told.hypervisor === 'local') return { kind: 'local' };
  if (azure === null) return null;
  const { processServerVm } = azure;
  return processServerVm === null ? { kind: 'onPremises' } : { kind: 'azure', ...processServerVm };
}
