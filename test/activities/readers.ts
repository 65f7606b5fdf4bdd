import type { ActivityName } from '../../shared/contracts/activities.ts';

/** What the activity reads only; everything else must leave a trace. */
export const READERS: readonly ActivityName[] = [
  'readIntents',
  'readItem',
  'bindSite',
  'findSiteAgents',
  'gatherAzureFacts',
  'gatherRecordFacts',
  'findAgent',
  'readReplicaSeed',
  'readCommand',
  'readVmPower',
  'readSource',
  'beginPlanRun',
  'findConfigurationServer',
];
