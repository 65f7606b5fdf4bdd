import { flushCompileCache } from 'node:module';
import { dirname } from 'node:path';
import { createMasterTargetHandlers } from '../../../../agents/master-target/handlers.ts';
import { ReplicationFolder } from '../../../../agents/master-target/replication-folder.ts';
import { ReplicationGate } from '../../../../agents/master-target/replication-gate.ts';
import { RetentionVolume } from '../../../../agents/master-target/retention-volume.ts';
import { startTransferServer } from '../../../../agents/master-target/transfer-server.ts';
import { createProcessServerHandlers } from '../../../../agents/process-server/handlers.ts';
import { createThrottle } from '../../../../agents/process-server/throttle/throttle.ts';
import { createTlsTransport } from '../../../../agents/process-server/tls-transport.ts';
import { Activity } from '../../../../agents/runtime/queue-pace.ts';
import type { CommandHandlers } from '../../../../agents/runtime/types.ts';
import { aCommandContext, runCommand } from '../command-context.ts';
import type { ChildAnswer, ChildRequest, ChildStart } from './agent-child.ts';

/** The program that AgentChild starts; what it does comes over IPC. */
process.once('message', (start: ChildStart) => {
  void (start.kind === 'masterTarget' ? masterTarget(start) : processServer(start));
});
process.once('disconnect', () => process.exit());
// Whoever is killed does not come to it at its end.
flushCompileCache();

async function masterTarget({ tls, retentionFolder, port: wanted }: ChildStart): Promise<void> {
  const gate = new ReplicationGate();
  const silent = (): void => undefined;
  const log = { debug: silent, info: silent, warn: silent, error: silent };
  const folderOf = (id: string): ReplicationFolder => new ReplicationFolder(retentionFolder, id);
  const listen = { host: '127.0.0.1', port: wanted };
  const retention = { maxPoints: 3, maxAgeHours: 24 };
  const dataFolder = dirname(retentionFolder);
  const volume = new RetentionVolume({ retentionFolder, dataFolder });
  const sessions = { folderOf, gate, retention, volume, log };
  const { port } = await startTransferServer({ listen, tls, sessions, activity: new Activity() });
  serve(
    createMasterTargetHandlers({
      retentionFolder,
      dataFolder,
      volume,
      retention,
      osType: 'Linux',
      gate,
      transferAddress: { host: '127.0.0.1', port },
      prepareScript: '',
    }),
    port,
  );
}

async function processServer({ tls }: ChildStart): Promise<void> {
  const throttle = createThrottle({
    memoryBytes: 32 * 1024 ** 2,
    maxRequests: 8,
    bandwidth: { windows: [] },
  });
  const transport = createTlsTransport(tls);
  const lanes = { connectionsPerDisk: 3, minLaneBytes: 512 * 1024 };
  const bandwidth = { windows: [] };
  const place = { controlPlaneUrl: 'http://127.0.0.1:1', dataFolder: '.', bandwidth };
  serve(createProcessServerHandlers({ transport, throttle, place, ...lanes }), 0);
}

function serve(handlers: CommandHandlers, port: number): void {
  process.on('message', (request: ChildRequest) => {
    void answer(handlers, request).then((answered) => process.send?.(answered));
  });
  process.send?.({ kind: 'ready', port } satisfies ChildAnswer);
}

async function answer(handlers: CommandHandlers, request: ChildRequest): Promise<ChildAnswer> {
  const { access, id } = request;
  const context = access === undefined ? aCommandContext() : aCommandContext(async () => access);
  try {
    const value = await runCommand(handlers, request.name, request.input as never, context);
    return { kind: 'result', id, value };
  } catch (error) {
    return { kind: 'failed', id, reason: String(error) };
  }
}
