import { resolve } from 'node:path';
import { loadConfig } from '../runtime/config.ts';
import { proofOf } from '../runtime/enrolment.ts';
import { mainProgram } from '../runtime/main-program.ts';
import { runAgent } from '../runtime/run-agent.ts';
import { CertificateAuthority } from './certificate-authority.ts';
import { configurationServerConfigSchema } from './config.ts';
import { createHypervisor } from './create-hypervisor.ts';
import { SiteDatabase } from './database.ts';
import { createConfigurationServerHandlers } from './handlers.ts';
import { createScriptHandlers } from './script-runner.ts';
import { startMobilityEndpoint } from './mobility-endpoint.ts';

const HELP = `The configuration server: inventory of the site, control of its hypervisor, registry of agents.

  node dist/agents/configuration-server/main.js --config FILE

The file is JSON; docs/operating.md lists its fields.
`;

mainProgram('The configuration server', async () => {
  const config = loadConfig(configurationServerConfigSchema, process.argv.slice(2), HELP);
  if (config === null) return;
  await runAgent({
    kind: 'configurationServer',
    config,
    needsCertificate: false,
    createProgram: async ({ log, dataFolder }) => {
      const { passphrase } = config;
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
      return {
        handlers: {
          ...createConfigurationServerHandlers({ hypervisor, database, authority }),
          ...createScriptHandlers({
            folder:
              config.scripts === undefined
                ? undefined
                : resolve(config.configFolder, config.scripts.folder),
            database,
          }),
        },
        stop: async () => {
          await hypervisor.stop();
          await mobility.stop();
          database.close();
        },
      };
    },
  });
});
