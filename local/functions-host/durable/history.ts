/** Numbers of the events as the durable SDK reads them. */
export const EVENT = {
  executionStarted: 0,
  executionCompleted: 1,
  executionFailed: 2,
  executionTerminated: 3,
  taskScheduled: 4,
  taskCompleted: 5,
  taskFailed: 6,
  subOrchestrationCreated: 7,
  subOrchestrationCompleted: 8,
  subOrchestrationFailed: 9,
  timerCreated: 10,
  timerFired: 11,
  orchestratorStarted: 12,
  orchestratorCompleted: 13,
  eventSent: 14,
  eventRaised: 15,
} as const;

/** One event of an instance's history; `Result` and `Input` are JSON texts. */
export interface HistoryEvent {
  readonly EventType: number;
  readonly EventId: number;
  readonly IsPlayed: boolean;
  readonly Timestamp: string;
  readonly Name?: string;
  readonly Input?: string | null;
  readonly Version?: string;
  readonly TaskScheduledId?: number;
  readonly TimerId?: number;
  readonly FireAt?: string;
  readonly InstanceId?: string;
  readonly Result?: string;
  readonly Reason?: string;
  readonly Details?: string;
  readonly FailureDetails?: unknown;
}

export function event(
  type: number,
  timestamp: Date,
  fields: Partial<HistoryEvent> = {},
): HistoryEvent {
  return {
    EventType: type,
    EventId: -1,
    IsPlayed: false,
    Timestamp: timestamp.toISOString(),
    ...fields,
  };
}

export const RUNTIME_STATUS = [
  'Pending',
  'Running',
  'Completed',
  'ContinuedAsNew',
  'Failed',
  'Terminated',
  'Suspended',
] as const;
export type RuntimeStatus = (typeof RUNTIME_STATUS)[number];

export const ENDED: readonly RuntimeStatus[] = ['Completed', 'Failed', 'Terminated'];

/** What is known about an orchestration instance besides its history. */
export interface Instance {
  readonly id: string;
  readonly name: string;
  /** Changes with continueAsNew: what belongs to an earlier execution is dropped. */
  readonly execution: number;
  readonly status: RuntimeStatus;
  /** JSON texts. */
  readonly input: string | null;
  readonly output: string | null;
  readonly customStatus: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly parent: {
    readonly id: string;
    readonly execution: number;
    readonly taskId: number;
  } | null;
}

/** Work that an instance waits for. */
export type PendingWork =
  | {
      readonly kind: 'activity';
      readonly taskId: number;
      readonly name: string;
      readonly input: unknown;
    }
  | {
      readonly kind: 'timer';
      readonly taskId: number;
      readonly fireAt: string;
    };
