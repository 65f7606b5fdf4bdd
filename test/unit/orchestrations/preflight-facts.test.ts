import { describe, expect, it } from '@jest/globals';
import { assembleFacts } from '../../../orchestrations/support/preflight-facts.ts';
import { type CommandOutput, COMMANDS } from '../../../shared/contracts/commands.ts';
import type { PreflightFacts } from '../../../shared/domain/preflight/facts.ts';
import { blockingFindings, runPreflight } from '../../../shared/domain/preflight/run.ts';
import type { FailoverRecord, ProtectedItem } from '../../../shared/domain/protected-item.ts';
import { anItem, NOW } from '../../support/memory/builders.ts';
import { NETWORK } from '../../support/memory/memory-azure.ts';
import { goodAzureVm } from '../../support/preflight/good-facts.ts';

type Site = CommandOutput<'describeSite'>;
type Answers = Parameters<typeof assembleFacts>[0];
type Changes = Omit<Partial<Answers>, 'site'> & {
  readonly item?: Partial<ProtectedItem>;
  readonly site?: Partial<Site> | null;
};

const RECORD: FailoverRecord = {
  vcenterId: 'vcenter-1',
  configurationServer: 'cs1',
  configurationServerAddress: '10.0.0.4',
  isMigrationCompleted: false,
  isNetworkManagerRemoved: false,
};
const LOCAL: Site = COMMANDS.describeSite.output.parse({
  hypervisor: 'local',
  isConnected: true,
  originalVm: { vmId: 'vm-7', powerState: 'off', snapshotCount: 0, diskCount: 2 },
  freeBytes: 1024 ** 4,
  restoresStaticAddresses: true,
  configurationServer: {
    version: '1.0.0',
    address: '10.0.0.4',
    knowsItem: true,
    backup: { kind: 'taken', takenAt: '2026-03-01T11:00:00.000Z' },
    backupSchedule: { kind: 'every', seconds: 86_400 },
  },
  observedAt: NOW,
});
const MASTER_TARGET = COMMANDS.verifyMasterTarget.output.parse({
  version: '1.0.0',
  osType: 'Linux',
  retentionVolume: { freeBytes: 1024 ** 4, isSeparateVolume: true, isWritable: true },
  retentionSeconds: 86_400,
  openReplications: 0,
  attachedDiskCount: 0,
  transferAddress: { host: 'mt1.site.example', port: 9443 },
  linuxPreparation: {
    missingPackages: [],
    customChangesCount: 1,
    isRestartedSince: true,
    hasDiskUuids: true,
  },
  observedAt: NOW,
});
const PROCESS_SERVER = {
  id: 'ps-1',
  name: 'ps1',
  version: '1.0.0',
  address: null,
  heartbeatAt: '2026-03-01T11:59:55.000Z',
  isConnected: true,
};

const RECORDS = {
  configurationServer: null,
  masterTarget: null,
  processServer: null,
  rpoSeconds: 'none',
  changeBytesPerDay: null,
  measuredRate: null,
  otherChangeBytesPerDay: 0,
} as const;

function factsOf({ item, site, records, ...changes }: Changes = {}): PreflightFacts {
  const known = anItem({ azureVmId: 'azure-vm-1', failoverRecord: RECORD, ...item });
  const told = site === null ? null : { told: { ...LOCAL, ...site }, clockSkewSeconds: 0 };
  return assembleFacts({
    operation: 'reprotect',
    originalVm: 'use',
    now: new Date(NOW),
    records: {
      item: known,
      ...RECORDS,
      ...records,
    },
    azure: { vm: goodAzureVm(), network: NETWORK, processServerVm: null },
    site: told,
    masterTarget: { told: MASTER_TARGET, clockSkewSeconds: 0 },
    processServer: null,
    ...changes,
  });
}

const blockersOf = (facts: PreflightFacts): readonly string[] =>
  blockingFindings(runPreflight(facts)).map(({ ruleId }) => ruleId);

/** As a driver tells it that found everything in order. */
const VSPHERE = {
  management: { kind: 'vcenter', vcenterId: 'vcenter-1' },
  hostEdition: 'esx.enterprisePlus',
  canSeeDatastores: true,
  missingPrivileges: [],
  discoveredMasterTargetCount: 1,
  neededHosts: [{ name: 'esx-1', isDiscovered: true }],
  originalVm: {
    biosUuid: 'uuid-vm',
    disks: [
      {
        name: 'disk-0',
        datastore: 'ds-1',
        datastoreType: 'VMFS',
        isRdm: false,
        exists: true,
        isAttached: true,
      },
    ],
  },
  masterTargetVm: {
    hostId: 'esx-1',
    biosUuid: 'uuid-mt',
    snapshotCount: 0,
    diskEnableUuid: 'TRUE',
    hasVmwareTools: true,
    visibleDatastores: ['ds-1'],
  },
};

function vsphereSite(): Partial<Site> {
  const site = { ...LOCAL, hypervisor: 'vsphere', vsphere: VSPHERE };
  const parsed = COMMANDS.describeSite.output.parse(site);
  return { ...parsed, originalVm: parsed.originalVm && { ...parsed.originalVm, firmware: 'efi' } };
}

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

  it('say nothing of where the machine will live while the hypervisor is not connected', () => {
    expect(factsOf({ site: { isConnected: false, originalVm: null } }).location).toBeNull();
  });

  it('show an original VM that is outside of the inventory, and that is registered again', () => {
    const { originalVm } = LOCAL;
    const left = { originalVm: originalVm && { ...originalVm, isRegistered: false } };
    const facts = factsOf({ site: left });
    expect(facts.location).toMatchObject({ kind: 'original', isRegistered: false });
    expect(blockersOf(facts)).toEqual([]);
    expect(runPreflight(facts).map(({ error }) => error.code)).toContain('FB-PRE-075');
    const alternate = factsOf({ site: left, originalVm: 'unregister' }).location;
    expect(alternate).toMatchObject({ kind: 'alternate', leavingOriginal: 'none' });
  });

  it.each([
    ['off', []],
    ['on', ['alternate.leaving-original.is-off']],
  ] as const)('show an original VM that is to leave and is %s', (powerState, blockers) => {
    const { originalVm } = LOCAL;
    // Its snapshots, and all else of it, do not matter then.
    const there = { originalVm: originalVm && { ...originalVm, powerState, snapshotCount: 3 } };
    const facts = factsOf({ site: there, originalVm: 'unregister' });
    expect(facts.location).toMatchObject({ kind: 'alternate', leavingOriginal: powerState });
    expect(blockersOf(facts)).toEqual(blockers);
  });

  it('refuse a physical machine as the target, whatever the site tells or does not tell', () => {
    const { target } = anItem();
    const item = { target: { ...target, kind: 'physicalMachine' as const } };
    for (const site of [{}, null]) {
      const facts = factsOf({ item, site });
      expect(facts.location).toEqual({ kind: 'physicalMachine' });
      expect(blockersOf(facts)).toContain('physical.target-is-virtual');
    }
    const virtual = { target: { ...target, kind: 'virtualMachine' as const } };
    expect(factsOf({ item: virtual }).location).toMatchObject({ kind: 'original' });
  });

  it.each([
    ['is off', {}, { hasSeed: true, originalSnapshotCount: 0 }],
    ['runs', { powerState: 'on' }, { hasSeed: false }],
    ['has no disks', { diskCount: 0 }, { hasSeed: false }],
    ['has snapshots', { snapshotCount: 2 }, { hasSeed: false, originalSnapshotCount: 2 }],
    [
      'is outside of the inventory',
      { isRegistered: false, snapshotCount: 2 },
      { hasSeed: false, originalSnapshotCount: 0 },
    ],
  ] as const)('are of a new VM for a rehearsal when the original %s', (_what, change, expected) => {
    const { originalVm } = LOCAL;
    const site = { originalVm: originalVm && { ...originalVm, ...change } };
    const facts = factsOf({ operation: 'rehearsal', site, originalVm: 'unregister' });
    expect(facts.location).toMatchObject({ kind: 'rehearsal', ...expected });
    const isBlocked = 'snapshotCount' in change && !('isRegistered' in change);
    expect(blockersOf(facts)).toEqual(isBlocked ? ['site.target-vm.no-snapshots'] : []);
  });

  it('block a rehearsal without room for its copies, and not for what only an OLR needs', () => {
    const [disk] = VSPHERE.originalVm.disks;
    const special = { ...disk, datastore: 'ds-far', datastoreType: 'vSAN', isAttached: false };
    const placement = {
      hostId: 'esx-1',
      hostName: 'esx-1',
      datastore: 'ds-1',
      datastoreType: 'VMFS',
      usesRdm: false,
      isNameTaken: false,
    };
    const originalVm = { biosUuid: 'uuid-mt', disks: [special] };
    const site = COMMANDS.describeSite.output.parse({
      ...LOCAL,
      hypervisor: 'vsphere',
      originalVm: { ...LOCAL.originalVm, firmware: 'bios' },
      vsphere: { ...VSPHERE, placement, originalVm },
    });
    expect(blockersOf(factsOf({ site })).length).toBeGreaterThan(3);
    expect(blockersOf(factsOf({ site, operation: 'rehearsal' }))).toEqual([]);
    const full = { ...site, freeBytes: 1 };
    expect(blockersOf(factsOf({ site: full, operation: 'rehearsal' }))).toEqual([
      'site.datastore.free-space',
    ]);
    expect(blockersOf(factsOf({ site: { ...site, freeBytes: 1 } }))).not.toContain(
      'site.datastore.free-space',
    );
  });

  it('tell what was measured and what limits the process server', () => {
    const measuredRate = { of: 'machine', bytesPerSecond: 1e6 } as const;
    const records = { ...RECORDS, item: anItem(), measuredRate };
    expect(factsOf({ records }).protection.measuredRate).toEqual(measuredRate);
    expect(factsOf().protection.measuredRate).toBeNull();
  });

  it('do not hold against a record of an earlier version what nobody was asked for then', () => {
    const { azureVmId: _id, failoverRecord: _record, ...item } = anItem();
    const facts = factsOf({ records: { ...RECORDS, item } });
    expect(facts.notGathered).toContain('protection.isMigrationCompleted');
    expect(blockersOf(facts)).toEqual([]);
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
    expect(factsOf({ site }).configurationServer?.knowsItem).toBe(true);
    const prepared = factsOf({ site, item: { onPremisesVmId: 'vm-7' } });
    expect(prepared.configurationServer?.knowsItem).toBe(false);
    expect(blockersOf(prepared)).toHaveLength(1);
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
    isPort443Reachable: true,
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
        isPort443Reachable: true,
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
