import { describe, expect, it } from '@jest/globals';
import { processServerName } from '../../../../shared/services/process-server-name.ts';

describe('the name of a process server', () => {
  it.each([
    ['rg-dr', 'failback-ps-rg-dr'],
    ['RG-DR', 'failback-ps-rg-dr'],
    ['RG_DR.(West)', 'failback-ps-rg-dr--west-'],
    ['x'.repeat(90), `failback-ps-${'x'.repeat(40)}-`],
    ['ends-with-', 'failback-ps-ends-with-'],
    ['Ünïcode', 'failback-ps--n-code-'],
  ])('of the resource group %s is a valid VM name', (resourceGroup, expected) => {
    const name = processServerName(resourceGroup);
    // What was cut or replaced leaves six letters of a digest.
    if (expected.endsWith('-')) expect(name.slice(0, -6)).toBe(expected);
    else expect(name).toBe(expected);
    expect(name).toMatch(/^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/);
  });

  it('is the same for one group in any case, and another for every other group', () => {
    const groups = ['rg.dr', 'rg_dr', 'rg-dr', 'rg-dr-', `${'x'.repeat(40)}a`, 'x'.repeat(41)];
    expect(new Set(groups.map(processServerName)).size).toBe(groups.length);
    for (const group of groups) {
      expect(processServerName(group.toUpperCase())).toBe(processServerName(group));
    }
  });
});
