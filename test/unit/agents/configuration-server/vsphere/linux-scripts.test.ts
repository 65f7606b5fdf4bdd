import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  NETWORK_MANAGER,
  NOTHING_TO_DO,
  STATIC_ADDRESS,
  TOOLS,
} from '../../../../../agents/configuration-server/hypervisors/vsphere/guest/linux-scripts.ts';

/** The scripts run in a shell whose system is a folder, and whose programs write down how they were called. */
const MAC = '00:50:56:00:00:01';
const NONE = ['-', '-', '-'];
const IPV4 = ['10.7.0.15', '24', '10.7.0.1'];
const IPV6 = ['2001:db8::15', '64', 'fe80::1'];
const VALUES = [MAC, ...IPV4, ...NONE, '10.7.0.2 10.7.0.3'];
const BOTH = [MAC, ...IPV4, ...IPV6, '10.7.0.2 2001:db8::2'];
const ONLY_IPV6 = [MAC, ...NONE, ...IPV6, '2001:db8::2'];
const HAS_ADDRESS = `case $1 in
-4) echo "2: ens192 inet 10.7.0.15/24 brd x" ;;
-6) echo "2: ens192 inet6 2001:db8::15/64 scope global" ;;
esac`;

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'guest-'));
  file('sys/class/net/lo/address', '00:00:00:00:00:00\n');
  file('sys/class/net/ens192/address', `${MAC}\n`);
  program('ip', HAS_ADDRESS);
  program('systemctl', 'exit 3');
  program('ifup');
  program('ifdown');
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

function file(path: string, text = ''): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

function program(name: string, body = ''): void {
  file(`bin/${name}`, `#!/bin/sh\necho "${name} $*" >>"${root}/calls"\n${body}\n`);
  spawnSync('chmod', ['+x', join(root, 'bin', name)]);
}

function run(script: string, values: readonly string[] = []): number | null {
  const inFolder = script.replaceAll(/\/(?=(?:etc|sys)\/)/g, `${root}/`);
  const env = { PATH: `${join(root, 'bin')}:/usr/bin:/bin` };
  return spawnSync('/bin/sh', ['-s', '--', ...values], { input: inFolder, env }).status;
}

const calls = (): string => readFileSync(join(root, 'calls'), 'utf8');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

describe('a static address of a Linux guest', () => {
  it('is set through NetworkManager where that runs', () => {
    program('systemctl', '[ "$3" = NetworkManager ]');
    program('nmcli');
    expect(run(STATIC_ADDRESS, VALUES)).toBe(0);
    expect(calls()).toContain(
      'nmcli connection add type ethernet con-name azure-failback-ens192 ifname ens192 connection.autoconnect-priority 100 ipv4.method manual ipv4.addresses 10.7.0.15/24 ipv4.gateway 10.7.0.1 ipv4.dns 10.7.0.2,10.7.0.3\nnmcli connection up azure-failback-ens192\n',
    );
  });

  it('is set through netplan', () => {
    file('etc/netplan/50-cloud-init.yaml');
    program('netplan');
    expect(run(STATIC_ADDRESS, VALUES)).toBe(0);
    expect(calls()).toContain('netplan apply');
    expect(read('etc/netplan/99-azure-failback-ens192.yaml')).toBe(
      [
        'network:',
        '  version: 2',
        '  ethernets:',
        '    ens192:',
        `      match: {macaddress: '${MAC}'}`,
        '      dhcp4: false',
        '      addresses: [10.7.0.15/24]',
        '      routes: [{to: 0.0.0.0/0, via: 10.7.0.1}]',
        `      nameservers: {addresses: ['10.7.0.2','10.7.0.3']}`,
        '',
      ].join('\n'),
    );
  });

  it('is set through systemd-networkd', () => {
    file('etc/systemd/network/x');
    program('systemctl', '[ "$3" = systemd-networkd ] || [ "$1" = restart ]');
    expect(run(STATIC_ADDRESS, VALUES)).toBe(0);
    expect(read('etc/systemd/network/05-azure-failback-ens192.network')).toContain(
      'Address=10.7.0.15/24\nGateway=10.7.0.1\nDNS=10.7.0.2\nDNS=10.7.0.3\n',
    );
  });

  it('is set in the files of Red Hat', () => {
    file('etc/sysconfig/network-scripts/ifcfg-ens192', 'BOOTPROTO=dhcp\n');
    expect(run(STATIC_ADDRESS, VALUES)).toBe(0);
    expect(read('etc/sysconfig/network-scripts/ifcfg-ens192')).toBe(
      `DEVICE=ens192\nHWADDR=${MAC}\nONBOOT=yes\nBOOTPROTO=none\nIPADDR=10.7.0.15\nPREFIX=24\nGATEWAY=10.7.0.1\nDNS1=10.7.0.2\nDNS2=10.7.0.3\n`,
    );
    expect(calls()).toContain('ifup ens192');
  });

  it('is set in the files of Debian, once, and the DHCP of before goes', () => {
    file('etc/network/interfaces', 'auto ens192\niface ens192 inet dhcp\n');
    expect([run(STATIC_ADDRESS, VALUES), run(STATIC_ADDRESS, VALUES)]).toEqual([0, 0]);
    const interfaces = read('etc/network/interfaces');
    expect(interfaces).toContain('# before azure-failback: iface ens192 inet dhcp');
    expect(interfaces.match(/interfaces\.d/g)).toHaveLength(1);
    expect(read('etc/network/interfaces.d/azure-failback-ens192')).toContain(
      'address 10.7.0.15/24\n  gateway 10.7.0.1\n  dns-nameservers 10.7.0.2 10.7.0.3',
    );
  });

  it('is set without a gateway and DNS servers that were not recorded', () => {
    file('etc/netplan/x');
    program('netplan');
    expect(run(STATIC_ADDRESS, [MAC, '10.7.0.15', '24', '-', ...NONE, '-'])).toBe(0);
    expect(read('etc/netplan/99-azure-failback-ens192.yaml')).not.toMatch(/routes|nameservers/);
  });

  it.each<[string, number, () => void]>([
    ['no card has the MAC address', 10, () => file('sys/class/net/ens192/address', 'other\n')],
    ['nothing that we know manages the network', 11, () => undefined],
  ])('is not set when %s', (_name, code, arrange) => {
    arrange();
    expect(run(STATIC_ADDRESS, VALUES)).toBe(code);
  });

  it('counts as set only when the interface has it', () => {
    file('etc/netplan/x');
    program('netplan');
    program('ip', 'echo "2: ens192 inet 10.7.0.150/24 x"');
    program('sleep');
    expect(run(STATIC_ADDRESS, VALUES)).toBe(12);
  });

  it('counts as set only when the interface has that of each family', () => {
    file('etc/netplan/x');
    program('netplan');
    program('sleep');
    program('ip', '[ "$1" = -4 ] && echo "2: ens192 inet 10.7.0.15/24 brd x"');
    expect(run(STATIC_ADDRESS, BOTH)).toBe(12);
    expect(run(STATIC_ADDRESS, VALUES)).toBe(0);
  });

  it('is set by wicked on SUSE, with its route, and beside the name servers of other cards', () => {
    file('etc/sysconfig/network/config', 'A="b"\nNETCONFIG_DNS_STATIC_SERVERS="10.9.9.9"\n');
    program('wicked');
    program('netconfig');
    expect([run(STATIC_ADDRESS, VALUES), run(STATIC_ADDRESS, VALUES)]).toEqual([0, 0]);
    expect(read('etc/sysconfig/network/ifcfg-ens192')).toBe(
      "STARTMODE='auto'\nBOOTPROTO='static'\nIPADDR='10.7.0.15/24'\n",
    );
    expect(read('etc/sysconfig/network/ifroute-ens192')).toBe('default 10.7.0.1 - ens192\n');
    expect(read('etc/sysconfig/network/config')).toBe(
      'A="b"\nNETCONFIG_DNS_STATIC_SERVERS="10.9.9.9 10.7.0.2 10.7.0.3"\n',
    );
    expect(calls()).toContain('netconfig update -f\nwicked ifreload ens192\n');
    expect(calls()).not.toContain('wicked ifup');
  });

  it('is set by a wicked that cannot reload, and without name servers leaves those alone', () => {
    file('etc/sysconfig/network/config', 'A="b"\n');
    program('wicked', '[ "$1" = ifup ]');
    expect(run(STATIC_ADDRESS, [MAC, ...IPV4, ...NONE, '-'])).toBe(0);
    expect(calls()).toContain('wicked ifup ens192');
    expect(read('etc/sysconfig/network/config')).toBe('A="b"\n');
  });
});

describe('a static IPv6 address of a Linux guest', () => {
  const networkManager = (): void => {
    program('systemctl', '[ "$3" = NetworkManager ]');
    program('nmcli');
  };
  const NMCLI = 'ifname ens192 connection.autoconnect-priority 100';
  const cases: readonly (readonly [string, () => void, () => string, string, string])[] = [
    [
      'NetworkManager',
      networkManager,
      calls,
      `${NMCLI} ipv4.method manual ipv4.addresses 10.7.0.15/24 ipv4.gateway 10.7.0.1 ipv4.dns 10.7.0.2 ipv6.method manual ipv6.addresses 2001:db8::15/64 ipv6.gateway fe80::1 ipv6.dns 2001:db8::2\n`,
      `${NMCLI} ipv6.method manual ipv6.addresses 2001:db8::15/64 ipv6.gateway fe80::1 ipv6.dns 2001:db8::2\n`,
    ],
    [
      'netplan',
      () => {
        file('etc/netplan/x');
        program('netplan');
      },
      () => read('etc/netplan/99-azure-failback-ens192.yaml'),
      `      dhcp4: false\n      dhcp6: false\n      addresses: [10.7.0.15/24, '2001:db8::15/64']\n      routes: [{to: 0.0.0.0/0, via: 10.7.0.1}, {to: '::/0', via: 'fe80::1'}]\n      nameservers: {addresses: ['10.7.0.2','2001:db8::2']}\n`,
      `      dhcp4: true\n      dhcp6: false\n      addresses: ['2001:db8::15/64']\n      routes: [{to: '::/0', via: 'fe80::1'}]\n      nameservers: {addresses: ['2001:db8::2']}\n`,
    ],
    [
      'systemd-networkd',
      () => {
        file('etc/systemd/network/x');
        program('systemctl', '[ "$3" = systemd-networkd ] || [ "$1" = restart ]');
      },
      () => read('etc/systemd/network/05-azure-failback-ens192.network'),
      'DHCP=no\nAddress=10.7.0.15/24\nGateway=10.7.0.1\nAddress=2001:db8::15/64\nGateway=fe80::1\nDNS=10.7.0.2\nDNS=2001:db8::2\n',
      'DHCP=ipv4\nAddress=2001:db8::15/64\nGateway=fe80::1\nDNS=2001:db8::2\n',
    ],
    [
      'wicked',
      () => {
        file('etc/sysconfig/network/config');
        program('wicked');
        program('netconfig');
      },
      () =>
        read('etc/sysconfig/network/ifcfg-ens192') + read('etc/sysconfig/network/ifroute-ens192'),
      "BOOTPROTO='static'\nIPADDR='10.7.0.15/24'\nIPADDR_6='2001:db8::15/64'\ndefault 10.7.0.1 - ens192\ndefault fe80::1 - ens192\n",
      "BOOTPROTO='dhcp4'\nIPADDR_6='2001:db8::15/64'\ndefault fe80::1 - ens192\n",
    ],
    [
      'the files of Red Hat',
      () => file('etc/sysconfig/network-scripts/x'),
      () => read('etc/sysconfig/network-scripts/ifcfg-ens192'),
      'BOOTPROTO=none\nIPADDR=10.7.0.15\nPREFIX=24\nGATEWAY=10.7.0.1\nIPV6INIT=yes\nIPV6_AUTOCONF=no\nIPV6ADDR=2001:db8::15/64\nIPV6_DEFAULTGW=fe80::1\nDNS1=10.7.0.2\nDNS2=2001:db8::2\n',
      'BOOTPROTO=dhcp\nIPV6INIT=yes\nIPV6_AUTOCONF=no\nIPV6ADDR=2001:db8::15/64\nIPV6_DEFAULTGW=fe80::1\nDNS1=2001:db8::2\n',
    ],
    [
      'the files of Debian',
      () => file('etc/network/interfaces', 'iface ens192 inet6 auto\niface ens192 inet dhcp\n'),
      () => read('etc/network/interfaces') + read('etc/network/interfaces.d/azure-failback-ens192'),
      'inet static\n  address 10.7.0.15/24\n  gateway 10.7.0.1\n  dns-nameservers 10.7.0.2 2001:db8::2\niface ens192 inet6 static\n  address 2001:db8::15/64\n  gateway fe80::1\n',
      '# before azure-failback: iface ens192 inet6 auto\niface ens192 inet dhcp\n',
    ],
  ];

  it.each(cases)('is set beside the other by %s', (_name, arrange, shown, both) => {
    arrange();
    expect(run(STATIC_ADDRESS, BOTH)).toBe(0);
    expect(shown()).toContain(both);
  });

  it.each(cases)('is set alone by %s, and the other stays automatic', (...row) => {
    const [, arrange, shown, , alone] = row;
    arrange();
    expect(run(STATIC_ADDRESS, ONLY_IPV6)).toBe(0);
    expect(shown()).toContain(alone);
  });
});

describe('NetworkManager in a Linux guest', () => {
  it('is enabled where it is installed', () => {
    program('systemctl', 'case $1 in is-*) exit 1;; esac');
    expect(run(NETWORK_MANAGER)).toBe(0);
    expect(calls()).toContain('systemctl enable --now NetworkManager');
  });

  it('is left alone where it runs', () => {
    program('systemctl');
    expect(run(NETWORK_MANAGER)).toBe(NOTHING_TO_DO);
    expect(calls()).not.toContain('enable --now');
  });

  it('is left alone where nothing shows that it was ever used', () => {
    expect(run(NETWORK_MANAGER)).toBe(NOTHING_TO_DO);
    expect(existsSync(join(root, 'etc'))).toBe(false);
  });

  it('is installed again where its connections were left behind', () => {
    file('etc/NetworkManager/system-connections/eth0.nmconnection');
    program('apt-get', `echo 'exit 0' >"${root}/installed"`);
    program('systemctl', `case $1 in cat|is-*) exit 1;; esac`);
    expect(run(NETWORK_MANAGER)).toBe(0);
    expect(calls()).toContain('apt-get install -y network-manager');
    expect(calls()).toContain('systemctl enable --now NetworkManager');
  });

  it('fails when it cannot be installed', () => {
    file('etc/NetworkManager/system-connections/eth0.nmconnection');
    program('apt-get', 'exit 100');
    expect(run(NETWORK_MANAGER)).toBe(1);
  });
});

describe('VMware Tools in a Linux guest', () => {
  it('are enabled where they are, and installed where not', () => {
    program('systemctl');
    program('apt-get');
    expect(run(TOOLS)).toBe(0);
    expect(calls()).toContain('apt-get install -y open-vm-tools');
    program('vmtoolsd');
    rmSync(join(root, 'calls'));
    expect(run(TOOLS)).toBe(0);
    expect(calls()).toBe('systemctl enable --now vmtoolsd\n');
  });
});
