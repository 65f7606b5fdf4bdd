import { dirname, join, resolve } from 'node:path';
import { invariant } from '../../shared/domain/assert.ts';
import { loadConfig } from '../runtime/config.ts';
import { runAgent } from '../runtime/run-agent.ts';
import { masterTargetConfigSchema } from './config.ts';
import { loadOf } from './describe.ts';
import { createMasterTargetHandlers } from './handlers.ts';
import { removeForgotten, ReplicationFolder } from './replication-folder.ts';
import { ReplicationGate } from './replication-gate.ts';
import { RetentionVolume } from './retention-volume.ts';
import { startTransferServer } from './transfer-server.ts';

const HELP = `The master target: receives what process servers send and writes it to the disks of the site.

  node dist/agents/master-target/main.js --config FILE [--check]

The file is JSON; docs/operating.md lists its fields. --check says whether it is valid, and ends.
`;

export async function runMasterTarget(): Promise<void> {
  const config = loadConfig(masterTargetConfigSchema, process.argv.slice(2), HELP);
  if (config === null) return;
  const retentionFolder = resolve(config.configFolder, config.retentionFolder);
  const volume = new RetentionVolume({ retentionFolder, dataFolder: config.dataFolder });
  // It may be mounted later: until then, whoever needs it is told so.
  const fault = await volume.fault();
  if (fault === null) await removeForgotten(retentionFolder);
  await runAgent({
    kind: 'masterTarget',
    config,
    needsCertificate: true,
    createProgram: async ({ certificates, dataFolder, activity, log }) => {
      invariant(certificates !== null, 'The master target runs with a certificate');
      if (fault !== null) log.error(fault.message, { code: fault.code });
      const gate = new ReplicationGate();
      const folderOf = (id: string): ReplicationFolder =>
        new ReplicationFolder(retentionFolder, id);
      const { osType, retention, configurationServer } = config;
      const sessions = { folderOf, gate, retention, volume, log };
      const tls = certificates.current;
      const server = await startTransferServer({ listen: config.listen, tls, sessions, activity });
      certificates.onRenewal((renewed) => server.renew(renewed));
      const host = config.advertisedHost ?? config.listen.host;
      const address = { host, port: server.port };
      // Beside the program that was started.
      const prepareScript = join(dirname(process.argv[1] ?? ''), 'prepare-linux.sh');
      const parts = {
        retentionFolder,
        dataFolder,
        volume,
        retention,
        osType,
        configurationServer,
        gate,
        transferAddress: address,
        prepareScript,
      };
      return {
        address,
        handlers: createMasterTargetHandlers(parts),
        load: async () => loadOf(parts),
        stop: () => server.stop(),
      };
    },
  });
}
