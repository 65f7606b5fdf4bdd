import type { OrchestrationHandler } from 'durable-functions';
import type { OrchestrationName } from '../../shared/contracts/orchestrations.ts';
import { commandOrchestration } from '../../orchestrations/command.orchestration.ts';
import { commitOrchestration } from '../../orchestrations/commit.orchestration.ts';
import { failbackOrchestration } from '../../orchestrations/failback.orchestration.ts';
import { failoverOrchestration } from '../../orchestrations/failover.orchestration.ts';
import { gateOrchestration } from '../../orchestrations/gate.orchestration.ts';
import { preflightOrchestration } from '../../orchestrations/preflight.orchestration.ts';
import { planGateOrchestration } from '../../orchestrations/plan-gate.orchestration.ts';
import { planGroupOrchestration } from '../../orchestrations/plan-group.orchestration.ts';
import { planStageOrchestration } from '../../orchestrations/plan-stage.orchestration.ts';
import { recoveryPlanOrchestration } from '../../orchestrations/recovery-plan.orchestration.ts';
import { rehearsalOrchestration } from '../../orchestrations/rehearsal.orchestration.ts';
import { replicationOrchestration } from '../../orchestrations/replication.orchestration.ts';
import { reprotectOrchestration } from '../../orchestrations/reprotect.orchestration.ts';
import { reverseReplicateOrchestration } from '../../orchestrations/reverse-replicate.orchestration.ts';
import { reverseReplicationOrchestration } from '../../orchestrations/reverse-replication.orchestration.ts';
import { rollbackOrchestration } from '../../orchestrations/rollback.orchestration.ts';

/** Every orchestration by its registered name. */
export const ORCHESTRATIONS = {
  failback: failbackOrchestration,
  reprotect: reprotectOrchestration,
  replication: replicationOrchestration,
  failover: failoverOrchestration,
  commit: commitOrchestration,
  reverseReplicate: reverseReplicateOrchestration,
  reverseReplication: reverseReplicationOrchestration,
  rollback: rollbackOrchestration,
  rehearsal: rehearsalOrchestration,
  preflight: preflightOrchestration,
  gate: gateOrchestration,
  command: commandOrchestration,
  recoveryPlan: recoveryPlanOrchestration,
  planGroup: planGroupOrchestration,
  planStage: planStageOrchestration,
  planGate: planGateOrchestration,
} satisfies Record<OrchestrationName, OrchestrationHandler>;
