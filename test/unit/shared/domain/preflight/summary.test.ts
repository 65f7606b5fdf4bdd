import { describe, expect, it } from '@jest/globals';
import { runPreflight } from '../../../../../shared/domain/preflight/run.ts';
import { summaryOf } from '../../../../../shared/domain/preflight/summary.ts';
import { alternateOnVcenter, originalOnVcenter } from '../../../../support/preflight/good-facts.ts';
import { factsWith } from '../../../../support/preflight/rule-cases.ts';

describe('the summary of a preflight', () => {
  it('is empty when there is nothing to say', () => {
    expect(summaryOf(runPreflight(originalOnVcenter()))).toBe('');
  });

  it('counts warnings, notes and what was not checked', () => {
    const facts = factsWith(alternateOnVcenter, {
      'protection.rpoSeconds': 901,
      'protection.azureVmId': null,
      'azureVm.locks': null,
      notGathered: ['protection.azureVmId', 'azureVm.locks'],
    });
    expect(summaryOf(runPreflight(facts))).toBe(
      'preflight: 1 warning, 2 notes, 2 rules not checked',
    );
  });

  it('leaves out what stands in the way, which is said elsewhere', () => {
    const facts = factsWith(originalOnVcenter, { 'site.isConnected': false });
    expect(summaryOf(runPreflight(facts))).toBe('');
  });

  it('counts a warning that could not be checked as a warning', () => {
    const facts = factsWith(originalOnVcenter, { 'protection.rpoSeconds': null });
    expect(summaryOf(runPreflight(facts))).toBe('preflight: 1 warning');
  });
});
