import type { PlanDecision, PlanGateKind, PlanStage, StageVerdict } from '../domain/plan-run.ts';
import type { FailurePolicy, PlanAction, PlanRunKind } from '../domain/recovery-plan.ts';
import type { ErrorRecord } from '../errors/failback-error.ts';

interface RunRef {
  readonly runId: string;
}

/** Input and output of the activities that work on the run of a recovery plan. */
export interface PlanActivityContracts {
  beginPlanRun: {
    input: RunRef;
    output: {
      readonly kind: PlanRunKind;
      readonly groupIds: readonly string[];
      readonly isFailoverAutomatic: boolean;
    };
  };
  /** One look at the machines of a stage: starts or asks as many as the limit allows. */
  drivePlanStage: {
    input: RunRef & { readonly stage: PlanStage; readonly groupId: string | null };
    output: {
      readonly verdict: StageVerdict;
      readonly settled: number;
      readonly underWay: number;
      /** Machines that a person has given up so far; grows with every such decision. */
      readonly leftBehind: number;
    };
  };
  /** Whether every machine has the recovery point that is wanted; fixes the common points, and holds them. */
  choosePlanPoints: {
    input: RunRef;
    output: {
      readonly refusal: ErrorRecord | null;
      /** No seal that began before can drop one of them any more. False = look again. */
      readonly isHeld: boolean;
      /** How often somebody has let it look again. */
      readonly round: number;
      /** A machine has left its gate meanwhile: nothing was judged, the stage that prepares has its turn first. */
      readonly hasStragglers: boolean;
    };
  };
  /** Ids only: a plan of many machines must not travel through the history. */
  beginPlanGroup: {
    input: RunRef & { readonly groupId: string };
    output: {
      readonly isDone: boolean;
      readonly kind: PlanRunKind;
      readonly preActions: readonly string[];
      readonly postActions: readonly string[];
      readonly pause: { readonly seconds: number } | 'untilResumed' | null;
    };
  };
  endPlanGroup: { input: RunRef & { readonly groupId: string }; output: null };
  /** `isDone`: it succeeded or was skipped before, and is not to be done again. */
  beginPlanAction: {
    input: RunRef & { readonly actionId: string };
    output: {
      readonly isDone: boolean;
      readonly action: PlanAction;
      readonly attempt: number;
      readonly onFailure: FailurePolicy;
    };
  };
  endPlanAction: {
    input: RunRef & {
      readonly actionId: string;
      readonly state: 'succeeded' | 'failed' | 'skipped';
      readonly detail: string;
      /** Of a failure. */
      readonly code?: string;
    };
    output: null;
  };
  callPlanWebhook: {
    input: RunRef & { readonly actionId: string };
    output: {
      readonly outcome: 'delivered' | 'refused' | 'unreachable';
      readonly detail: string;
    };
  };
  findConfigurationServer: {
    input: { readonly name: string };
    output: { readonly agentId: string };
  };
  /** Waits for a person from now on, unless it was decided before or the run is cancelled. */
  openPlanGate: {
    input: RunRef & {
      readonly key: string;
      readonly kind: PlanGateKind;
      readonly message: string;
      readonly instanceId: string;
      readonly actionId?: string;
      readonly pauseSeconds?: number;
    };
    output: null;
  };
  readPlanGate: {
    input: RunRef & { readonly key: string };
    output: {
      readonly decision: PlanDecision | 'cancel' | null;
      readonly note: string;
      /** When it opens by itself; `null` = never. */
      readonly untilAt: string | null;
    };
  };
  interruptPlanRun: {
    /** `instanceId` = the orchestration that broke; a later one is left alone. */
    input: RunRef & { readonly instanceId: string; readonly error: ErrorRecord };
    output: null;
  };
  finishPlanRun: { input: RunRef & { readonly error: ErrorRecord | null }; output: null };
}
