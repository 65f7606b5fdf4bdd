import type { RuleCases } from '../rule-cases.ts';

const DAY_SECONDS = 86_400;

export const CONFIGURATION_SERVER_CASES: readonly RuleCases[] = [
  {
    rule: 'configuration-server.knows-item',
    code: 'FB-PRE-090',
    violated: [['the item is not in the database', { 'configurationServer.knowsItem': false }]],
    doesNotApply: [['nothing was prepared yet', { 'protection.isPrepared': false }]],
    unknown: ['configurationServer', 'configurationServer.knowsItem'],
  },
  {
    rule: 'configuration-server.same-address',
    code: 'FB-PRE-091',
    violated: [
      [
        'it was restored under another address',
        { 'configurationServer.address': '10.0.0.5' },
        { needed: '10.0.0.4', actual: '10.0.0.5' },
      ],
    ],
    unknown: [
      'configurationServer',
      'configurationServer.address',
      'protection.configurationServerAddress',
    ],
  },
  {
    rule: 'configuration-server.backup.on-schedule',
    code: 'FB-PRE-092',
    severity: 'warning',
    violated: [
      [
        'the backup is a second too old',
        { 'configurationServer.backup.ageSeconds': DAY_SECONDS + 1 },
        { actual: 'one that is 86401 seconds old' },
      ],
      ['there is no backup', { 'configurationServer.backup': { kind: 'none' } }],
      ['there is no schedule', { 'configurationServer.backupSchedule': { kind: 'none' } }],
    ],
    passes: [['the backup is due now', { 'configurationServer.backup.ageSeconds': DAY_SECONDS }]],
    unknown: [
      'configurationServer',
      'configurationServer.backupSchedule',
      'configurationServer.backup',
    ],
  },
];
