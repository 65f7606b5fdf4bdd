import type { Catalogue } from '../../entry.ts';

/** FB-PRE: about the run as a whole. */
export const RUN_PREFLIGHT_ERRORS = {
  'FB-PRE-001': {
    severity: 'critical',
    category: 'preflight',
    message: 'The rule {ruleId} could not be checked; these facts are missing: {missing}. {remedy}',
    possibleCauses: [
      'The facts it needs could not be read.',
      'An account lacks the right to read them.',
      'Nobody said them when the machine was taken under care.',
    ],
    recommendedAction: '{remedy} Then start again; a rule that could not be checked never passes.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-002': {
    severity: 'critical',
    category: 'preflight',
    message: '{count} preflight rules stand in the way: {findings}',
    possibleCauses: ['See each finding.'],
    recommendedAction: 'Put right what each finding names and start again.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-003': {
    severity: 'warning',
    category: 'preflight',
    message: 'The rule {ruleId} was not checked: this run does not ask for {missing}.',
    possibleCauses: ['The facts are gathered by other means, or not yet by this version.'],
    recommendedAction:
      'Check by hand what the rule demands (docs/preflight.md) if it concerns you.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
} as const satisfies Catalogue;
