import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import type { GuestAccounts } from '../../../agents/configuration-server/hypervisors/vsphere/guest/guest-accounts.ts';
import type { VmShape } from '../../../shared/contracts/commands.ts';
import { Secret } from '../../../shared/domain/secret.ts';
import type { Fixup } from '../../../shared/ports/hypervisor.ts';
import { describeWith } from '../../peers/peers.ts';
import { untilTrue } from '../../support/control-plane/until.ts';
import { must } from '../../support/must.ts';
import { aVmShape } from '../hypervisor/vms.ts';
import { VsphereFixture } from '../hypervisor/vsphere-fixture.ts';

const READY_SECONDS = 3;
const OWN_VM = 'has-its-own-account';
const GUEST_ACCOUNTS: GuestAccounts = {
  others: { username: 'root', password: new Secret('guest-password') },
  ofVms: new Map([[OWN_VM, { username: 'own', password: new Secret('own-password') }]]),
};
const NETWORK = {
  name: 'Production',
  staticIpAddress: '10.7.0.15',
  prefixLength: 24,
  gateway: '10.7.0.1',
  dnsServers: ['10.7.0.2', '10.7.0.3'],
};

const outcomes = (fixups: readonly Fixup[]): unknown =>
  fixups.map(({ name, outcome }) => [name, outcome]);
/** What a shell program of ours is given behind its script, and the script itself. */
const shellOf = (text: string): { script: string; values: string } => {
  const [, encoded = ''] = /echo (\S+) \|/.exec(text) ?? [];
  const [, values = ''] = /then sh -s -- ?(.*?);/.exec(text) ?? [];
  return { script: Buffer.from(encoded, 'base64').toString(), values };
};
const powerShellOf = (text = ''): string => {
  const encoded = text.split('-EncodedCommand ')[1] ?? '';
  return Buffer.from(encoded, 'base64').toString('utf16le');
};

describeWith('vcenter', 'What the vSphere driver puts right in a guest', () => {
  let site: VsphereFixture;
  beforeAll(async () => {
    site = await VsphereFixture.start({
      guestAccounts: GUEST_ACCOUNTS,
      config: { guestReadySeconds: READY_SECONDS },
    });
  });
  afterEach(async () => {
    await site.peer.setGuests({});
    await site.peer.clearFailures();
  });
  afterAll(async () => site.stop());

  const running = async (
    change: Partial<VmShape> = {},
  ): Promise<{ vmId: string; shape: VmShape }> => {
    const shape = aVmShape(change);
    const vmId = await site.hypervisor.createVm(shape, shape.name, false);
    await site.hypervisor.ensureDisks(vmId, shape.disks);
    await site.hypervisor.powerOn(vmId);
    await untilTrue('its tools run', async () => {
      return (await site.hypervisor.bootEvidence(vmId)).evidence !== null;
    });
    return { vmId, shape };
  };
  const macOf = async (vmId: string): Promise<string> =>
    must((await site.vms.require(vmId)).record.nics[0], 'its card').macAddress;

  it('is its services and the address that each card had before the failover', async () => {
    const { vmId, shape } = await running({ networks: [NETWORK] });
    const fixups = await site.hypervisor.fixGuest(vmId, shape);
    expect(outcomes(fixups)).toEqual([
      ['VMware Tools', 'done'],
      ['NetworkManager', 'done'],
      ['static IP address 10.7.0.15', 'done'],
    ]);
    const { programs } = await site.peer.guestOf(shape.name);
    const shells = programs.map((program) => shellOf(program.arguments));
    expect(programs.map(({ program, owner }) => [program, owner])).toEqual(
      programs.map(() => ['/bin/sh', 'root']),
    );
    expect(shells[1]?.script).toContain('systemctl enable --now NetworkManager');
    const mac = (await macOf(vmId)).toLowerCase();
    expect(shells[2]?.values).toBe(
      `"${mac}" "10.7.0.15" "24" "10.7.0.1" "-" "-" "-" "10.7.0.2 10.7.0.3"`,
    );
  });

  it('is the IPv6 address of a card, beside the other or alone, as guests write it', async () => {
    const ipv6 = { staticIpv6Address: '2001:DB8:0::15', ipv6PrefixLength: 64 };
    const alone = {
      name: 'Production',
      ...ipv6,
      ipv6Gateway: 'FE80::1',
      dnsServers: ['2001:DB8::2'],
    };
    const networks = [{ ...NETWORK, ...ipv6 }, alone];
    const { vmId, shape } = await running({ networks });
    const fixups = await site.hypervisor.fixGuest(vmId, shape);
    expect(outcomes(fixups.slice(2))).toEqual([
      ['static IP address 10.7.0.15, 2001:DB8:0::15', 'done'],
      ['static IP address 2001:DB8:0::15', 'done'],
    ]);
    const { programs } = await site.peer.guestOf(shape.name);
    const values = programs.slice(2).map((program) => shellOf(program.arguments).values);
    expect(values[0]).toContain('"10.7.0.1" "2001:db8::15" "64" "-" "10.7.0.2 10.7.0.3"');
    expect(values[1]).toContain('"-" "-" "-" "2001:db8::15" "64" "fe80::1" "2001:db8::2"');
    const half = [{ ...NETWORK, staticIpv6Address: '2001:db8::15' }];
    const left = await site.hypervisor.fixGuest(vmId, { ...shape, networks: half });
    expect(left.at(-1)).toMatchObject({ outcome: 'deferredToGuest' });
  });

  it('is the tools and the address on Windows, by PowerShell', async () => {
    const { vmId, shape } = await running({ osType: 'Windows', networks: [NETWORK] });
    const fixups = await site.hypervisor.fixGuest(vmId, shape);
    expect(outcomes(fixups)).toEqual([
      ['VMware Tools', 'done'],
      ['static IP address 10.7.0.15', 'done'],
    ]);
    const { programs } = await site.peer.guestOf(shape.name);
    const tools = powerShellOf(programs[0]?.arguments);
    expect(tools).toContain('Set-Service -Name VMTools -StartupType Automatic');
    // They run already, or nobody could start a program: an error for that is none.
    expect(tools).toContain('Start-Service -Name VMTools');
    const script = powerShellOf(programs[1]?.arguments);
    const mac = (await macOf(vmId)).toUpperCase().replaceAll(':', '-');
    expect(script).toContain(`$mac = '${mac}'`);
    expect(script).toContain(`$dns = '10.7.0.2 10.7.0.3'`);
    expect(script).toContain(`$prefix = '24'`);
    expect(script).toContain(`$address6 = ''`);
    expect(programs[1]?.arguments.length).toBeLessThan(8000);
  });

  it('is reported when it fails, and what the guest never had is not needed', async () => {
    const { vmId, shape } = await running({ networks: [NETWORK] });
    const rules = [
      { contains: 'azure-failback NetworkManager', exitCode: 100 },
      { contains: 'azure-failback address', exitCode: 12 },
    ];
    await site.peer.setGuests({ user: 'root', password: 'guest-password', rules });
    const fixups = await site.hypervisor.fixGuest(vmId, shape);
    expect(outcomes(fixups)).toEqual([
      ['VMware Tools', 'done'],
      ['NetworkManager', 'notNeeded'],
      ['static IP address 10.7.0.15', 'failed'],
    ]);
    expect(fixups[2]?.detail).toBe('It ended with 12. Set 10.7.0.15 in the guest, on Production.');
  });

  it('is refused to a wrong password, without stopping anything', async () => {
    const { vmId, shape } = await running();
    await site.peer.setGuests({ user: 'root', password: 'another' });
    const refused = await site.hypervisor.fixGuest(vmId, shape);
    expect(refused[0]).toMatchObject({ outcome: 'failed' });
    expect(refused[0]?.detail).toContain('InvalidGuestLogin');
    expect(refused[1]?.detail).toContain('InvalidGuestLogin');
  });

  it('is not tried so often with a wrong password that the account is locked', async () => {
    const { vmId, shape } = await running();
    await site.peer.setGuests({ user: 'root', password: 'another' });
    const attempts = async (): Promise<number> =>
      (await site.peer.calls())['StartProgramInGuest'] ?? 0;
    const before = await attempts();
    await site.hypervisor.fixGuest(vmId, shape);
    expect((await attempts()) - before).toBe(3);
  });

  it('is done all the same when the guest refuses a right password at first', async () => {
    const { vmId, shape } = await running();
    const fault = { action: 'fault', kind: 'InvalidGuestLogin', times: 2 } as const;
    await site.peer.addFailure({ method: 'StartProgramInGuest', ...fault });
    expect((await site.hypervisor.fixGuest(vmId, shape))[0]).toMatchObject({ outcome: 'done' });
  });

  it('waits for tools that do not run yet, and then for programs to be taken', async () => {
    const shape = aVmShape({ networks: [NETWORK] });
    const vmId = await site.hypervisor.createVm(shape, shape.name, false);
    await site.peer.setGuests({ bootMs: 300, readyMs: 300 });
    await site.hypervisor.powerOn(vmId);
    const fixups = await site.hypervisor.fixGuest(vmId, shape);
    expect(fixups.map(({ outcome }) => outcome)).toEqual(['done', 'done', 'done']);
  });

  it('is done when the tools come and go', async () => {
    const { vmId, shape } = await running();
    const fault = { action: 'fault', kind: 'GuestOperationsUnavailable', times: 1 } as const;
    await site.peer.addFailure({ method: 'StartProgramInGuest', ...fault });
    await site.peer.addFailure({ method: 'ListProcessesInGuest', ...fault });
    const fixups = await site.hypervisor.fixGuest(vmId, shape);
    expect(fixups.slice(0, 2).map(({ outcome }) => outcome)).toEqual(['done', 'done']);
    const { programs } = await site.peer.guestOf(shape.name);
    expect(programs.filter((each) => each.arguments.includes('VMware Tools'))).toHaveLength(1);
  });

  it('is left to people when the tools never take programs', async () => {
    const { vmId, shape } = await running();
    await site.hypervisor.powerOff(vmId, false);
    await site.peer.setGuests({ readyMs: 60_000 });
    await site.hypervisor.powerOn(vmId);
    const [tools] = await site.hypervisor.fixGuest(vmId, shape);
    expect(tools).toMatchObject({ outcome: 'deferredToGuest' });
    expect(tools?.detail).toContain('did not take programs in 3 seconds');
  });

  it('is done with the account of the VM where it has one of its own', async () => {
    const { vmId, shape } = await running({ name: OWN_VM });
    await site.peer.setGuests({ user: 'own', password: 'own-password' });
    expect((await site.hypervisor.fixGuest(vmId, shape))[0]).toMatchObject({ outcome: 'done' });
    expect((await site.peer.guestOf(OWN_VM)).programs[0]?.owner).toBe('own');
  });

  it('is left to people while the VM is off, and without what the address needs', async () => {
    const networks = [{ name: 'Production', staticIpAddress: '10.7.0.16' }];
    const { vmId, shape } = await running({ networks });
    const [, , address] = await site.hypervisor.fixGuest(vmId, shape);
    expect(address).toMatchObject({ outcome: 'deferredToGuest' });
    expect(address?.detail).toContain('prefix length was not recorded');
    await site.hypervisor.powerOff(vmId, false);
    const off = await site.hypervisor.fixGuest(vmId, { ...shape, networks: [NETWORK] });
    expect(off.map(({ outcome }) => outcome)).toEqual(off.map(() => 'deferredToGuest'));
    const none = await site.hypervisor.fixGuest(vmId, { ...shape, networks: [] });
    expect(none.at(-1)).toMatchObject({ name: 'static IP address', outcome: 'notNeeded' });
  });
});

describeWith('vcenter', 'A guest without an account', () => {
  it('is left to people, who are told what to do', async () => {
    const site = await VsphereFixture.start();
    try {
      const shape = aVmShape();
      const vmId = await site.hypervisor.createVm(shape, shape.name, false);
      await site.hypervisor.powerOn(vmId);
      await untilTrue('its tools run', async () => {
        return (await site.hypervisor.bootEvidence(vmId)).evidence !== null;
      });
      const [tools] = await site.hypervisor.fixGuest(vmId, shape);
      expect(tools).toMatchObject({ outcome: 'deferredToGuest' });
      expect(tools?.detail).toContain('Install open-vm-tools');
    } finally {
      await site.stop();
    }
  });
});
