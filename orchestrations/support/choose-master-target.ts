import type { CommandOutput } from '../../shared/contracts/commands.ts';
import {
  chooseMasterTarget,
  type MasterTargetCandidate,
  type MasterTargetChoice,
  type MasterTargetMachine,
  type MasterTargetNeeds,
} from '../../shared/domain/choose-master-target.ts';
import type {
  MasterTargetStanding,
  Placement,
  PreflightOperation,
  RecordFacts,
} from '../../shared/domain/preflight/gathered.ts';
import { originalVmIdOf } from '../../shared/domain/protected-item.ts';
import { errorRecord } from '../../shared/errors/failback-error.ts';
import { failure, type Result, success } from '../../shared/errors/result.ts';
import { DEADLINE_MS } from '../../shared/policy/deadlines.ts';
import { tryCommand } from './run-command.ts';
import { callActivity, type Context, StepFailure, type Steps } from './steps.ts';
import { storageNeeds } from './storage-needs.ts';

interface ChoiceRequest {
  /** A job, or a run of preflight by itself. */
  readonly jobId: string;
  readonly operation: PreflightOperation;
  readonly records: RecordFacts;
}

/**
 * Binds the item to a master target for the whole way home, before anything is prepared. What preflight is to go
 * by: nothing where the item names one itself. Throws FB-ORC-013 when none fits.
 */
export function* bindMasterTarget(
  context: Context,
  job: { readonly jobId: string; readonly itemId: string },
  operation: PreflightOperation,
): Steps<Placement> {
  const { jobId, itemId } = job;
  const item = yield* callActivity(context, 'readItem', { itemId });
  if (item === null || item.target.masterTarget !== undefined) return {};
  const records = yield* callActivity(context, 'gatherRecordFacts', { itemId, placement: {} });
  const chosen = yield* chooseAmong(context, { jobId, operation, records });
  const choice = chosen.ok ? chosen.value : null;
  yield* callActivity(context, 'recordMasterTarget', { ...job, choice });
  if (!chosen.ok) throw new StepFailure(chosen.error);
  return { masterTarget: chosen.value.name };
}

/** Asks the configuration server where they run; changes nothing. */
export function* chooseAmong(
  context: Context,
  request: ChoiceRequest,
): Steps<Result<MasterTargetChoice>> {
  const { masterTargets = [], item } = request.records;
  const site = yield* describeSite(context, request);
  if (!site.ok) return site;
  const candidates = masterTargets.map((standing) => candidateOf(standing, site.value));
  if (!site.value.isConnected) {
    const reasons = `${item.target.configurationServer} does not reach the hypervisor of the site`;
    return failure(errorRecord('FB-ORC-013', { vmName: item.vmName, reasons }));
  }
  const { choice, unfit } = chooseMasterTarget(candidates, needsOf(request, site.value));
  if (choice !== null) return success(choice);
  const texts = unfit.map(({ name, reason }) => `${name}: ${reason}`);
  const reasons = texts.join(' · ') || 'none is registered';
  return failure(errorRecord('FB-ORC-013', { vmName: item.vmName, reasons }));
}

type Site = CommandOutput<'describeSite'>;

function* describeSite(
  context: Context,
  { jobId, records: { item, masterTargets = [], configurationServer } }: ChoiceRequest,
): Steps<Result<Site>> {
  const { target } = item;
  const targetVmId = originalVmIdOf(item);
  if (configurationServer?.isConnected !== true) {
    const values = { kind: 'configurationServer', name: target.configurationServer };
    return failure(errorRecord('FB-ORC-010', values));
  }
  return yield* tryCommand(context, {
    jobId,
    step: 'choose-master-target',
    agentId: configurationServer.id,
    name: 'describeSite',
    input: {
      vmName: target.vmName,
      masterTargets: masterTargets.map(({ name }) => name),
      ...(targetVmId === null ? {} : { targetVmId }),
      ...(target.datastore === undefined ? {} : { datastore: target.datastore }),
    },
    deadlineMs: DEADLINE_MS.quickCommand,
  });
}

function candidateOf(standing: MasterTargetStanding, site: Site): MasterTargetCandidate {
  const { name, version, load, committedDiskCount, address } = standing;
  const isConnected = standing.isConnected && address !== null;
  return { name, isConnected, version, load, committedDiskCount, machine: machineOf(name, site) };
}

function machineOf(name: string, { hypervisor, vsphere }: Site): MasterTargetMachine | null {
  if (hypervisor !== 'vsphere') return { kind: 'program' };
  const found = vsphere?.masterTargets?.find((each) => each.name === name);
  if (found === undefined) return null;
  return { kind: 'vm', ...found };
}

function needsOf({ operation, records }: ChoiceRequest, site: Site): MasterTargetNeeds {
  const { item, configurationServer, processServer } = records;
  const programs = [
    { name: 'configuration server', version: configurationServer?.version },
    { name: 'process server', version: processServer?.version },
  ];
  return {
    osType: item.osType,
    diskCount: item.disks.length,
    configurationServer: item.target.configurationServer,
    ...storageNeeds(operation, site),
    programs: programs.flatMap(({ name, version }) =>
      version === undefined ? [] : [{ name, version }],
    ),
  };
}
