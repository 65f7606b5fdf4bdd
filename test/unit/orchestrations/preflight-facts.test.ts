import { describe, expect, it } from '@jest/globals';
import { COMMANDS } from '../../../shared/contracts/commands.ts';
import { runPreflight } from '../../../shared/domain/preflight/run.ts';
import { anItem, NOW } from '../../support/memory/builders.ts';
import { NETWORK } from '../../support/memory/memory-azure.ts';
import { goodAzureVm } from '../../support/preflight/good-facts.ts';
import { must } from '../../support/must.ts';
import {
  blockersOf,
  type Changes,
  factsOf,
  LOCAL,
  MASTER_TARGET,
  PROCESS_SERVER,
  RECORD,
  RECORDS,
  vsphereSite,
} from '../../support/preflight/told-facts.ts';

const UUIDS = 'master-target.vm.disk-enable-uuid';
const PREPARED = must(MASTER_TARGET.linuxPreparation, 'the preparation of a good master target');

describe('the facts of a run', () => {
  it.each([true, false])('let the lab pass (original VM there: %s)', (hasOriginalVm) => {
    expect(blockersOf(factsOf(hasOriginalVm ? {} : { site: { originalVm: null } }))).toEqual([]);
  });

  it('let a vCenter pass whose driver found everything in order', () => {
    expect(blockersOf(factsOf({ site: vsphereSite() }))).toEqual([]);
  });

  it.each([
    ['vsphere', 'VMware', 'site.account.privileges'],
    ['vsphere', 'Physical', 'alternate.datastore.vmfs-only'],
    // Until there is a driver for Hyper-V, none tells its switches.
    ['hyperv', 'HyperV', 'hyperv.switch.same-name'],
  ] as const)('let no %s site pass whose driver tells nothing (%s)', (hypervisor, origin, id) => {
    const facts = factsOf({ item: { origin }, site: { hypervisor, originalVm: null } });
    expect(blockersOf(facts)).toContain(id);
  });

  it('are unknown, and block, where nobody told them', () => {
    const facts = factsOf({ site: null, azure: null, masterTarget: null });
    expect(facts).toMatchObject({
      azureVm: null,
      azureNetwork: null,
      configurationServer: null,
      site: null,
      location: null,
      masterTarget: null,
      processServer: { kind: 'toBeDeployed', freeSubnetAddressCount: null },
    });
    expect(blockersOf(facts)).toEqual(
      expect.arrayContaining(['azure.vm.exists', 'site.hypervisor.connected']),
    );
  });

  it('tell what was measured and what limits the process server', () => {
    const measuredRate = { of: 'machine', bytesPerSecond: 1e6 } as const;
    const records = { ...RECORDS, item: anItem(), measuredRate };
    expect(factsOf({ records }).protection.measuredRate).toEqual(measuredRate);
    expect(factsOf().protection.measuredRate).toBeNull();
  });

  it('are not there in a record of an earlier version, and block until somebody says them', () => {
    const { azureVmId: _id, failoverRecord: _record, ...item } = anItem();
    const facts = factsOf({ records: { ...RECORDS, item }, site: { originalVm: null } });
    expect(blockersOf(facts)).toEqual([
      'azure.vm.same-machine',
      'azure.vm.migration-not-completed',
      'configuration-server.same-address',
      'site.configuration-server.original',
      'alternate.original-is-gone',
    ]);
    const remedies = runPreflight(facts)
      .filter(({ error }) => error.code === 'FB-PRE-001')
      .map(({ error }) => error.recommendedAction);
    expect(remedies[0]).toMatch(/^Put the protected item again/);
    expect(remedies[1]).toContain('failover.isMigrationCompleted');
    expect(remedies.join(' ')).toContain('failover.configurationServerAddress');
  });

  it('warn where nobody said what the failover did to the guest', () => {
    const { isNetworkManagerRemoved: _removed, ...failoverRecord } = RECORD;
    const facts = factsOf({ item: { failoverRecord }, site: vsphereSite() });
    expect(blockersOf(facts)).toEqual([]);
    const missing = runPreflight(facts).map(({ error }) => error.values['missing']);
    expect(missing).toContain('azureVm.guest.isNetworkManagerRemoved');
    expect(missing).toContain('azureVm.guest.vmwareTools');
  });

  it.each([
    ['the migration was completed', { isMigrationCompleted: true }, 'azure.vm.migration'],
    ['another configuration server is chosen', { configurationServer: 'cs9' }, 'original'],
    ['it has another address', { configurationServerAddress: '10.9.9.9' }, 'address'],
  ])('show when %s', (_what, change, part) => {
    const facts = factsOf({ item: { failoverRecord: { ...RECORD, ...change } } });
    const blockers = blockersOf(facts);
    expect(blockers).toHaveLength(1);
    expect(blockers[0]).toContain(part);
  });

  it('show a configuration server that lost a machine it had prepared, and not before', () => {
    const { configurationServer } = LOCAL;
    const site = {
      configurationServer: configurationServer && { ...configurationServer, knowsItem: false },
    };
    expect(factsOf({ site }).configurationServer?.knowsItem).toBe(false);
    expect(blockersOf(factsOf({ site }))).toEqual([]);
    const prepared = factsOf({ site, item: { onPremisesVmId: 'vm-7' } });
    expect(prepared.configurationServer?.knowsItem).toBe(false);
    expect(blockersOf(prepared)).toHaveLength(1);
  });

  it.each([
    ['shows the UUIDs of its disks', MASTER_TARGET.linuxPreparation, []],
    ['was not off since they were switched on', { ...PREPARED, hasDiskUuids: false }, [UUIDS]],
    ['is of a version that does not tell', { ...PREPARED, hasDiskUuids: null }, [UUIDS]],
  ])('let a master target pass only that shows its disks: one that %s', (_what, told, blockers) => {
    const masterTarget = {
      told: { ...MASTER_TARGET, linuxPreparation: told },
      clockSkewSeconds: 0,
    };
    expect(blockersOf(factsOf({ site: vsphereSite(), masterTarget }))).toEqual(blockers);
  });

  it('count the age of the newest backup from now', () => {
    const { backup } = factsOf().configurationServer ?? {};
    expect(backup).toEqual({ kind: 'taken', ageSeconds: 3600 });
  });

  it('warn of static addresses only where the fix-up does not give them back', () => {
    const interfaces = (restoresStaticAddresses: boolean | null): unknown =>
      factsOf({ site: { restoresStaticAddresses } }).azureVm?.guest.staticInterfaces;
    expect(interfaces(true)).toEqual([{ name: 'VM Network', isAddressRestored: true }]);
    expect(interfaces(false)).toEqual([{ name: 'VM Network', isAddressRestored: false }]);
    expect(interfaces(null)).toBeNull();
    const { target } = anItem();
    const networks = [{ name: 'six', staticIpv6Address: '2001:db8::15' }, { name: 'none' }];
    const six = (network: object): unknown =>
      factsOf({
        item: {
          target: { ...target, networks: networks.map((each) => ({ ...each, ...network })) },
        },
        site: { restoresStaticAddresses: true },
      }).azureVm?.guest.staticInterfaces;
    expect(six({})).toEqual([{ name: 'six', isAddressRestored: false }]);
    expect(six({ ipv6PrefixLength: 64 })).toEqual([{ name: 'six', isAddressRestored: true }]);
  });
});

describe('the process server of a run', () => {
  const azure = {
    vm: goodAzureVm(),
    network: NETWORK,
    processServerVm: { virtualNetworkId: NETWORK.virtualNetworkId },
  };
  const silent = { ...PROCESS_SERVER, isConnected: false, heartbeatAt: '2026-03-01T09:30:00.000Z' };
  const told = COMMANDS.describeProcessServer.output.parse({
    version: '1.0.0',
    isPort9443Reachable: false,
    cpuCount: 4,
    memoryBytes: 8e9,
    cacheBytes: 300e9,
    bandwidthLimitMbps: 200,
    observedAt: NOW,
  });
  const withServer = (processServer: typeof PROCESS_SERVER | null): Changes => ({
    records: { ...RECORDS, item: anItem(), processServer },
  });

  it('is yet to be deployed for a reprotect, and missing for a failover', () => {
    const none = withServer(null);
    expect(factsOf(none).processServer).toEqual({
      kind: 'toBeDeployed',
      freeSubnetAddressCount: NETWORK.freeSubnetAddressCount,
    });
    expect(factsOf({ ...none, operation: 'failover' }).processServer).toEqual({ kind: 'missing' });
  });

  it('that lives is judged by what it tells', () => {
    const processServer = { told, clockSkewSeconds: -90 };
    const site = vsphereSite();
    expect(factsOf({ ...withServer(PROCESS_SERVER), azure, site, processServer })).toMatchObject({
      azureNetwork: { kind: 'azure', connection: { kind: 'siteToSiteVpn' } },
      processServer: {
        kind: 'registered',
        location: { kind: 'azure', virtualNetworkId: NETWORK.virtualNetworkId },
        isPort9443Reachable: false,
        cpuCount: 4,
        bandwidthLimitMbps: 200,
        clockSkewSeconds: -90,
      },
    });
  });

  it('that is silent counts while its machine is there, and is deployed anew when it is not', () => {
    expect(factsOf({ ...withServer(silent), azure }).processServer).toMatchObject({
      kind: 'registered',
      lastHeartbeatAgeSeconds: 9000,
      isPort9443Reachable: null,
    });
    expect(factsOf(withServer(silent)).processServer).toMatchObject({ kind: 'toBeDeployed' });
  });
});
