import { describe, expect, it } from '@jest/globals';
import {
  chooseMasterTarget,
  describeChoice,
  type MasterTargetCandidate,
  type MasterTargetLoad,
  type MasterTargetNeeds,
} from '../../../../shared/domain/choose-master-target.ts';

const GIB = 1024 ** 3;
const LOAD: MasterTargetLoad = {
  osType: 'Linux',
  openReplications: 1,
  attachedDiskCount: 4,
  retentionFreeBytes: 100 * GIB,
};
const VM = {
  kind: 'vm',
  hostName: 'esx-1',
  isHostConnected: true,
  ownDiskCount: 2,
  visibleDatastores: ['ds-a', 'ds-b'],
  biosUuid: 'bios-mt',
  snapshotCount: 0,
  diskEnableUuid: 'TRUE',
  hasVmwareTools: true,
  isOnVsan: false,
} as const;
const NEEDS: MasterTargetNeeds = {
  osType: 'Linux',
  diskCount: 3,
  configurationServer: 'cs1',
  datastores: ['ds-a'],
  isOnVsan: false,
  biosUuid: 'bios-web',
  programs: [{ name: 'configuration server', version: '1.2.0' }],
};

type Changes = Partial<Omit<MasterTargetCandidate, 'load'>> & {
  readonly load?: Partial<MasterTargetLoad>;
};

function candidate(name: string, { load, ...changes }: Changes = {}): MasterTargetCandidate {
  return {
    name,
    isConnected: true,
    version: '1.2.0',
    load: { ...LOAD, ...load },
    committedDiskCount: 0,
    machine: VM,
    ...changes,
  };
}

function chosenOf(candidates: readonly MasterTargetCandidate[], needs = {}): string | null {
  return chooseMasterTarget(candidates, { ...NEEDS, ...needs }).choice?.name ?? null;
}

/** Why the only candidate does not fit; `null` = it does. */
function obstacle(changes: Changes, needs = {}): string | null {
  const { unfit } = chooseMasterTarget([candidate('mt1', changes)], { ...NEEDS, ...needs });
  return unfit[0]?.reason ?? null;
}

describe('a master target is passed over', () => {
  it.each<[string, Changes, string]>([
    [
      'is silent',
      { isConnected: false, load: { osType: 'Windows' } },
      'it has been silent for too long',
    ],
    [
      'runs the other OS family',
      { load: { osType: 'Windows' } },
      'it runs Windows, the machine Linux',
    ],
    ['is of another site', { load: { configurationServer: 'cs2' } }, 'it belongs to cs2'],
    [
      'is newer than a program it works with',
      { version: '1.2.1' },
      'its version 1.2.1 is newer than 1.2.0 of the configuration server',
    ],
    [
      'has a version that tells nothing',
      { version: 'dev' },
      'its version dev cannot be compared with 1.2.0 of the configuration server',
    ],
    [
      'has no VM that the configuration server knows',
      { machine: null },
      'the configuration server knows no VM in which it runs',
    ],
    [
      'stands on a host that is away',
      { machine: { ...VM, isHostConnected: false } },
      'esx-1 is not connected, or in maintenance mode',
    ],
    [
      'stands on a host of which nothing is known',
      { machine: { ...VM, hostName: null, isHostConnected: null } },
      'its host is not connected, or in maintenance mode',
    ],
    [
      'stands on a host whose datastores are not known',
      { machine: { ...VM, visibleDatastores: null } },
      'esx-1 does not reach the datastore ds-a',
    ],
    ['has snapshots', { machine: { ...VM, snapshotCount: 2 } }, 'its VM has 2 snapshots'],
    [
      'may have snapshots',
      { machine: { ...VM, snapshotCount: null } },
      'it is not known whether its VM has snapshots',
    ],
    [
      'runs without VMware Tools',
      { machine: { ...VM, hasVmwareTools: false } },
      'VMware Tools are not known to run in it',
    ],
    [
      'does not show the UUIDs of its disks',
      { machine: { ...VM, diskEnableUuid: '' } },
      'disk.EnableUUID of its VM is not known to be TRUE',
    ],
    [
      'is another copy of the template of the machine',
      { machine: { ...VM, biosUuid: 'BIOS-WEB' } },
      'its VM has the BIOS UUID of the machine',
    ],
  ])('that %s', (_what, changes, reason) => {
    expect(obstacle(changes)).toBe(reason);
  });

  it('that never told how busy it is', () => {
    const mute = { ...candidate('mt1'), load: null };
    const { choice, unfit } = chooseMasterTarget([mute], NEEDS);
    expect(choice).toBeNull();
    expect(unfit).toEqual([{ name: 'mt1', reason: 'it does not tell how busy it is' }]);
  });

  it('with every reason there is, each datastore by its name', () => {
    const reason = obstacle(
      { load: { osType: 'Windows' } },
      { datastores: ['ds-a', 'ds-c', 'ds-d'] },
    );
    expect(reason).toBe(
      'it runs Windows, the machine Linux; esx-1 does not reach the datastore ds-c; esx-1 does not reach the datastore ds-d',
    );
  });
});

describe('disks on vSAN', () => {
  const reason = 'disks may lie on vSAN, and its VM does not';

  it.each([
    ['on vSAN', true, true, null],
    ['on vSAN', true, false, reason],
    ['on vSAN', true, null, reason],
    ['perhaps on vSAN', null, false, reason],
    ['perhaps on vSAN', null, true, null],
    ['elsewhere', false, false, null],
    ['elsewhere', false, true, null],
  ])('%s (%s) need a master target there (%s): %s', (_where, needed, isOnVsan, expected) => {
    expect(obstacle({ machine: { ...VM, isOnVsan } }, { isOnVsan: needed })).toBe(expected);
  });

  it('go through the busier master target when only that lies there', () => {
    const idle = candidate('mt1', { load: { attachedDiskCount: 0 } });
    const busy = candidate('mt2', { machine: { ...VM, isOnVsan: true } });
    expect(chosenOf([idle, busy], { isOnVsan: true })).toBe('mt2');
    expect(chosenOf([idle, busy])).toBe('mt1');
  });
});

describe('the limits of a master target', () => {
  it.each<[string, number, Changes, boolean]>([
    ['its own and those attached fill it exactly', 54, {}, true],
    ['one more', 55, {}, false],
    ['those on their way fill it exactly', 50, { committedDiskCount: 8 }, true],
    ['one more on its way', 50, { committedDiskCount: 9 }, false],
    ['attached ones that are on their way count once', 54, { committedDiskCount: 4 }, true],
    ['a program in the lab has no disks of its own', 56, { machine: { kind: 'program' } }, true],
  ])('60 disks: %s', (_what, diskCount, changes, fits) => {
    expect(obstacle(changes, { diskCount }) === null).toBe(fits);
  });

  it('names what it holds and what is needed', () => {
    expect(obstacle({}, { diskCount: 55 })).toBe(
      'it holds 6 disks and can hold 60; the machine has 55',
    );
  });

  it.each([
    [GIB, true],
    [GIB - 1, false],
  ])('a retention volume with %d bytes free fits: %s', (retentionFreeBytes, fits) => {
    expect(obstacle({ load: { retentionFreeBytes } }) === null).toBe(fits);
  });

  it('an older version fits, for it is updated last', () => {
    expect(obstacle({ version: '1.1.9' })).toBeNull();
  });
});

describe('of several that fit', () => {
  it.each<[string, Changes, Changes]>([
    ['fewer disks', { load: { attachedDiskCount: 5 } }, {}],
    ['fewer disks on their way', { committedDiskCount: 5 }, {}],
    ['fewer open replications', { load: { openReplications: 2 } }, {}],
    ['more room on the retention volume', { load: { retentionFreeBytes: 99 * GIB } }, {}],
    [
      'fewer disks, even with less room and more replications',
      { load: { attachedDiskCount: 5 } },
      { load: { openReplications: 9, retentionFreeBytes: GIB } },
    ],
  ])('the one with %s is chosen', (_what, worse, better) => {
    const both = [candidate('mt1', worse), candidate('mt2', better)];
    expect(chosenOf(both)).toBe('mt2');
    expect(chosenOf(both.toReversed())).toBe('mt2');
  });

  it('equals are told apart by their names, whatever their order', () => {
    const both = [candidate('mt2'), candidate('mt1')];
    expect([chosenOf(both), chosenOf(both.toReversed())]).toEqual(['mt1', 'mt1']);
  });

  it('each other one is named with its reason, and one line says it all', () => {
    const candidates = [
      candidate('mt1', { load: { attachedDiskCount: 10 } }),
      candidate('mt2'),
      candidate('mt3', { isConnected: false }),
    ];
    const { choice } = chooseMasterTarget(candidates, NEEDS);
    expect(choice && describeChoice(choice)).toBe(
      'master target mt2 was chosen: the least busy that fits: it holds 6 of 60 disks and 1 open replications' +
        ' · not mt1: it fits, but it holds 12 of 60 disks and 1 open replications' +
        ' · not mt3: it has been silent for too long',
    );
  });

  it('the only one that fits says so', () => {
    const { choice } = chooseMasterTarget([candidate('mt1')], NEEDS);
    expect(choice?.why).toBe(
      'the only one that fits: it holds 6 of 60 disks and 1 open replications',
    );
  });
});

it('without any there is no choice, and nobody to name', () => {
  expect(chooseMasterTarget([], NEEDS)).toEqual({ choice: null, unfit: [] });
});
