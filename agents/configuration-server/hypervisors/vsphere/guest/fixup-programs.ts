import type { VmShape } from '../../../../../shared/contracts/commands.ts';
import { staticAddressesOf } from '../../../../../shared/domain/protected-item.ts';
import type { GuestCommand } from './guest-programs.ts';
import * as linux from './linux-scripts.ts';
import * as windows from './windows-scripts.ts';

/** One thing to put right in a guest. */
export interface FixupProgram extends GuestCommand {
  readonly name: string;
  readonly done: string;
  /** What a person has to do where we cannot. */
  readonly byHand: string;
}

type Network = VmShape['networks'][number];

/** In their order: addresses are set by what manages the network. */
export const SERVICE_PROGRAMS: Readonly<Record<VmShape['osType'], readonly FixupProgram[]>> = {
  Windows: [
    {
      name: 'VMware Tools',
      done: 'The service of VMware Tools starts by itself again.',
      byHand: 'Set the service VMTools to start automatically; it was disabled for Azure.',
      ...powerShell(windows.TOOLS),
    },
  ],
  Linux: [
    {
      name: 'VMware Tools',
      done: 'The tools are installed, and start by themselves.',
      byHand: 'Install open-vm-tools in the guest and enable the service vmtoolsd.',
      ...shell('VMware Tools', linux.TOOLS),
    },
    {
      name: 'NetworkManager',
      done: 'NetworkManager is installed and enabled again.',
      byHand: 'Enable NetworkManager in the guest if it used it before the failover.',
      ...shell('NetworkManager', linux.NETWORK_MANAGER),
    },
  ],
};

/** Sets what the interface with this MAC address had before the failover. `null` when too little was recorded. */
export function addressProgram(
  osType: VmShape['osType'],
  macAddress: string,
  network: Network,
): GuestCommand | null {
  const addresses = staticAddressesOf(network);
  const isWhole = addresses.every(({ prefixLength }) => prefixLength !== undefined);
  if (addresses.length === 0 || !isWhole) return null;
  if (!/^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/i.test(macAddress)) return null;
  const values = valuesOf(network);
  if (osType === 'Linux') {
    const title = `address ${addresses.map(({ address }) => address).join(' ')}`;
    const words = [macAddress.toLowerCase(), ...Object.values(values)];
    return shell(
      title,
      linux.STATIC_ADDRESS,
      words.map((word) => word || '-'),
    );
  }
  const variables = { mac: macAddress.toUpperCase().replaceAll(':', '-'), ...values };
  const lines = Object.entries(variables).map(([name, value]) => `$${name} = '${value}'`);
  return powerShell([...lines, windows.STATIC_ADDRESS].join('\n'));
}

/** In the order of the arguments of the Linux script, under the names of the Windows script; '' for what there is not. */
function valuesOf({
  staticIpAddress = '',
  prefixLength = 0,
  gateway = '',
  staticIpv6Address = '',
  ipv6PrefixLength = 0,
  ipv6Gateway = '',
  dnsServers = [],
}: Network): Readonly<Record<string, string>> {
  return {
    address: staticIpAddress,
    prefix: staticIpAddress === '' ? '' : String(prefixLength),
    gateway: staticIpAddress === '' ? '' : gateway,
    address6: canonicalAddress(staticIpv6Address),
    prefix6: staticIpv6Address === '' ? '' : String(ipv6PrefixLength),
    gateway6: staticIpv6Address === '' ? '' : canonicalAddress(ipv6Gateway),
    dns: dnsServers.map(canonicalAddress).join(' '),
  };
}

/** As guests show it: `2001:DB8:0::1` is `2001:db8::1`. One with a zone, as `fe80::1%eth0`, stays as it is. */
export function canonicalAddress(address: string): string {
  const url = `http://[${address}]/`;
  return address.includes(':') && URL.canParse(url) ? new URL(url).hostname.slice(1, -1) : address;
}

/** As base64, because what starts programs in guests splits and quotes arguments by rules of its own. */
function shell(title: string, script: string, values: readonly string[] = []): GuestCommand {
  const words = values.map((value) => `"${value}"`).join(' ');
  const encoded = Buffer.from(script).toString('base64');
  const start = `sh -s -- ${words}`.trim();
  const run = `if [ "$(id -u)" = 0 ]; then ${start}; else sudo -n ${start}; fi`;
  // The title is for whoever looks at the processes of the guest.
  return {
    path: '/bin/sh',
    arguments: `-c ': azure-failback ${title}; echo ${encoded} | base64 -d | ${run}'`,
  };
}

function powerShell(script: string): GuestCommand {
  const encoded = Buffer.from(script, 'utf16le').toString('base64');
  const options = '-NoProfile -NonInteractive -ExecutionPolicy Bypass';
  return {
    path: 'C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe',
    arguments: `${options} -EncodedCommand ${encoded}`,
  };
}
