import type { FactName } from './facts.ts';

/** Facts that no program can find out, or not any more: what a person has to do so that they are known. */
const REMEDIES: Readonly<Partial<Record<FactName, string>>> = {
  'protection.azureVmId': 'Put the protected item again (PUT): the id of its VM is then read.',
  'protection.isMigrationCompleted': say('isMigrationCompleted', 'whether it is to stay in Azure'),
  'protection.originalConfigurationServerId': say('configurationServer', 'where it came from'),
  'protection.configurationServerAddress': say(
    'configurationServerAddress',
    'which address the configuration server had at the failover',
  ),
  'protection.origin.vcenterId': say('vcenterId', 'which vCenter it was under, or "none"'),
  'protection.origin.isFailoverCommitted': say('isCommitted', 'whether its failover was committed'),
  'protection.origin.dataEncryption': say('dataEncryption', 'whether its replica was encrypted'),
  'protection.origin.osName': say('osName', 'which system the physical server ran'),
  'azureVm.guest.isNetworkManagerRemoved': say(
    'isNetworkManagerRemoved',
    'whether the failover took NetworkManager out of the guest',
  ),
  'azureVm.guest.vmwareTools': say('vmwareTools', 'the state of VMware Tools in the guest'),
  'location.doesOriginalExist':
    'No VM has the name of the machine, but the one that was failed over may have been renamed. Give its instance UUID in target.vmId of the protected item (PUT); or look for it, and when it does not exist any more under whatever name, say so with failover.isOriginalVmGone.',
};

const BY_READING = 'Make what is missing readable (connection, permissions).';

/** One sentence or more for each way; what is not listed has to become readable. */
export function remedyFor(missing: readonly FactName[]): string {
  const said = missing.map((name) => REMEDIES[name] ?? BY_READING);
  return [...new Set(said)].join(' ');
}

function say(field: string, what: string): string {
  return `Say in failover.${field} of the protected item (PUT) ${what}.`;
}
