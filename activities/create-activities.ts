import type { ActivityHandler, ActivityName } from '../shared/contracts/activities.ts';
import { createAbandonCommand } from './abandon-command.ts';
import { createAgreeOnGroupPoint } from './agree-on-group-point.ts';
import { createBeginPlanAction } from './begin-plan-action.ts';
import { createBeginPlanGroup } from './begin-plan-group.ts';
import { createBeginPlanRun } from './begin-plan-run.ts';
import { createBeginSeal } from './begin-seal.ts';
import { createBindSite } from './bind-site.ts';
import { createCallPlanWebhook } from './call-plan-webhook.ts';
import { createChangeVmPower } from './change-vm-power.ts';
import { createChoosePlanPoints } from './choose-plan-points.ts';
import { createDeleteAzureVm } from './delete-azure-vm.ts';
import { createDrivePlanStage } from './drive-plan-stage.ts';
import { createEndPlanAction } from './end-plan-action.ts';
import { createEndPlanGroup } from './end-plan-group.ts';
import { createEnsureProcessServer } from './ensure-process-server.ts';
import { createEnterPhase } from './enter-phase.ts';
import { createFindAgent } from './find-agent.ts';
import { createFindConfigurationServer } from './find-configuration-server.ts';
import { createFindSiteAgents } from './find-site-agents.ts';
import { createFinishJob } from './finish-job.ts';
import { createFinishPlanRun } from './finish-plan-run.ts';
import { createGatherAzureFacts } from './gather-azure-facts.ts';
import { createGatherRecordFacts } from './gather-record-facts.ts';
import { createInterruptPlanRun } from './interrupt-plan-run.ts';
import { createKeepReplicaSeed } from './keep-replica-seed.ts';
import { createNoteLeftSnapshots } from './note-left-snapshots.ts';
import { createNoteSourceLoss } from './note-source-loss.ts';
import { createNoteSourcePower } from './note-source-power.ts';
import { createOpenPlanGate } from './open-plan-gate.ts';
import { createPruneSnapshots } from './prune-snapshots.ts';
import { createReadCommand } from './read-command.ts';
import { createJudgeFailover } from './judge-failover.ts';
import { createReadFailoverChoice } from './read-failover-choice.ts';
import { createReadIntents } from './read-intents.ts';
import { createReadItem } from './read-item.ts';
import { createReadPlanGate } from './read-plan-gate.ts';
import { createReadReplicaSeed } from './read-replica-seed.ts';
import { createReadVmPower } from './read-vm-power.ts';
import { createReadSource } from './read-source.ts';
import { createRecordCycle } from './record-cycle.ts';
import { createRecordGrowth } from './record-growth.ts';
import { createRecordMasterTarget } from './record-master-target.ts';
import { createRecordPreflight } from './record-preflight.ts';
import { createRecordReport } from './record-report.ts';
import { createRecordReverse } from './record-reverse.ts';
import { createRecordTarget } from './record-target.ts';
import { createRetireProcessServer } from './retire-process-server.ts';
import { createSealReplica } from './seal-replica.ts';
import { createSendCommand } from './send-command.ts';
import { createStartReverseReplication } from './start-reverse-replication.ts';
import { createTakeSnapshots } from './take-snapshots.ts';
import type { ActivityDeps } from './support/deps.ts';

export type Activities = { readonly [N in ActivityName]: ActivityHandler<N> };

/** Every activity by its registered name. */
export function createActivities(deps: ActivityDeps): Activities {
  return {
    enterPhase: createEnterPhase(deps),
    readIntents: createReadIntents(deps),
    judgeFailover: createJudgeFailover(deps),
    readFailoverChoice: createReadFailoverChoice(deps),
    readItem: createReadItem(deps),
    bindSite: createBindSite(deps),
    findSiteAgents: createFindSiteAgents(deps),
    gatherAzureFacts: createGatherAzureFacts(deps),
    gatherRecordFacts: createGatherRecordFacts(deps),
    recordPreflight: createRecordPreflight(deps),
    ensureProcessServer: createEnsureProcessServer(deps),
    findAgent: createFindAgent(deps),
    retireProcessServer: createRetireProcessServer(deps),
    sendCommand: createSendCommand(deps),
    readCommand: createReadCommand(deps),
    abandonCommand: createAbandonCommand(deps),
    takeSnapshots: createTakeSnapshots(deps),
    pruneSnapshots: createPruneSnapshots(deps),
    changeVmPower: createChangeVmPower(deps),
    noteSourcePower: createNoteSourcePower(deps),
    noteSourceLoss: createNoteSourceLoss(deps),
    noteLeftSnapshots: createNoteLeftSnapshots(deps),
    readSource: createReadSource(deps),
    readVmPower: createReadVmPower(deps),
    keepReplicaSeed: createKeepReplicaSeed(deps),
    readReplicaSeed: createReadReplicaSeed(deps),
    deleteAzureVm: createDeleteAzureVm(deps),
    recordMasterTarget: createRecordMasterTarget(deps),
    recordTarget: createRecordTarget(deps),
    recordGrowth: createRecordGrowth(deps),
    beginSeal: createBeginSeal(deps),
    recordCycle: createRecordCycle(deps),
    recordReport: createRecordReport(deps),
    finishJob: createFinishJob(deps),
    sealReplica: createSealReplica(deps),
    recordReverse: createRecordReverse(deps),
    startReverseReplication: createStartReverseReplication(deps),
    agreeOnGroupPoint: createAgreeOnGroupPoint(deps),
    beginPlanRun: createBeginPlanRun(deps),
    drivePlanStage: createDrivePlanStage(deps),
    choosePlanPoints: createChoosePlanPoints(deps),
    beginPlanGroup: createBeginPlanGroup(deps),
    endPlanGroup: createEndPlanGroup(deps),
    beginPlanAction: createBeginPlanAction(deps),
    endPlanAction: createEndPlanAction(deps),
    callPlanWebhook: createCallPlanWebhook(deps),
    findConfigurationServer: createFindConfigurationServer(deps),
    openPlanGate: createOpenPlanGate(deps),
    readPlanGate: createReadPlanGate(deps),
    interruptPlanRun: createInterruptPlanRun(deps),
    finishPlanRun: createFinishPlanRun(deps),
  };
}

/** The durable host hands the input over as JSON; who sent it is our own typed callActivity. */
export async function callActivity(
  activities: Activities,
  name: ActivityName,
  input: unknown,
): Promise<unknown> {
  return activities[name](input as never);
}
