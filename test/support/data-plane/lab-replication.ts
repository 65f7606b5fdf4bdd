import { closeSync, ftruncateSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CommandHandlers } from '../../../agents/runtime/types.ts';
import { createProcessServerHandlers } from '../../../agents/process-server/handlers.ts';
import { createThrottle, type Throttle } from '../../../agents/process-server/throttle/throttle.ts';
import { createTlsTransport } from '../../../agents/process-server/tls-transport.ts';
import type { DataAccess } from '../../../shared/contracts/agent-protocol.ts';
import type {
  CommandInput,
  CommandOutput,
  ReplicationMode,
} from '../../../shared/contracts/commands.ts';
import { aCommandContext, type FakeContext, runCommand } from './command-context.ts';
import type { LabDisk } from './lab-disk.ts';
import type { LabSite, MasterTarget } from './lab-site.ts';

export const DISK_ID = 'os';
let count = 0;

interface ReplicationOptions {
  readonly site: LabSite;
  readonly source: LabDisk;
  /** What lies on the target before the first byte comes; absent = a new disk of zeros. */
  readonly staleBytes?: Buffer;
  readonly connectionsPerDisk?: number;
  /** Absent = one of its own, as a process server that does nothing else. */
  readonly throttle?: Throttle;
  /** One that serves others, too; absent = one of its own. */
  readonly masterTarget?: MasterTarget;
  /** Where the disk at home lies; absent = in the site's folder. */
  readonly targetFolder?: string;
}

interface SendRequest {
  readonly point: string;
  readonly snapshot: string;
  readonly base?: string;
  readonly mode?: ReplicationMode;
  readonly repair?: { offset: number; length: number }[];
  readonly port?: number;
  /** Instead of fresh SAS URLs for the snapshot and the base. */
  readonly access?: () => Promise<DataAccess>;
  readonly context?: FakeContext;
  readonly keepPointId?: string;
}

export function aThrottle(): Throttle {
  return createThrottle({
    memoryBytes: 64 * 1024 ** 2,
    maxRequests: 8,
    bandwidth: { windows: [] },
    // What is compressed must not depend on who else uses this machine.
    idleCpuShare: () => 1,
  });
}

/** One disk on its way home: the commands of the control plane, in short. */
export class LabReplication {
  readonly replicationId = `replication-${(count += 1)}`;
  readonly source: LabDisk;
  readonly targetFile: string;
  masterTarget: MasterTarget;
  readonly #site: LabSite;
  readonly #processServer: CommandHandlers;
  readonly #isBlank: boolean;

  private constructor(
    { site, source, staleBytes, targetFolder = site.folder }: ReplicationOptions,
    masterTarget: MasterTarget,
    processServer: CommandHandlers,
  ) {
    this.#site = site;
    this.source = source;
    this.masterTarget = masterTarget;
    this.#processServer = processServer;
    this.#isBlank = staleBytes === undefined;
    this.targetFile = join(targetFolder, `${this.replicationId}.raw`);
    writeFileSync(this.targetFile, staleBytes ?? '');
    const file = openSync(this.targetFile, 'r+');
    ftruncateSync(file, source.sizeBytes);
    closeSync(file);
  }

  static async open(options: ReplicationOptions): Promise<LabReplication> {
    const masterTarget = options.masterTarget ?? (await options.site.startMasterTarget());
    const transport = createTlsTransport(await options.site.certificate('processServer'));
    const throttle = options.throttle ?? aThrottle();
    const connectionsPerDisk = options.connectionsPerDisk ?? 2;
    const place = {
      controlPlaneUrl: 'http://127.0.0.1:1',
      dataFolder: options.site.retentionFolder,
      bandwidth: { windows: [] },
    };
    const parts = { transport, throttle, connectionsPerDisk, place };
    const processServer = createProcessServerHandlers(parts);
    const replication = new LabReplication(options, masterTarget, processServer);
    await replication.openTarget();
    return replication;
  }

  /** Where the master target keeps this replication. */
  file(...names: readonly string[]): string {
    return join(this.#site.retentionFolder, this.replicationId, ...names);
  }

  get target(): Buffer {
    return readFileSync(this.targetFile);
  }

  async openTarget(): Promise<string | null> {
    const device = { kind: 'file', path: this.targetFile } as const;
    const { sizeBytes } = this.source;
    const output = await runCommand(this.masterTarget.handlers, 'openTarget', {
      replicationId: this.replicationId,
      disks: [{ diskId: DISK_ID, sizeBytes, device, isBlank: this.#isBlank }],
    });
    return output.sealedPointId;
  }

  async send(request: SendRequest): Promise<CommandOutput<'replicateDisk'>> {
    const { point, snapshot, base, mode, repair, keepPointId } = request;
    const access = request.access ?? (() => this.source.access(snapshot, base));
    const input = {
      replicationId: this.replicationId,
      pointId: point,
      diskId: DISK_ID,
      sizeBytes: this.source.sizeBytes,
      snapshotName: snapshot,
      masterTarget: { host: '127.0.0.1', port: request.port ?? this.masterTarget.port },
      ...(base === undefined ? {} : { baseSnapshotName: base }),
      ...(mode === undefined ? {} : { mode }),
      ...(repair === undefined ? {} : { repair }),
      ...(keepPointId === undefined ? {} : { keepPointId }),
    };
    const context = request.context ?? aCommandContext(access);
    return runCommand(this.#processServer, 'replicateDisk', input, context);
  }

  async seal(
    pointId: string,
    more: Partial<CommandInput<'sealRecoveryPoint'>> & { readonly context?: FakeContext } = {},
  ): Promise<CommandOutput<'sealRecoveryPoint'>> {
    const { context, ...changes } = more;
    const input: CommandInput<'sealRecoveryPoint'> = {
      replicationId: this.replicationId,
      pointId,
      diskIds: [DISK_ID],
      takenAt: new Date().toISOString(),
      consistency: 'crashConsistent',
      ...changes,
    };
    return runCommand(this.masterTarget.handlers, 'sealRecoveryPoint', input, context);
  }

  /** Sends and seals. */
  async bring(request: SendRequest): Promise<CommandOutput<'replicateDisk'>> {
    const figures = await this.send(request);
    await this.seal(request.point);
    return figures;
  }

  async verify(pointId: string): Promise<CommandOutput<'verifyDisks'>> {
    const { replicationId } = this;
    const input = { replicationId, pointId, sampleShare: 1 };
    return runCommand(this.masterTarget.handlers, 'verifyDisks', input);
  }

  async rewind(pointId: string): Promise<CommandOutput<'rewindToPoint'>> {
    const { replicationId } = this;
    return runCommand(this.masterTarget.handlers, 'rewindToPoint', { replicationId, pointId });
  }

  /** Nothing of it stays on the retention volume. */
  async close(): Promise<void> {
    const { replicationId } = this;
    await runCommand(this.masterTarget.handlers, 'closeTarget', { replicationId, forget: true });
  }

  async discard(): Promise<string | null> {
    const { replicationId } = this;
    const output = await runCommand(this.masterTarget.handlers, 'discardUnsealed', {
      replicationId,
    });
    return output.sealedPointId;
  }

  /** Another program on the same volume: nothing but the files is left of the first. */
  async restartMasterTarget(): Promise<void> {
    await this.masterTarget.stop();
    this.masterTarget = await this.#site.startMasterTarget();
  }

  /** Sends changed blocks the other way. */
  async sendBack(
    replica: () => Promise<string>,
    context: FakeContext = aCommandContext(async () => ({
      replicaUrl: await replica(),
      expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
    })),
  ): Promise<CommandOutput<'replicateToAzure'>> {
    const input = {
      replicationId: this.replicationId,
      pointId: 'reverse-1',
      diskId: DISK_ID,
      sizeBytes: this.source.sizeBytes,
      device: { kind: 'file', path: this.targetFile },
      replicaBlobName: 'replica.vhd',
    } as const;
    return runCommand(this.masterTarget.handlers, 'replicateToAzure', input, context);
  }
}
