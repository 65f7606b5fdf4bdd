import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { AZURE_ERRORS } from '../../../../shared/errors/areas/azure.ts';
import { DATA_PLANE_ERRORS } from '../../../../shared/errors/areas/data-plane.ts';
import { HEALTH_ERRORS } from '../../../../shared/errors/areas/health.ts';
import { ORCHESTRATION_ERRORS } from '../../../../shared/errors/areas/orchestration.ts';
import { PREFLIGHT_ERRORS } from '../../../../shared/errors/areas/preflight.ts';
import { RECOVERY_ERRORS } from '../../../../shared/errors/areas/recovery.ts';
import { REQUEST_ERRORS } from '../../../../shared/errors/areas/request.ts';
import { SITE_ERRORS } from '../../../../shared/errors/areas/site.ts';
import { SOURCE_ERRORS } from '../../../../shared/errors/areas/source.ts';
import { VSPHERE_ERRORS } from '../../../../shared/errors/areas/vsphere.ts';
import { CATALOGUE, type ErrorCode, isErrorCode } from '../../../../shared/errors/catalogue.ts';
import type { CatalogueEntry } from '../../../../shared/errors/entry.ts';
import { errorRecord } from '../../../../shared/errors/failback-error.ts';
import { must } from '../../../support/must.ts';

const ROOT = join(import.meta.dirname, '../../../..');
const PRODUCT = '{functions,orchestrations,activities,shared,agents,local}/**/*.ts';
const CODE = /FB-[A-Z]+-\d{3}/g;

const AREAS = [
  REQUEST_ERRORS,
  PREFLIGHT_ERRORS,
  ORCHESTRATION_ERRORS,
  HEALTH_ERRORS,
  AZURE_ERRORS,
  SITE_ERRORS,
  SOURCE_ERRORS,
  VSPHERE_ERRORS,
  DATA_PLANE_ERRORS,
  RECOVERY_ERRORS,
];
const ENTRIES = Object.entries(CATALOGUE) as [ErrorCode, CatalogueEntry][];
const SOURCES = globSync(PRODUCT, { cwd: ROOT }).map((path) => ({
  path,
  text: readFileSync(join(ROOT, path), 'utf8'),
}));

/** A text for people ends like a sentence, or with a value that is filled in. */
const SENTENCE_END = /(?:[.]|\{\w+\})$/;

const CATEGORY_OF: Readonly<Record<string, CatalogueEntry['category']>> = {
  REQ: 'request',
  PRE: 'preflight',
  ORC: 'orchestration',
  HLT: 'health',
  AZ: 'azure',
  SRC: 'azure',
  SITE: 'site',
  VSPHERE: 'site',
  AGENT: 'agent',
  DATA: 'dataPlane',
  JRN: 'dataPlane',
  RCV: 'recovery',
};

describe('the catalogue of errors', () => {
  it('loses no code by putting the areas together: no two areas have the same one', () => {
    const codes = AREAS.flatMap((area) => Object.keys(area));
    expect(codes).toHaveLength(ENTRIES.length);
    expect(new Set(codes).size).toBe(codes.length);
  });

  it('names each code once in its source, where a second one would silently win', () => {
    const areas = SOURCES.filter(({ path }) => path.startsWith('shared/errors/areas/'));
    const keys = areas.flatMap(({ text }) => text.match(/^ {2}'FB-[A-Z]+-\d{3}': \{$/gm) ?? []);
    expect(keys).toHaveLength(ENTRIES.length);
  });

  it('knows its codes and no others', () => {
    expect(isErrorCode('FB-REQ-001')).toBe(true);
    for (const stranger of ['FB-REQ-999', 'toString', '__proto__', '']) {
      expect(isErrorCode(stranger)).toBe(false);
    }
  });

  it('has no reference in the product to a code that does not exist', () => {
    const strangers = SOURCES.flatMap(({ path, text }) =>
      (text.match(CODE) ?? [])
        .filter((code) => !isErrorCode(code))
        .map((code) => `${path} ${code}`),
    );
    expect(strangers).toEqual([]);
  });

  it('has no reference in the documents to a code that does not exist', () => {
    const documents = globSync('{README.md,docs/**/*.md}', { cwd: ROOT });
    const strangers = documents.flatMap((path) =>
      (readFileSync(join(ROOT, path), 'utf8').match(CODE) ?? [])
        .filter((code) => !isErrorCode(code))
        .map((code) => `${path} ${code}`),
    );
    expect(documents.length).toBeGreaterThan(5);
    expect(strangers).toEqual([]);
  });
});

describe.each(ENTRIES)('%s', (code, entry) => {
  const { message, possibleCauses, recommendedAction } = entry;

  it('says what happened, why, and what to do, in whole sentences', () => {
    expect(possibleCauses.length).toBeGreaterThan(0);
    for (const text of [message, ...possibleCauses, recommendedAction]) {
      expect(text).toMatch(SENTENCE_END);
      expect(text).toBe(text.trim());
      expect(text).toMatch(/^[A-Z{]|^disk\.EnableUUID|^networkAccessPolicy|^maxShares|^vCenter/);
    }
  });

  it('has the category of its area', () => {
    expect(CATEGORY_OF[code.split('-')[1] ?? '']).toBe(entry.category);
  });

  it('fills in the same names in what to do as in what happened', () => {
    const namesIn = (text: string): string[] =>
      [...text.matchAll(/\{(\w+)\}/g)].map((m) => must(m[1], 'the name in braces'));
    const known = namesIn(message);
    for (const name of namesIn(recommendedAction)) expect(known).toContain(name);
    for (const cause of possibleCauses) expect(namesIn(cause)).toEqual([]);
    const values = Object.fromEntries(known.map((name) => [name, `<${name}>`]));
    const record = errorRecord(code, values);
    for (const name of known) expect(record.message).toContain(`<${name}>`);
    expect(`${record.message}${record.recommendedAction}`).not.toMatch(/\{\w+\}/);
  });

  it('does not ask people to do something about what passes by itself, and the reverse', () => {
    // A code that nobody but the makers can help with must not claim to pass by itself.
    if (!entry.isCustomerResolvable) expect(entry.isRetryable).toBe(false);
  });
});
