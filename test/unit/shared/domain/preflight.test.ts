import { describe, expect, it } from '@jest/globals';
import type { PreflightFacts } from '../../../../shared/domain/preflight/facts.ts';
import { type PreflightRule, runRule } from '../../../../shared/domain/preflight/rule.ts';
import { RULES } from '../../../../shared/domain/preflight/rules/index.ts';
import { blockingFindings, runPreflight } from '../../../../shared/domain/preflight/run.ts';
import { MIN_RETENTION_FREE_BYTES } from '../../../../shared/policy/limits.ts';
import { goodFacts } from '../../../support/memory/builders.ts';

type Facts = { -readonly [K in keyof PreflightFacts]: PreflightFacts[K] };
type Section<K extends 'azureVm' | 'site' | 'masterTarget'> = NonNullable<PreflightFacts[K]>;

const vm = (changes: Partial<Section<'azureVm'>>) => (facts: Facts) => {
  facts.azureVm = { ...facts.azureVm!, ...changes };
};
const site = (changes: Partial<Section<'site'>>) => (facts: Facts) => {
  facts.site = { ...facts.site!, ...changes };
};
const target = (changes: Partial<Section<'masterTarget'>>) => (facts: Facts) => {
  facts.masterTarget = { ...facts.masterTarget!, ...changes };
};
/** Changes the second disk only: a rule must look at every one. */
const dataDisk = (changes: Partial<Section<'azureVm'>['disks'][number]>) => (facts: Facts) => {
  const [os, data] = facts.azureVm!.disks;
  facts.azureVm = { ...facts.azureVm!, disks: [os!, { ...data!, ...changes }] };
};
const without = (section: 'azureVm' | 'site' | 'masterTarget') => (facts: Facts) => {
  facts[section] = null;
};

type Change = (facts: Facts) => void;
interface RuleCase {
  readonly ruleId: string;
  readonly code: string;
  /** Situations in which the rule finds something, with the values compared. */
  readonly violated: readonly (readonly [string, Change, Record<string, unknown>])[];
  /** Situations at the border in which it does not. */
  readonly fine: readonly (readonly [string, Change])[];
  /** Every way in which the fact can be missing. */
  readonly unknown: readonly (readonly [string, Change])[];
}

const MIB = 1024 ** 2;
const noVm = ['nothing was learnt from Azure', without('azureVm')] as const;
const noSite = ['nothing was learnt from the site', without('site')] as const;
const noTarget = ['nothing was learnt from the master target', without('masterTarget')] as const;

const CASES: readonly RuleCase[] = [
  {
    ruleId: 'azure.vm.exists',
    code: 'FB-PRE-010',
    violated: [['the VM is gone', vm({ exists: false }), {}]],
    fine: [['the VM is stopped', vm({ powerState: 'deallocated' })]],
    unknown: [noVm],
  },
  {
    ruleId: 'azure.vm.not-confidential',
    code: 'FB-PRE-011',
    violated: [['the VM is confidential', vm({ isConfidential: true }), {}]],
    fine: [],
    unknown: [noVm, ['it is not known', vm({ isConfidential: null })]],
  },
  {
    ruleId: 'azure.vm.not-locked',
    code: 'FB-PRE-012',
    violated: [['there are locks', vm({ locks: ['a', 'b'] }), { locks: 'a, b' }]],
    fine: [],
    unknown: [noVm, ['locks could not be read', vm({ locks: null })]],
  },
  {
    ruleId: 'azure.disk.not-ade-encrypted',
    code: 'FB-PRE-020',
    violated: [
      ['one disk is encrypted', dataDisk({ isAdeEncrypted: true }), { diskName: 'web-01-data' }],
    ],
    fine: [],
    unknown: [noVm, ['one disk is not known', dataDisk({ isAdeEncrypted: null })]],
  },
  {
    ruleId: 'azure.disk.not-shared',
    code: 'FB-PRE-021',
    violated: [['one disk is shared', dataDisk({ isShared: true }), { diskName: 'web-01-data' }]],
    fine: [],
    unknown: [noVm, ['one disk is not known', dataDisk({ isShared: null })]],
  },
  {
    ruleId: 'azure.disk.not-ephemeral',
    code: 'FB-PRE-022',
    violated: [
      ['one disk is ephemeral', dataDisk({ isEphemeral: true }), { diskName: 'web-01-data' }],
    ],
    fine: [],
    unknown: [noVm, ['one disk is not known', dataDisk({ isEphemeral: null })]],
  },
  {
    ruleId: 'azure.disk.export-allowed',
    code: 'FB-PRE-023',
    violated: [
      [
        'export is denied',
        dataDisk({ networkAccessPolicy: 'DenyAll' }),
        { diskName: 'web-01-data' },
      ],
    ],
    fine: [['export is private', dataDisk({ networkAccessPolicy: 'AllowPrivate' })]],
    unknown: [noVm, ['the policy is not known', dataDisk({ networkAccessPolicy: null })]],
  },
  {
    ruleId: 'site.hypervisor.connected',
    code: 'FB-PRE-030',
    violated: [['the hypervisor is away', site({ isConnected: false }), {}]],
    fine: [],
    unknown: [noSite],
  },
  {
    ruleId: 'site.hypervisor.same-family',
    code: 'FB-PRE-031',
    violated: [
      [
        'a VMware machine should go to Hyper-V',
        site({ hypervisor: 'hyperv' }),
        { origin: 'VMware', hypervisor: 'hyperv' },
      ],
      [
        'a Hyper-V machine should go to VMware',
        (facts) => {
          facts.origin = 'HyperV';
        },
        { origin: 'HyperV', hypervisor: 'vsphere' },
      ],
      [
        'a physical machine should go to Hyper-V',
        (facts) => {
          facts.origin = 'Physical';
          site({ hypervisor: 'hyperv' })(facts);
        },
        { origin: 'Physical', hypervisor: 'hyperv' },
      ],
    ],
    fine: [
      [
        'a physical machine becomes virtual on VMware',
        (facts) => {
          facts.origin = 'Physical';
        },
      ],
      [
        'Hyper-V goes to Hyper-V',
        (facts) => {
          facts.origin = 'HyperV';
          site({ hypervisor: 'hyperv' })(facts);
        },
      ],
    ],
    unknown: [noSite],
  },
  {
    ruleId: 'site.target-vm.no-snapshots',
    code: 'FB-PRE-032',
    violated: [['there is one snapshot', site({ targetSnapshotCount: 1 }), { actual: 1 }]],
    fine: [],
    unknown: [noSite, ['the count is not known', site({ targetSnapshotCount: null })]],
  },
  {
    ruleId: 'site.datastore.free-space',
    code: 'FB-PRE-033',
    violated: [
      [
        'one byte is missing',
        site({ freeBytes: 96 * MIB - 1 }),
        { neededBytes: 96 * MIB, actualBytes: 96 * MIB - 1 },
      ],
    ],
    fine: [
      ['exactly enough is free', site({ freeBytes: 96 * MIB })],
      ['the original disks are there', site({ freeBytes: 0, hasOriginalVm: true })],
    ],
    unknown: [noSite, noVm, ['free space is not known', site({ freeBytes: null })]],
  },
  {
    ruleId: 'master-target.os.same-family',
    code: 'FB-PRE-040',
    violated: [
      [
        'the master target runs Windows',
        target({ osType: 'Windows' }),
        { needed: 'Linux', actual: 'Windows' },
      ],
    ],
    fine: [],
    unknown: [noTarget],
  },
  {
    ruleId: 'master-target.disks.within-limit',
    code: 'FB-PRE-041',
    violated: [
      ['one slot is missing', target({ attachedDiskCount: 59 }), { needed: 61, limit: 60 }],
    ],
    fine: [['the last two slots are free', target({ attachedDiskCount: 58 })]],
    unknown: [noTarget, noVm],
  },
  {
    ruleId: 'master-target.retention.usable',
    code: 'FB-PRE-042',
    violated: [
      [
        'one byte is missing',
        target({ retentionFreeBytes: MIN_RETENTION_FREE_BYTES - 1 }),
        { actualBytes: MIN_RETENTION_FREE_BYTES - 1, isWritable: true },
      ],
      [
        'the volume is read-only',
        target({ isRetentionWritable: false }),
        { isWritable: false, actualBytes: MIN_RETENTION_FREE_BYTES },
      ],
    ],
    fine: [],
    unknown: [noTarget],
  },
];

function factsAfter(change: Change): PreflightFacts {
  const facts: Facts = { ...goodFacts() };
  change(facts);
  return facts;
}

function ruleOf(id: string): PreflightRule {
  const rule = RULES.find((candidate) => candidate.id === id);
  if (rule === undefined) throw new Error(`there is no rule ${id}`);
  return rule;
}

describe('preflight', () => {
  it('has a case here for every rule, and every rule has an id of its own', () => {
    const ids = RULES.map(({ id }) => id);
    expect(CASES.map(({ ruleId }) => ruleId).toSorted()).toEqual(ids.toSorted());
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('finds nothing when all is well', () => {
    expect(runPreflight(goodFacts())).toEqual([]);
  });

  it('lets nothing pass when nothing is known', () => {
    const unknown = { ...goodFacts(), azureVm: null, site: null, masterTarget: null };
    const findings = blockingFindings(runPreflight(unknown));
    expect(findings.map(({ ruleId }) => ruleId)).toEqual(RULES.map(({ id }) => id));
    expect(new Set(findings.map(({ error }) => error.code))).toEqual(new Set(['FB-PRE-001']));
  });

  it('leaves warnings out of what stands in the way', () => {
    const [finding] = runPreflight({ ...goodFacts(), azureVm: null });
    expect(blockingFindings([{ ...finding!, severity: 'warning' }])).toEqual([]);
    expect(blockingFindings([finding!])).toHaveLength(1);
  });

  it('reports every disk that stands in the way', () => {
    const facts = goodFacts();
    const disks = facts.azureVm!.disks.map((disk) => ({ ...disk, isShared: true }));
    const findings = runPreflight({ ...facts, azureVm: { ...facts.azureVm!, disks } });
    expect(findings.map(({ error }) => error.values)).toEqual([
      { diskName: 'web-01-os' },
      { diskName: 'web-01-data' },
    ]);
  });
});

describe.each(CASES)('$ruleId', ({ ruleId, code, violated, fine, unknown }) => {
  const rule = ruleOf(ruleId);

  it.each(violated)('finds that %s', (_what, change, values) => {
    const findings = runRule(rule, factsAfter(change));
    expect(findings).toMatchObject([{ ruleId, severity: 'blocking', error: { code, values } }]);
    // Every brace of the text was filled in.
    expect(findings[0]?.error.message).not.toMatch(/[{}]/);
    expect(findings[0]?.error.recommendedAction).not.toMatch(/[{}]/);
  });

  it.each([['all is well', () => undefined] as const, ...fine])(
    'passes when %s',
    (_what, change) => {
      expect(runRule(rule, factsAfter(change))).toEqual([]);
    },
  );

  it.each(unknown)('does not pass when %s', (_what, change) => {
    expect(runRule(rule, factsAfter(change))).toMatchObject([
      { ruleId, severity: 'blocking', error: { code: 'FB-PRE-001', values: { ruleId } } },
    ]);
  });
});
