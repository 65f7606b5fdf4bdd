/** What the log of events tells of. */
export const EVENT_KINDS = [
  'jobStarted',
  'jobAsked',
  'jobStep',
  'jobEnded',
  'failoverHeldBack',
  'sourceLost',
  'itemSaved',
  'refused',
  'planSaved',
  'runStarted',
  'runAsked',
  'gateDecided',
  'actionFailed',
  'runInterrupted',
  'runEnded',
  'agentRegistered',
  'agentSilent',
  'agentBack',
] as const;
export type EventKind = (typeof EVENT_KINDS)[number];
