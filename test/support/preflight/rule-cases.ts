import { describe, expect, it } from '@jest/globals';
import type { PreflightFacts } from '../../../shared/domain/preflight/facts.ts';
import type { FindingSeverity, PreflightRule } from '../../../shared/domain/preflight/rule.ts';
import { RULES } from '../../../shared/domain/preflight/rules/index.ts';
import { runRule } from '../../../shared/domain/preflight/run.ts';
import { originalOnVcenter } from './good-facts.ts';

/** What differs from the base, by the path of the fact: `{ 'azureVm.disks.1.isShared': true }`. */
export type Changes = Readonly<Record<string, unknown>>;
type Base = () => PreflightFacts;

export interface RuleCases {
  readonly rule: string;
  readonly code: string;
  readonly severity?: FindingSeverity;
  /** Facts with which all is well; those of an original VM under vCenter unless said otherwise. */
  readonly base?: Base;
  /** Situations in which the rule finds something, with values of its error. */
  readonly violated: readonly (readonly [string, Changes, Readonly<Record<string, unknown>>?])[];
  /** Situations at the border in which it passes. The base always has to pass. */
  readonly passes?: readonly (readonly [string, Changes])[];
  /** Situations in which the rule has nothing to say. */
  readonly doesNotApply?: readonly (readonly [string, Changes | Base])[];
  /** Facts without which it cannot pass, with what has to be changed for them to be looked at. */
  readonly unknown: readonly (string | readonly [string, Changes])[];
}

export function ruleOf(id: string): PreflightRule {
  const rule = RULES.find((candidate) => candidate.id === id);
  if (rule === undefined) throw new Error(`there is no rule ${id}`);
  return rule;
}

export function factsWith(base: Base, changes: Changes): PreflightFacts {
  const facts = structuredClone(base());
  for (const [path, value] of Object.entries(changes)) put(facts, path.split('.'), value);
  return facts;
}

/** A path that does not exist is a mistake of the test, not a fact. */
function put(holder: object, [key = '', ...rest]: readonly string[], value: unknown): void {
  if (!Object.hasOwn(holder, key)) throw new Error(`there is no fact ${key}`);
  const entries = holder as Record<string, unknown>;
  if (rest.length === 0) {
    entries[key] = value;
    return;
  }
  const inner = entries[key];
  if (typeof inner !== 'object' || inner === null) throw new Error(`${key} holds no facts`);
  put(inner, rest, value);
}

/** Names leave out which disk it was: `azureVm.disks.1.isShared` is `azureVm.disks.isShared`. */
export function factNameOf(path: string): string {
  return path.replaceAll(/\.\d+/g, '');
}

export function describeRules(cases: readonly RuleCases[]): void {
  describe.each(cases)('$rule', ({ rule: ruleId, base = originalOnVcenter, ...table }) => {
    const rule = ruleOf(ruleId);
    const severity = table.severity ?? 'blocking';

    it('has the severity and the code of its table', () => {
      expect(rule).toMatchObject({ severity, errorCode: table.code });
    });

    it.each(table.violated)('finds that %s', (_what, changes, values = {}) => {
      const findings = runRule(rule, factsWith(base, changes));
      expect(findings).toMatchObject([{ ruleId, severity, error: { code: table.code, values } }]);
      for (const { error, facts } of findings) {
        expect(facts.length).toBeGreaterThan(0);
        // Every brace of the text was filled in.
        expect(`${error.message}${error.recommendedAction}`).not.toMatch(/[{}]/);
      }
    });

    it.each([['all is well', {}] as const, ...(table.passes ?? [])])(
      'passes when %s',
      (_what, changes) => {
        const verdict = rule.check(factsWith(base, changes));
        expect(verdict).toEqual({ applies: true, violations: [], missing: [] });
      },
    );

    const unknown = table.unknown.map((row) =>
      typeof row === 'string' ? ([row, {}] as const) : row,
    );
    it.each(unknown)('does not pass without %s', (path, changes) => {
      const findings = runRule(rule, factsWith(base, { ...changes, [path]: null }));
      expect(findings).toMatchObject([
        {
          severity: severity === 'info' ? 'warning' : severity,
          error: { code: 'FB-PRE-001', values: { ruleId, missing: factNameOf(path) } },
        },
      ]);
    });

    const elsewhere = table.doesNotApply ?? [];
    it(`has ${elsewhere.length} cases in which it does not apply`, () => {
      for (const [what, changed] of elsewhere) {
        const facts = typeof changed === 'function' ? changed() : factsWith(base, changed);
        expect([what, rule.check(facts)]).toEqual([what, { applies: false }]);
      }
    });
  });
}
