import { MAX_DISKS_PER_MASTER_TARGET, MIN_RETENTION_FREE_BYTES } from '../policy/limits.ts';
import type { Known } from './preflight/facts/known.ts';
import { compareVersions } from './preflight/version.ts';
import type { VsphereMachine } from './preflight/facts/master-target.ts';
import { hasSameBiosUuid, isDiskUuidShown } from './preflight/master-target-vm.ts';
import type { OsType } from './protected-item.ts';

/** What a master target tells of itself with every heartbeat. */
export interface MasterTargetLoad {
  readonly osType: OsType;
  readonly openReplications: number;
  /** Disks of the replications that it has open. */
  readonly attachedDiskCount: number;
  readonly retentionFreeBytes: number;
  /** Of its site, where it names one. */
  readonly configurationServer?: string | undefined;
}

/** What it runs in: nothing that is known of it matters in the lab, a VM of the site elsewhere. */
export type MasterTargetMachine = { readonly kind: 'program' } | MasterTargetVm;

interface MasterTargetVm extends Omit<VsphereMachine, 'kind' | 'hostId' | 'preparation'> {
  readonly kind: 'vm';
  readonly hostName: Known<string>;
  readonly isHostConnected: Known<boolean>;
  /** Disks of the VM itself. */
  readonly ownDiskCount: number;
}

export interface MasterTargetCandidate {
  readonly name: string;
  /** Heard of lately, and known to listen somewhere. */
  readonly isConnected: boolean;
  readonly version: string;
  /** `null` = it never told. */
  readonly load: MasterTargetLoad | null;
  /** Disks of machines whose way home goes through it, whether they are attached already or not. */
  readonly committedDiskCount: number;
  /** `null` = the configuration server knows no VM in which it runs. */
  readonly machine: MasterTargetMachine | null;
}

export interface MasterTargetNeeds {
  readonly osType: OsType;
  readonly diskCount: number;
  readonly configurationServer: string;
  /** Those of the original VM, or the one for a new VM. */
  readonly datastores: readonly string[];
  /** At least one of those datastores is vSAN. */
  readonly isOnVsan: Known<boolean>;
  /** Of the original VM; `null` where there is none. */
  readonly biosUuid: string | null;
  /** Programs that must not be older than it. */
  readonly programs: readonly { readonly name: string; readonly version: string }[];
}

export interface PassedOver {
  readonly name: string;
  readonly reason: string;
}

export interface MasterTargetChoice {
  readonly name: string;
  readonly why: string;
  readonly passedOver: readonly PassedOver[];
}

/** The least busy of those that fit; `null` when none does. Says of each other one why not that one. */
export function chooseMasterTarget(
  candidates: readonly MasterTargetCandidate[],
  needs: MasterTargetNeeds,
): { readonly choice: MasterTargetChoice | null; readonly unfit: readonly PassedOver[] } {
  const judged = candidates.map((candidate) => ({
    candidate,
    obstacles: obstaclesOf(candidate, needs),
  }));
  const fit = judged
    .filter(({ obstacles }) => obstacles.length === 0)
    .map(({ candidate }) => candidate)
    .toSorted(byLoad);
  const unfit = judged
    .filter(({ obstacles }) => obstacles.length > 0)
    .map(({ candidate: { name }, obstacles }) => ({ name, reason: obstacles.join('; ') }));
  const [best, ...busier] = fit;
  if (best === undefined) return { choice: null, unfit };
  const beaten = busier.map((candidate) => ({
    name: candidate.name,
    reason: `it fits, but ${loadText(candidate)}`,
  }));
  const ofHowMany = busier.length === 0 ? 'the only one that fits' : 'the least busy that fits';
  const why = `${ofHowMany}: ${loadText(best)}`;
  return { choice: { name: best.name, why, passedOver: [...beaten, ...unfit] }, unfit };
}

/** As one line for people. */
export function describeChoice({ name, why, passedOver }: MasterTargetChoice): string {
  const others = passedOver.map((other) => ` · not ${other.name}: ${other.reason}`).join('');
  return `master target ${name} was chosen: ${why}${others}`;
}

type Judge = (candidate: MasterTargetCandidate, needs: MasterTargetNeeds) => readonly string[];

const JUDGES: readonly Judge[] = [
  judgeSite,
  judgeOsType,
  judgeVersion,
  judgeDisks,
  judgeRetention,
  judgeHost,
  judgeVm,
];

/** Of one that is silent nothing else is true any more. */
function obstaclesOf(
  candidate: MasterTargetCandidate,
  needs: MasterTargetNeeds,
): readonly string[] {
  if (!candidate.isConnected) return ['it has been silent for too long'];
  if (candidate.load === null) return ['it does not tell how busy it is'];
  return JUDGES.flatMap((judge) => judge(candidate, needs));
}

function judgeSite({ load }: MasterTargetCandidate, needs: MasterTargetNeeds): string[] {
  const { configurationServer: actual = needs.configurationServer } = load ?? {};
  return actual === needs.configurationServer ? [] : [`it belongs to ${actual}`];
}

function judgeOsType({ load }: MasterTargetCandidate, { osType }: MasterTargetNeeds): string[] {
  const actual = load?.osType;
  return actual === osType ? [] : [`it runs ${actual}, the machine ${osType}`];
}

function judgeVersion(
  { version }: MasterTargetCandidate,
  { programs }: MasterTargetNeeds,
): string[] {
  return programs.flatMap((program) => {
    const difference = compareVersions(version, program.version);
    if (difference !== null && difference <= 0) return [];
    const relation = difference === null ? 'cannot be compared with' : 'is newer than';
    return [`its version ${version} ${relation} ${program.version} of the ${program.name}`];
  });
}

function judgeDisks(candidate: MasterTargetCandidate, { diskCount }: MasterTargetNeeds): string[] {
  const used = usedDiskCount(candidate);
  const limit = MAX_DISKS_PER_MASTER_TARGET;
  if (used + diskCount <= limit) return [];
  return [`it holds ${used} disks and can hold ${limit}; the machine has ${diskCount}`];
}

function judgeRetention({ load }: MasterTargetCandidate): string[] {
  const freeBytes = load?.retentionFreeBytes ?? 0;
  if (freeBytes >= MIN_RETENTION_FREE_BYTES) return [];
  return [`its retention volume has ${freeBytes} bytes free and needs ${MIN_RETENTION_FREE_BYTES}`];
}

/** What is not known is never taken for granted. */
function judgeHost(
  { machine }: MasterTargetCandidate,
  { datastores }: MasterTargetNeeds,
): string[] {
  if (machine === null) return ['the configuration server knows no VM in which it runs'];
  if (machine.kind === 'program') return [];
  const { hostName, isHostConnected, visibleDatastores } = machine;
  const host = hostName ?? 'its host';
  if (isHostConnected !== true) return [`${host} is not connected, or in maintenance mode`];
  const seen = visibleDatastores ?? [];
  return datastores
    .filter((datastore) => !seen.includes(datastore))
    .map((datastore) => `${host} does not reach the datastore ${datastore}`);
}

/** As the rules of preflight, which would block the one that was chosen. */
function judgeVm({ machine }: MasterTargetCandidate, needs: MasterTargetNeeds): string[] {
  if (machine?.kind !== 'vm') return [];
  const { snapshotCount, hasVmwareTools, diskEnableUuid, isOnVsan, biosUuid } = machine;
  const obstacles: readonly (readonly [isThere: boolean, text: string])[] = [
    [snapshotCount === null, 'it is not known whether its VM has snapshots'],
    [(snapshotCount ?? 0) > 0, `its VM has ${snapshotCount} snapshots`],
    [hasVmwareTools !== true, 'VMware Tools are not known to run in it'],
    [!isDiskUuidShown(diskEnableUuid ?? ''), 'disk.EnableUUID of its VM is not known to be TRUE'],
    [needs.isOnVsan !== false && isOnVsan !== true, 'disks may lie on vSAN, and its VM does not'],
    [hasSameBiosUuid(biosUuid, needs.biosUuid), 'its VM has the BIOS UUID of the machine'],
  ];
  return obstacles.flatMap(([isThere, text]) => (isThere ? [text] : []));
}

/** Those that are on their way to it count too: of two failbacks that begin together each counts the other. */
function usedDiskCount({ machine, load, committedDiskCount }: MasterTargetCandidate): number {
  const own = machine?.kind === 'vm' ? machine.ownDiskCount : 0;
  return own + Math.max(load?.attachedDiskCount ?? 0, committedDiskCount);
}

function byLoad(left: MasterTargetCandidate, right: MasterTargetCandidate): number {
  const differences = [
    usedDiskCount(left) - usedDiskCount(right),
    (left.load?.openReplications ?? 0) - (right.load?.openReplications ?? 0),
    (right.load?.retentionFreeBytes ?? 0) - (left.load?.retentionFreeBytes ?? 0),
  ];
  const first = differences.find((difference) => difference !== 0);
  return first ?? (left.name < right.name ? -1 : 1);
}

function loadText(candidate: MasterTargetCandidate): string {
  const { openReplications = 0 } = candidate.load ?? {};
  const disks = `${usedDiskCount(candidate)} of ${MAX_DISKS_PER_MASTER_TARGET} disks`;
  return `it holds ${disks} and ${openReplications} open replications`;
}
