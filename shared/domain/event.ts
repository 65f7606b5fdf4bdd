/** What the log of events tells of. */
export const EVENT_KINDS = [
  'jobStarted',
  'jobAsked',
  'jobStep',
  'jobEnded',
  'itemSaved',
  'refused',
  'agentRegistered',
  'agentSilent',
  'agentBack',
] as const;
export type EventKind = (typeof EVENT_KINDS)[number];
