import { describe, expect, it } from '@jest/globals';
import type { PreflightFacts } from '../../../../../shared/domain/preflight/facts.ts';
import { RULES } from '../../../../../shared/domain/preflight/rules/index.ts';
import {
  blockingFindings,
  runPreflight,
  runRule,
} from '../../../../../shared/domain/preflight/run.ts';
import { PREFLIGHT_ERRORS } from '../../../../../shared/errors/areas/preflight.ts';
import { must } from '../../../../support/must.ts';
import { AFTER_RETURN_CASES } from '../../../../support/preflight/cases/after-return.ts';
import { CONFIGURATION_SERVER_CASES } from '../../../../support/preflight/cases/configuration-server.ts';
import { HYPER_V_CASES } from '../../../../support/preflight/cases/hyper-v.ts';
import { NETWORK_CASES } from '../../../../support/preflight/cases/network.ts';
import { PHYSICAL_CASES } from '../../../../support/preflight/cases/physical.ts';
import { ALTERNATE_CASES } from '../../../../support/preflight/cases/alternate.ts';
import { AZURE_DISK_CASES } from '../../../../support/preflight/cases/azure-disk.ts';
import { AZURE_VM_CASES } from '../../../../support/preflight/cases/azure-vm.ts';
import { MASTER_TARGET_CASES } from '../../../../support/preflight/cases/master-target.ts';
import { ORIGINAL_CASES } from '../../../../support/preflight/cases/original.ts';
import { SITE_CASES } from '../../../../support/preflight/cases/site.ts';
import {
  alternateOnVcenter,
  hyperV,
  lab,
  originalOnHost,
  originalOnVcenter,
  physicalServer,
  rehearsalOnVcenter,
} from '../../../../support/preflight/good-facts.ts';
import { factsWith, ruleOf } from '../../../../support/preflight/rule-cases.ts';

const CASES = [
  ...AZURE_VM_CASES,
  ...AZURE_DISK_CASES,
  ...NETWORK_CASES,
  ...CONFIGURATION_SERVER_CASES,
  ...SITE_CASES,
  ...HYPER_V_CASES,
  ...PHYSICAL_CASES,
  ...ORIGINAL_CASES,
  ...ALTERNATE_CASES,
  ...MASTER_TARGET_CASES,
  ...AFTER_RETURN_CASES,
];
/** Codes of preflight that no rule has: they speak about the run as a whole. */
const CODES_OF_THE_RUN = ['FB-PRE-001', 'FB-PRE-002', 'FB-PRE-003'];

type Base = () => PreflightFacts;

const named = (bases: readonly Base[]): (readonly [string, Base])[] =>
  bases.map((base) => [base.name, base]);

const BASES = [originalOnVcenter, alternateOnVcenter, originalOnHost, physicalServer, hyperV, lab];

/** Only what our own tables always hold is there: where it came from, its OS, what was chosen. */
function nothingKnown(base: Base): PreflightFacts {
  const { protection } = base();
  const { origin, osType, chosenConfigurationServerId, isPrepared } = protection;
  const noneOf = (facts: object): object =>
    Object.fromEntries(Object.keys(facts).map((key) => [key, null]));
  return {
    ...(noneOf(base()) as PreflightFacts),
    protection: {
      ...(noneOf(protection) as typeof protection),
      origin: { ...noneOf(origin), kind: origin.kind } as typeof origin,
      osType,
      chosenConfigurationServerId,
      isPrepared,
    },
    notGathered: [],
  };
}

describe('the table of preflight rules', () => {
  it('gives each rule an id, a code and a sentence of its own', () => {
    for (const own of ['id', 'errorCode', 'statement'] as const) {
      const values = RULES.map((rule) => rule[own]);
      expect(values.filter((value, index) => values.indexOf(value) !== index)).toEqual([]);
    }
    for (const { statement } of RULES) expect(statement).toMatch(/^(?:[A-Z]|vSAN).*[.]$/);
  });

  it('has for every rule cases in which it passes, is violated, and lacks a fact', () => {
    expect(CASES.map(({ rule }) => rule).toSorted()).toEqual(RULES.map(({ id }) => id).toSorted());
    const halves = CASES.filter(({ violated, unknown }) => !violated.length || !unknown.length);
    expect(halves).toEqual([]);
  });

  it('leaves no code of preflight unused', () => {
    const codes = [...CODES_OF_THE_RUN, ...CASES.map(({ code }) => code)];
    expect(codes.toSorted()).toEqual(Object.keys(PREFLIGHT_ERRORS).toSorted());
  });
});

describe('preflight', () => {
  it.each([originalOnVcenter, originalOnHost, lab])(
    'finds nothing when all is well (%p)',
    (base) => {
      expect(runPreflight(base())).toEqual([]);
    },
  );

  it.each(named([alternateOnVcenter, physicalServer, hyperV, rehearsalOnVcenter]))(
    'announces place and download of a new VM, and nothing else (%s)',
    (_name, base) => {
      const found = runPreflight(base()).map(({ ruleId, severity }) => [ruleId, severity]);
      const place = ['location.new-vm.announced', 'info'];
      const download = ['location.full-download', 'info'];
      const isSeeded = base === rehearsalOnVcenter;
      expect(found).toEqual([...(base === hyperV ? [] : [place]), ...(isSeeded ? [] : [download])]);
    },
  );

  it.each(named(BASES))('lets no rule pass when nothing is known (%s)', (_name, base) => {
    const verdicts = RULES.map((rule) => ({ id: rule.id, ...rule.check(nothingKnown(base)) }));
    const passing = verdicts.filter((verdict) => verdict.applies && verdict.missing.length === 0);
    expect(passing).toEqual([]);
    expect(blockingFindings(runPreflight(nothingKnown(base))).length).toBeGreaterThan(30);
  });

  it('leaves warnings out of what stands in the way', () => {
    const [finding] = runPreflight(nothingKnown(lab));
    expect(blockingFindings([{ ...must(finding, 'a finding'), severity: 'warning' }])).toEqual([]);
    expect(blockingFindings([must(finding, 'a finding')])).toHaveLength(1);
  });

  it('reports every disk that stands in the way, and that another could not be read', () => {
    const facts = factsWith(originalOnVcenter, {
      'azureVm.disks.0.isShared': true,
      'azureVm.disks.1.isShared': null,
    });
    const findings = runRule(ruleOf('azure.disk.not-shared'), facts);
    expect(findings.map(({ error }) => [error.code, error.values])).toEqual([
      ['FB-PRE-021', { needed: false, actual: true, diskName: 'web-01-os' }],
      [
        'FB-PRE-001',
        {
          ruleId: 'azure.disk.not-shared',
          missing: 'azureVm.disks.isShared',
          remedy: 'Make what is missing readable (connection, permissions).',
        },
      ],
    ]);
  });
});

describe('a fact that nobody asked for', () => {
  const rule = ruleOf('azure.vm.not-locked');
  const unread = { 'azureVm.locks': null };

  it.each(['azureVm.locks', 'azureVm'])('is said and does not block (%s)', (name) => {
    const facts = factsWith(originalOnVcenter, { ...unread, notGathered: [name] });
    expect(runRule(rule, facts)).toMatchObject([
      { severity: 'info', error: { code: 'FB-PRE-003', values: { missing: 'azureVm.locks' } } },
    ]);
  });

  it.each(['azureVm.lock', 'site', 'azureVm.locks.names'])('is not hidden by %s', (name) => {
    const facts = factsWith(originalOnVcenter, { ...unread, notGathered: [name] });
    expect(runRule(rule, facts)).toMatchObject([
      { severity: 'blocking', error: { code: 'FB-PRE-001' } },
    ]);
  });

  it('does not hide one that was asked for and is violated', () => {
    const facts = factsWith(originalOnVcenter, {
      'azureVm.locks': ['keep'],
      notGathered: ['azureVm.locks'],
    });
    expect(runRule(rule, facts)).toMatchObject([{ error: { code: 'FB-PRE-012' } }]);
  });
});

describe('facts that do not fit together', () => {
  const other = { kind: 'local' };

  it.each([
    ['original.disks.attached', originalOnVcenter, 'location.storage', other],
    ['alternate.name.free', alternateOnVcenter, 'location.storage', other],
    ['hyperv.switch.same-name', hyperV, 'location.storage', other],
    ['master-target.vm.no-snapshots', originalOnVcenter, 'masterTarget.machine', other],
    ['process-server.network', originalOnVcenter, 'processServer.location', other],
    ['master-target.version.not-newer', originalOnVcenter, 'processServer.version', 'nightly'],
    ['azure.disk.not-shared', originalOnVcenter, 'azureVm.disks', []],
  ])('are unknown to %s, and do not pass for facts that do not apply', (id, base, path, value) => {
    const findings = runRule(ruleOf(id), factsWith(base, { [path]: value }));
    expect(findings).toMatchObject([
      { severity: 'blocking', error: { code: 'FB-PRE-001', values: { missing: path } } },
    ]);
  });
});
