import { type OrchestrationInput, pointId } from '../shared/contracts/orchestrations.ts';
import type { Result } from '../shared/errors/result.ts';
import { changePower } from './support/azure-power.ts';
import { proveAndBoot } from './support/boot.ts';
import { enterPhase } from './support/phase.ts';
import { replicatePoint } from './support/recovery-point.ts';
import { asResult, callActivity, type Context, type Steps } from './support/steps.ts';

type Input = OrchestrationInput<'failover'>;

/** The downtime: stop in Azure, carry over the last changes, prove, boot on-premises. */
export function* failoverOrchestration(context: Context): Steps<Result<null>> {
  const input = context.df.getInput<Input>();
  return yield* asResult(failover(context, input));
}

function* failover(context: Context, { replication, base, cycle }: Input): Steps<null> {
  const { jobId, itemId, site, options } = replication;
  yield* enterPhase(context, replication, 'shuttingDownSource', {
    message: 'Shutting down the Azure VM',
    state: 'running',
  });
  const shutDownAt = context.df.currentUtcDateTime;
  const vm = { jobId, itemId, vmName: site.item.vmName };
  yield* changePower(context, vm, 'powerOff');

  yield* enterPhase(context, replication, 'finalDelta', { message: 'Sending the last changes' });
  yield* replicatePoint(context, replication, { cycle, kind: 'final', base });

  yield* enterPhase(context, replication, 'booting', {
    message: 'Comparing the disks block by block, then booting on-premises',
  });
  const boot = yield* proveAndBoot(context, replication, pointId(jobId, cycle));
  const bootedAt = boot.bootedAt ?? context.df.currentUtcDateTime.toISOString();
  const downtimeSeconds = (Date.parse(bootedAt) - shutDownAt.getTime()) / 1000;
  yield* callActivity(context, 'recordReport', {
    jobId,
    report: {
      ...boot,
      shutDownAt: shutDownAt.toISOString(),
      downtimeSeconds,
      // The last delta was taken after the guest had shut down: nothing could change any more.
      dataLossSeconds: 0,
    },
  });
  yield* enterPhase(context, replication, 'commitPending', {
    message: 'The machine runs on-premises; commit to accept, cancel to go back to Azure',
    state: options.autoCommit ? 'running' : 'waitingForOperator',
  });
  return null;
}
