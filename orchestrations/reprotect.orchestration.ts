import type {
  FailbackInput,
  OrchestrationContracts,
  Replication,
} from '../shared/contracts/orchestrations.ts';
import { originalVmIdOf } from '../shared/domain/protected-item.ts';
import { DEADLINE_MS } from '../shared/policy/deadlines.ts';
import type { SiteBinding } from '../shared/contracts/activities.ts';
import type { Result } from '../shared/errors/result.ts';
import { bindMasterTarget } from './support/choose-master-target.ts';
import { refuseIfCancelled } from './support/gate.ts';
import { enterPhase } from './support/phase.ts';
import { preflight, preflightWithMerge, withNote } from './support/preflight.ts';
import { readyProcessServer } from './support/process-server.ts';
import { replicatePoint } from './support/recovery-point.ts';
import { runCommand } from './support/run-command.ts';
import { asResult, callActivity, type Context, type Steps } from './support/steps.ts';
import { openTarget } from './support/target.ts';

type Output = OrchestrationContracts['reprotect']['output'];

/** From "runs in Azure" to "replicates home": preflight, process server, target, initial replication. */
export function* reprotectOrchestration(context: Context): Steps<Result<Output>> {
  const input = context.df.getInput<FailbackInput>();
  return yield* asResult(reprotect(context, input));
}

/** Merging large ones takes hours. */
function* removeSnapshots(
  context: Context,
  { jobId, itemId }: FailbackInput,
  site: SiteBinding,
): Steps<void> {
  const { target } = site.item;
  const targetVmId = originalVmIdOf(site.item);
  yield* enterPhase(context, { jobId, itemId, isRehearsal: false }, 'preparing', {
    message: 'Putting the snapshots of the on-premises VM into its disks',
    task: 'preflight',
  });
  yield* runCommand(context, {
    jobId,
    step: 'remove-snapshots',
    agentId: site.configurationServerId,
    name: 'removeSnapshots',
    input: {
      vmName: target.vmName,
      ...(targetVmId === null ? {} : { targetVmId }),
    },
    deadlineMs: DEADLINE_MS.snapshotMerge,
  });
}

function* reprotect(context: Context, input: FailbackInput): Steps<Output> {
  const { jobId, itemId, options } = input;
  const subject = { jobId, itemId, isRehearsal: false };
  const replicationId = itemId;
  yield* enterPhase(context, subject, 'preparing', {
    message: 'Checking that nothing stands in the way',
    task: 'preflight',
  });
  const placement = yield* bindMasterTarget(context, { jobId, itemId }, 'reprotect');
  const site = yield* callActivity(context, 'bindSite', { jobId, itemId });
  const { originalVm } = options;
  const check = { operation: 'reprotect', replicationId, placement, originalVm } as const;
  const isMerged = options.removeSnapshots === true && originalVm !== 'unregister';
  const found = isMerged
    ? yield* preflightWithMerge(context, input, {
        ...check,
        merge: removeSnapshots(context, input, site),
      })
    : yield* preflight(context, input, check);

  yield* enterPhase(context, subject, 'preparing', {
    message: withNote('Preparing the process server in Azure', found),
    task: 'deployProcessServer',
  });
  const processServerId = yield* readyProcessServer(context, { jobId, itemId });

  yield* enterPhase(context, subject, 'preparing', {
    message: 'Preparing the on-premises VM and its disks',
    task: 'prepareTarget',
  });
  yield* refuseIfCancelled(context, jobId);
  yield* openTarget(context, { ...subject, replicationId, site, originalVm });

  yield* enterPhase(context, subject, 'initialReplication', {
    message: 'Copying the disks',
    task: 'initialReplication',
  });
  const replication: Replication = {
    ...subject,
    replicationId,
    site,
    processServerId,
    options,
  };
  const { base } = yield* replicatePoint(context, replication, {
    cycle: 0,
    kind: 'initial',
    base: site.item.base,
    mode: options.replicationMode,
  });
  yield* enterPhase(context, subject, 'replicating', {
    message: 'The on-premises disks hold a bootable recovery point; sending what changes',
    task: 'replicate',
    state: options.autoFailover ? 'running' : 'waitingForOperator',
  });
  return { replication, base };
}
