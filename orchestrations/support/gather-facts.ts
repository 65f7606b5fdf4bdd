import type { CommandInput, CommandName, CommandOutput } from '../../shared/contracts/commands.ts';
import type { OriginalVmUse } from '../../shared/domain/job.ts';
import { clockSkewSeconds } from '../../shared/domain/clock-skew.ts';
import type { PreflightFacts } from '../../shared/domain/preflight/facts.ts';
import type {
  AgentStanding,
  Placement,
  PreflightOperation,
  RecordFacts,
  Unanswered,
} from '../../shared/domain/preflight/gathered.ts';
import { diskShapeOf, originalVmIdOf } from '../../shared/domain/protected-item.ts';
import { type ErrorRecord, errorRecord } from '../../shared/errors/failback-error.ts';
import { failure, type Result, success } from '../../shared/errors/result.ts';
import { DEADLINE_MS } from '../../shared/policy/deadlines.ts';
import { chooseAmong } from './choose-master-target.ts';
import { assembleFacts } from './preflight-facts.ts';
import type { Answer } from './preflight-site-facts.ts';
import { tryCommand } from './run-command.ts';
import { asResult, callActivity, type Context, type Steps } from './steps.ts';

interface GatherRequest {
  /** A job, or a run of preflight by itself. */
  readonly jobId: string;
  readonly itemId: string;
  readonly replicationId: string;
  readonly operation: PreflightOperation;
  readonly placement: Placement;
  /** What the job is to do with it. Absent = it is used. */
  readonly originalVm?: OriginalVmUse | undefined;
  /** Where a job asks once more: an agent answers a step once. Absent = the first time. */
  readonly stepSuffix?: string | undefined;
}

export interface Gathered {
  readonly facts: PreflightFacts;
  /** Who did not tell; what is missing for it is unknown in `facts`. */
  readonly unanswered: readonly Unanswered[];
}

/**
 * Facts for the preflight rules: from our tables, from Azure, and from the agents. Changes nothing. Agents that
 * are silent are not asked; what nobody tells is unknown, and never holds the run up for long.
 */
export function* gatherFacts(context: Context, request: GatherRequest): Steps<Gathered> {
  const { jobId, itemId, placement, operation, originalVm = 'use' } = request;
  const told = yield* callActivity(context, 'gatherRecordFacts', { itemId, placement });
  const { records, unchosen } = yield* withMasterTarget(context, request, told);
  const azure = yield* asResult(callActivity(context, 'gatherAzureFacts', { jobId, itemId }));
  const site = yield* describeSite(context, request, records);
  const masterTarget =
    unchosen === null
      ? yield* verifyMasterTarget(context, request, records)
      : failure<Answer<'verifyMasterTarget'>>(unchosen);
  const processServer = yield* describeProcessServer(context, request, records);
  const now = context.df.currentUtcDateTime;
  const answers = {
    azure: azure.ok ? azure.value : null,
    site: answerOf(site),
    masterTarget: answerOf(masterTarget),
    processServer: processServer === null ? null : answerOf(processServer),
  };
  return {
    facts: assembleFacts({ operation, originalVm, records, now, ...answers }),
    unanswered: [
      ...silence('azure', azure),
      ...silence('configurationServer', site),
      ...silence('masterTarget', masterTarget),
      ...(processServer === null ? [] : silence('processServer', processServer)),
    ],
  };
}

/** Where the item names none, the one that a failback that begins now would choose. */
function* withMasterTarget(
  context: Context,
  { jobId, operation }: GatherRequest,
  records: RecordFacts,
): Steps<{ readonly records: RecordFacts; readonly unchosen: ErrorRecord | null }> {
  if (records.masterTargets === undefined) return { records, unchosen: null };
  const chosen = yield* chooseAmong(context, { jobId, operation, records });
  if (!chosen.ok) return { records, unchosen: chosen.error };
  const { name } = chosen.value;
  const { item, masterTargets } = records;
  const placed = { ...item, target: { ...item.target, masterTarget: name } };
  const masterTarget = masterTargets.find((each) => each.name === name) ?? null;
  return { records: { ...records, item: placed, masterTarget }, unchosen: null };
}

function* verifyMasterTarget(
  context: Context,
  { jobId, replicationId, stepSuffix = '' }: GatherRequest,
  { item, masterTarget }: RecordFacts,
): Steps<Result<Answer<'verifyMasterTarget'>>> {
  return yield* ask(context, {
    jobId,
    step: `verify-master-target${stepSuffix}`,
    name: 'verifyMasterTarget',
    input: { replicationId },
    agent: masterTarget,
    who: masterTargetOf(item),
  });
}

/** As messages name it. */
function masterTargetOf({ target }: RecordFacts['item']): Question<CommandName>['who'] {
  return { kind: 'masterTarget', name: target.masterTarget ?? 'for this machine' };
}

function* describeSite(
  context: Context,
  { jobId, operation, stepSuffix = '' }: GatherRequest,
  { item, configurationServer }: RecordFacts,
): Steps<Result<Answer<'describeSite'>>> {
  const { target } = item;
  const targetVmId = originalVmIdOf(item);
  return yield* ask(context, {
    jobId,
    step: `describe-site${stepSuffix}`,
    name: 'describeSite',
    input: {
      vmName: target.vmName,
      itemId: item.id,
      ...(target.masterTarget === undefined ? {} : { masterTarget: target.masterTarget }),
      ...(targetVmId === null ? {} : { targetVmId }),
      ...(target.datastore === undefined ? {} : { datastore: target.datastore }),
      disks: item.disks.map((disk) => diskShapeOf(item, disk)),
      ...(operation === 'rehearsal' ? { isRehearsal: true } : {}),
    },
    agent: configurationServer,
    who: { kind: 'configurationServer', name: target.configurationServer },
  });
}

/** `null` = there is nobody to ask: it has yet to be deployed, or the one there is does not live. */
function* describeProcessServer(
  context: Context,
  { jobId, stepSuffix = '' }: GatherRequest,
  { item, processServer, masterTarget }: RecordFacts,
): Steps<Result<Answer<'describeProcessServer'>> | null> {
  if (processServer?.isConnected !== true) return null;
  const address = masterTarget?.address ?? null;
  if (address === null) {
    return failure(notConnected(masterTargetOf(item)));
  }
  return yield* ask(context, {
    jobId,
    step: `describe-process-server${stepSuffix}`,
    name: 'describeProcessServer',
    input: { masterTarget: address },
    agent: processServer,
    who: { kind: 'processServer', name: processServer.name },
  });
}

interface Question<N extends CommandName> {
  readonly jobId: string;
  readonly step: string;
  readonly name: N;
  readonly input: CommandInput<N>;
  readonly agent: AgentStanding | null;
  readonly who: { readonly kind: string; readonly name: string };
}

/** Asks an agent that lives; the answer with how far its clock is off. */
function* ask<N extends 'describeSite' | 'verifyMasterTarget' | 'describeProcessServer'>(
  context: Context,
  { agent, who, ...question }: Question<N>,
): Steps<Result<Answer<N>>> {
  if (agent?.isConnected !== true) return failure(notConnected(who));
  const askedAt = context.df.currentUtcDateTime;
  const call = { ...question, agentId: agent.id, deadlineMs: DEADLINE_MS.quickCommand };
  const result: Result<CommandOutput<N>> = yield* tryCommand(context, call);
  if (!result.ok) return result;
  const { observedAt } = result.value;
  const skewSeconds =
    observedAt === null
      ? null
      : clockSkewSeconds(observedAt, askedAt, context.df.currentUtcDateTime);
  return success({ told: result.value, clockSkewSeconds: skewSeconds });
}

function notConnected(who: Question<CommandName>['who']): ReturnType<typeof errorRecord> {
  return errorRecord('FB-ORC-010', who);
}

function answerOf<T>(result: Result<T>): T | null {
  return result.ok ? result.value : null;
}

function silence(source: Unanswered['source'], result: Result<unknown>): readonly Unanswered[] {
  return result.ok ? [] : [{ source, error: result.error }];
}
