import { hostname } from 'node:os';
import { resolve } from 'node:path';
import type { z } from 'zod';
import { loadConfig } from '../runtime/config.ts';
import { proofOf } from '../runtime/enrolment.ts';
import { mainProgram } from '../runtime/main-program.ts';
import { runAgent } from '../runtime/run-agent.ts';
import type { Logger } from '../runtime/types.ts';
import { Backups } from './backups.ts';
import { CertificateAuthority } from './certificate-authority.ts';
import { configurationServerConfigSchema } from './config.ts';
import { createHypervisor } from './create-hypervisor.ts';
import { SiteDatabase } from './database.ts';
import { createWaitingHandlers } from './outages.ts';
import { createScriptHandlers } from './script-runner.ts';
import { startMobilityEndpoint } from './mobility-endpoint.ts';
import { restoreBackup } from './restore.ts';

const HELP = `The configuration server: inventory of the site, control of its hypervisor, registry of agents.

  node dist/agents/configuration-server/main.js --config FILE [--check]
  node dist/agents/configuration-server/main.js --config FILE --restore BACKUP

The file is JSON; docs/operating.md lists its fields. --check says whether it is valid, and ends.
--restore fills an empty data folder from a backup and ends.
`;

/** Every address of the machine: good for listening, nothing that anybody could connect to. */
const WILDCARDS: readonly string[] = ['0.0.0.0', '::', ''];

type Config = z.output<typeof configurationServerConfigSchema>;

mainProgram('The configuration server', async () => {
  const config = loadConfig(configurationServerConfigSchema, process.argv.slice(2), HELP);
  if (config === null) return;
  const address = addressOf(config);
  if (config.restore !== undefined) {
    restore(config, config.restore, address);
    return;
  }
  await runAgent({
    kind: 'configurationServer',
    config,
    needsCertificate: false,
    createProgram: async ({ log, dataFolder }) => {
      const { passphrase, name } = config;
      const database = new SiteDatabase(dataFolder);
      const authority = await CertificateAuthority.open(dataFolder, passphrase);
      const mobility = await startMobilityEndpoint({
        listen: config.mobility,
        passphrase,
        database,
        log,
      });
      const hypervisor = createHypervisor({
        config: config.hypervisor,
        configFolder: config.configFolder,
        database,
        log,
        mobilityUrl: mobility.url,
        mobilityProof: (vmId) => proofOf(passphrase, 'mobility', vmId),
      });
      await hypervisor.resume();
      const source = { name, address, passphrase, dataFolder, database };
      const backups = backupsOf(config, log, source);
      backups?.start();
      const self = { address, backups };
      return {
        address: { host: address, port: mobility.port },
        handlers: {
          ...createWaitingHandlers({ hypervisor, database, authority, self }),
          ...createScriptHandlers({
            folder:
              config.scripts === undefined
                ? undefined
                : resolve(config.configFolder, config.scripts.folder),
            database,
          }),
        },
        stop: async () => {
          backups?.stop();
          await hypervisor.stop();
          await mobility.stop();
          database.close();
        },
      };
    },
  });
});

function addressOf({ address, mobility }: Config): string {
  return address ?? (WILDCARDS.includes(mobility.host) ? hostname() : mobility.host);
}

function backupsOf(
  { backup, configFolder }: Config & { readonly configFolder: string },
  log: Logger,
  source: ConstructorParameters<typeof Backups>[0]['source'],
): Backups | null {
  if (backup === undefined) return null;
  const folder = resolve(configFolder, backup.folder);
  return new Backups({ config: { ...backup, folder }, source, log });
}

function restore({ name, dataFolder, passphrase }: Config, file: string, address: string): void {
  const restored = restoreBackup({ file: resolve(file), dataFolder, name, passphrase });
  process.stdout.write(`${name} is restored as it was at ${restored.takenAt}\n`);
  if (restored.address === address) return;
  process.stdout.write(
    `It was known as ${restored.address} and is ${address} now: machines can only come home once it has the old address again.\n`,
  );
}
