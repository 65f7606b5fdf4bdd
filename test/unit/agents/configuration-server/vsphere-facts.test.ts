import { DatabaseSync } from 'node:sqlite';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { vsphereFacts } from '../../../../agents/configuration-server/hypervisors/vsphere/site-facts.ts';
import { InventoryTables } from '../../../../agents/configuration-server/inventory-tables.ts';
import type { VsphereFacts } from '../../../../shared/contracts/site-facts.ts';

const AT = '2026-03-01T00:00:00.000Z';
const CONFIG = {
  masterTarget: 'mt',
  masterTargets: {},
  datastore: 'ds-new',
  siteKind: 'vcenter' as const,
};
const SUBJECT = { vmName: 'web', originalVmId: 'uuid-web' };

let tables: InventoryTables;

beforeEach(() => {
  tables = new InventoryTables(new DatabaseSync(':memory:'));
});

const mount = (hostId: string, isWritable = true): object => ({
  hostId,
  isAccessible: true,
  isWritable,
});
const datastore = (id: string, type: string, ...mounts: readonly object[]) =>
  ({
    kind: 'datastore',
    id,
    record: { name: `ds-${id}`, type, isAccessible: true, mounts },
  }) as const;
const machine = (id: string, record: object) => {
  const plain = {
    name: id,
    isTemplate: false,
    hostId: 'host-1',
    disks: [],
    controllers: [],
    snapshots: [],
    settings: {},
    toolsState: 'running',
    biosUuid: `bios-${id}`,
    instanceUuid: `uuid-${id}`,
  };
  return { kind: 'vm', id, record: { ...plain, ...record } } as const;
};

function discovered(masterTarget: object = {}, disk: object = {}): VsphereFacts {
  const flat = { label: 'Hard disk 1', backing: 'flat', datastoreId: 'old', ...disk };
  tables.replaceAll(
    [
      { kind: 'host', id: 'host-1', record: { name: 'esx-1', isConnected: true } as never },
      { kind: 'compute', id: 'c', record: { name: 'cluster', hostIds: ['host-1'] } as never },
      datastore('old', 'VMFS', mount('host-1')),
      datastore('new', 'NFS41', mount('host-1', false)),
      machine('mt', { settings: { 'disk.enableUUID': 'TRUE' }, ...masterTarget }),
      machine('web', { disks: [flat] }),
    ],
    AT,
  );
  return vsphereFacts(tables, CONFIG, SUBJECT);
}

describe('what a vSphere site tells preflight', () => {
  it('is that it is a private cloud of Azure VMware Solution, whose licences nobody reads', () => {
    const server = { apiType: 'VirtualCenter', instanceUuid: 'uuid-1' };
    tables.putFact('server', server, AT);
    expect(vsphereFacts(tables, { ...CONFIG, siteKind: 'avs' }, SUBJECT)).toMatchObject({
      management: { kind: 'vcenter', vcenterId: 'uuid-1', isAvs: true },
      hostEdition: 'azureVmwareSolution',
    });
  });

  it('is that a host by itself was not read yet', () => {
    const facts = vsphereFacts(tables, { ...CONFIG, siteKind: 'esxi' }, SUBJECT);
    expect(facts.management).toEqual({ kind: 'standaloneHost', isDiscoveryFinished: false });
  });

  it('is nothing before it was read', () => {
    expect(vsphereFacts(tables, CONFIG, SUBJECT)).toEqual({
      management: null,
      hostEdition: null,
      canSeeDatastores: null,
      missingPrivileges: null,
      discoveredMasterTargetCount: null,
      neededHosts: null,
      originalVm: null,
      placement: null,
      masterTargets: null,
      masterTargetVm: null,
    });
  });

  it('is the master target, the original VM and the place of a new one', () => {
    expect(discovered()).toMatchObject({
      canSeeDatastores: true,
      discoveredMasterTargetCount: 1,
      neededHosts: [{ name: 'esx-1', isDiscovered: true }],
      masterTargetVm: {
        hostId: 'host-1',
        biosUuid: 'bios-mt',
        snapshotCount: 0,
        diskEnableUuid: 'TRUE',
        hasVmwareTools: true,
        visibleDatastores: ['ds-old'],
      },
      originalVm: {
        biosUuid: 'bios-web',
        disks: [{ name: 'Hard disk 1', datastore: 'ds-old', datastoreType: 'VMFS', isRdm: false }],
      },
      placement: {
        hostName: 'esx-1',
        datastore: 'ds-new',
        datastoreType: 'NFS',
        datastoreHostIds: [],
        isNameTaken: false,
      },
    });
  });

  it('is that the name is taken when another VM on the host has it, and not by the original', () => {
    discovered();
    const isTaken = (subject: object): boolean | null | undefined =>
      vsphereFacts(tables, CONFIG, { vmName: 'web', ...subject }).placement?.isNameTaken;
    expect(isTaken({})).toBe(true);
    expect(isTaken({ originalVmId: 'uuid-other' })).toBe(true);
    expect(isTaken({ originalVmId: 'uuid-web' })).toBe(false);
    // A rehearsal has a name of its own; what an earlier one left behind is used again.
    expect(isTaken({ newVmName: 'web-rehearsal' })).toBe(false);
    const left = { name: 'web-rehearsal', settings: {} };
    tables.apply([{ kind: 'vm', id: 's', changes: machine('s', left).record }], AT);
    expect(isTaken({ newVmName: 'web-rehearsal' })).toBe(true);
    const settings = { 'azureFailback.isIsolated': 'true' };
    tables.apply([{ kind: 'vm', id: 's', changes: { settings } }], AT);
    expect(isTaken({ newVmName: 'web-rehearsal' })).toBe(false);
  });

  it('is the original VM as it was when it left the inventory', () => {
    tables.replaceAll([machine('web', { vmxFile: '[ds-old] web/web.vmx' })], AT);
    discovered();
    tables.apply([{ kind: 'vm', id: 'web', changes: null }], AT);
    const subject = { vmName: 'web', originalVmId: 'uuid-web' };
    expect(vsphereFacts(tables, CONFIG, subject).originalVm).toBeNull();
    tables.replaceAll([machine('web', { vmxFile: '[ds-old] web/web.vmx' })], AT);
    tables.replaceAll([], AT);
    expect(vsphereFacts(tables, CONFIG, subject).originalVm).toMatchObject({
      biosUuid: 'bios-web',
    });
  });

  it('is each master target that is asked for, its own disks told from those it holds', () => {
    const vmxFile = '[ds-old] mt/mt.vmx';
    const held = { vmxFile, disks: [{ file: 'own' }, { file: 'of web' }] };
    discovered(held, { file: 'of web' });
    const config = { ...CONFIG, masterTargets: { mt1: 'mt', mt2: 'nowhere' } };
    const masterTargets = ['mt1', 'mt2', 'mt3'];
    expect(vsphereFacts(tables, config, { ...SUBJECT, masterTargets }).masterTargets).toEqual([
      {
        name: 'mt1',
        hostName: 'esx-1',
        isHostConnected: true,
        ownDiskCount: 1,
        hostId: 'host-1',
        biosUuid: 'bios-mt',
        snapshotCount: 0,
        diskEnableUuid: 'TRUE',
        hasVmwareTools: true,
        isOnVsan: false,
        visibleDatastores: ['ds-old'],
      },
    ]);
  });

  it('has none to choose where the only one was never given a name', () => {
    discovered();
    const subject = { ...SUBJECT, masterTargets: ['mt1'] };
    expect(vsphereFacts(tables, CONFIG, subject).masterTargets).toEqual([]);
  });

  it('is about the master target that is named, and the datastore that is chosen', () => {
    discovered();
    const config = { ...CONFIG, masterTargets: { mt1: 'mt' } };
    const named = { ...SUBJECT, masterTarget: 'mt1', datastore: 'ds-old' };
    const facts = vsphereFacts(tables, config, named);
    expect(facts.masterTargetVm?.biosUuid).toBe('bios-mt');
    expect(facts.placement).toMatchObject({
      datastore: 'ds-old',
      datastoreType: 'VMFS',
      datastoreHostIds: ['host-1'],
    });
    expect(vsphereFacts(tables, config, { ...SUBJECT, masterTarget: 'mt9' })).toMatchObject({
      masterTargetVm: null,
      placement: { hostName: null, isNameTaken: null },
    });
  });

  it('shows raw device mappings, and a datastore that the account does not see', () => {
    const { originalVm } = discovered({}, { backing: 'rdmPhysical', datastoreId: 'hidden' });
    const unseen = { isRdm: true, datastoreType: null, isDatastoreAccessible: null };
    expect(originalVm?.disks).toMatchObject([unseen]);
  });

  it('shows a host in maintenance mode, which is no place for a master target', () => {
    discovered();
    tables.apply([{ kind: 'host', id: 'host-1', changes: { isInMaintenance: true } }], AT);
    const config = { ...CONFIG, masterTargets: { mt1: 'mt' } };
    const subject = { ...SUBJECT, masterTarget: 'mt1', masterTargets: ['mt1'] };
    expect(vsphereFacts(tables, config, subject)).toMatchObject({
      neededHosts: [{ name: 'esx-1', isDiscovered: true, isInMaintenance: true }],
      masterTargets: [{ name: 'mt1', isHostConnected: false }],
    });
  });

  it('misses the privilege for raw device mappings only where the VM has one that can be written', () => {
    const account = { missingPrivileges: ['Network.Assign on lan'], missingForRdm: ['Raw on mt'] };
    tables.putFact('account', account, AT);
    expect(discovered({}, { backing: 'rdmVirtual' }).missingPrivileges).toEqual([
      'Network.Assign on lan',
      'Raw on mt',
    ]);
    expect(discovered({}, { backing: 'flat' }).missingPrivileges).toEqual([
      'Network.Assign on lan',
    ]);
    // As an earlier version left it.
    tables.putFact('account', { missingPrivileges: [] }, AT);
    expect(discovered({}, { backing: 'rdmVirtual' }).missingPrivileges).toBeNull();
    expect(discovered({}, { backing: 'rdmPhysical' }).missingPrivileges).toEqual([]);
  });

  it('shows a host that was not discovered, and tools whose state nobody knows', () => {
    const facts = discovered({ hostId: 'host-9', toolsState: 'unknown', settings: {} });
    expect(facts.neededHosts).toContainEqual({
      name: 'host-9',
      isDiscovered: false,
      isInMaintenance: null,
    });
    expect(facts.masterTargetVm).toMatchObject({ hasVmwareTools: null, diskEnableUuid: '' });
  });

  it.each([
    [
      'vcenter',
      'VirtualCenter',
      { kind: 'vcenter', vcenterId: 'uuid-1', isAvs: false },
      'esx.plus',
    ],
    ['esxi', 'HostAgent', { kind: 'standaloneHost', isDiscoveryFinished: true }, 'esxBasic'],
  ] as const)('knows a %s and its licence', (siteKind, apiType, management, hostEdition) => {
    tables.putFact('server', { apiType, instanceUuid: 'uuid-1' }, AT);
    tables.putFact('account', { missingPrivileges: ['Datastore.Browse'] }, AT);
    const assigned = { 'host-1': { edition: 'esx.plus' } };
    tables.putFact('licences', { all: [{ edition: 'esxBasic' }], assigned }, AT);
    const missingPrivileges = ['Datastore.Browse'];
    discovered();
    const facts = vsphereFacts(tables, { ...CONFIG, siteKind }, SUBJECT);
    expect(facts).toMatchObject({ management, hostEdition, missingPrivileges });
  });
});
