import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { CATALOGUE, type ErrorCode } from '../../../../shared/errors/catalogue.ts';
import { must } from '../../../support/must.ts';
import { PRODUCED } from './produced.ts';
import { SHOWN_IN } from './shown-in.ts';

const TESTS = join(import.meta.dirname, '../../..');
const CODES = Object.keys(CATALOGUE) as ErrorCode[];

/** Each rule of preflight has cases of its own, which name its code and are tried in test/unit/shared/domain/preflight. */
const isPreflight = (code: string): boolean => code.startsWith('FB-PRE-');

/** A test from its `it` to the next one: with its table, where it has one. */
function testsOf(file: string): readonly string[] {
  const text = readFileSync(join(TESTS, `${file}.test.ts`), 'utf8');
  return text.split(/^\s*(?=it(?:\.each)?[(<])/m).slice(1);
}

/** A test that only hands the product an error of that code shows nothing. */
function expects(test: string, code: string): boolean {
  const given = new RegExp(`(?:FailbackError|errorRecord)\\(\\s*'${code}'`, 'g');
  return test.replaceAll(given, '').includes(code);
}

describe('every code of the catalogue', () => {
  it('is produced by a test', () => {
    const shown = [...Object.keys(PRODUCED), ...Object.keys(SHOWN_IN)];
    const missing = CODES.filter((code) => !isPreflight(code) && !shown.includes(code));
    expect(missing).toEqual([]);
    expect(new Set(shown).size).toBe(shown.length);
  });

  it.each(Object.entries(PRODUCED))('%s is reported by the product here', async (code, produce) => {
    expect(await produce()).toContain(code);
  });

  it.each(Object.entries(SHOWN_IN))(
    '%s is reported in the test that is named',
    (code, [file, title]) => {
      const test = testsOf(file).filter((each) => each.includes(`'${title}'`));
      expect(test).toHaveLength(1);
      expect(expects(must(test[0], 'the text of the test'), code)).toBe(true);
    },
  );

  it.each(CODES.filter(isPreflight))('%s is named in a test of preflight', (code) => {
    const files = globSync('{unit/shared/domain,support}/preflight/**/*.ts', { cwd: TESTS });
    const others = ['orchestrations/commands.test.ts'];
    const texts = [...files, ...others].map((file) => readFileSync(join(TESTS, file), 'utf8'));
    expect(texts.some((text) => expects(text, code))).toBe(true);
  });

  it('is not taken as shown by a test that only hands it over', () => {
    expect(expects("plan({ error: new FailbackError('FB-JRN-004') })", 'FB-JRN-004')).toBe(false);
    expect(expects("expect(code).toBe('FB-JRN-004')", 'FB-JRN-004')).toBe(true);
  });
});
