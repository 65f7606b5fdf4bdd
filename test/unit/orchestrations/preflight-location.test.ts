import { describe, expect, it } from '@jest/globals';
import { COMMANDS } from '../../../shared/contracts/commands.ts';
import { runPreflight } from '../../../shared/domain/preflight/run.ts';
import { anItem } from '../../support/memory/builders.ts';
import {
  blockersOf,
  factsOf,
  LOCAL,
  RECORD,
  type Site,
  VSPHERE,
  vsphereSite,
} from '../../support/preflight/told-facts.ts';

describe('the facts of where a machine will live', () => {
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

  const VM_ID = '52aa0000-0000-4000-8000-000000000001';
  const { isOriginalVmGone: _gone, ...UNSAID } = RECORD;

  it.each([
    ['nobody said what became of it', {}, UNSAID, null],
    ['somebody said that it is gone', {}, RECORD, false],
    ['somebody said that it is not gone', {}, { ...UNSAID, isOriginalVmGone: false }, true],
    ['it was looked for by the id that somebody gave', { vmId: VM_ID }, UNSAID, false],
  ] as const)(
    'know whether an original VM exists that was not found: %s',
    (_what, named, failoverRecord, expected) => {
      const { target } = anItem();
      const item = { target: { ...target, ...named }, failoverRecord };
      const facts = factsOf({ item, site: { originalVm: null } });
      expect(facts.location).toMatchObject({ kind: 'alternate', doesOriginalExist: expected });
      const isFree = expected === false;
      expect(blockersOf(facts)).toEqual(isFree ? [] : ['alternate.original-is-gone']);
    },
  );

  it('do not take the loss of a VM that we made for that of the original one', () => {
    const { target } = anItem();
    const item = { target, failoverRecord: UNSAID, onPremisesVmId: 'made-by-us' };
    const site = { originalVm: null };
    const ofOurs = factsOf({ item: { ...item, target: { ...target, vmId: VM_ID } }, site });
    for (const facts of [factsOf({ item, site }), ofOurs]) {
      expect(facts.location).toMatchObject({ doesOriginalExist: null });
      const unknown = runPreflight(facts).find(
        ({ ruleId }) => ruleId === 'alternate.original-is-gone',
      );
      expect(unknown?.error).toMatchObject({ code: 'FB-PRE-001' });
      expect(unknown?.error.recommendedAction).toContain('target.vmId');
    }
  });

  it('know which disks the machine had, by what somebody said of it', () => {
    const site = (match: string): Partial<Site> =>
      COMMANDS.describeSite.output.parse({
        ...LOCAL,
        ...vsphereSite(),
        vsphere: {
          ...VSPHERE,
          originalVm: { ...VSPHERE.originalVm, matches: [{ diskId: 'lun-0', match }] },
        },
      });
    expect(blockersOf(factsOf({ site: site('found') }))).toEqual([]);
    expect(blockersOf(factsOf({ site: site('missing') }))).toEqual(['original.disks.attached']);
    expect(blockersOf(factsOf({ site: site('ambiguous') }))).toEqual(['original.disks.told-apart']);
    const failoverRecord = { ...RECORD, disksAddedInAzure: ['lun-0'] };
    expect(blockersOf(factsOf({ site: site('missing'), item: { failoverRecord } }))).toEqual([]);
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
    const special = {
      ...disk,
      datastore: 'ds-far',
      datastoreType: 'vSAN',
      isDatastoreAccessible: false,
    };
    const placement = {
      hostName: 'esx-1',
      datastore: 'ds-1',
      datastoreType: 'VMFS',
      datastoreHostIds: ['esx-1'],
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
});
