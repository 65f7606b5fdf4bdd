import { invariant } from '../../shared/domain/assert.ts';
import { loadConfig } from '../runtime/config.ts';
import { mainProgram } from '../runtime/main-program.ts';
import { runAgent } from '../runtime/run-agent.ts';
import { processServerConfigSchema } from './config.ts';
import { createProcessServerHandlers } from './handlers.ts';
import { createThrottle } from './throttle/throttle.ts';
import { createTlsTransport } from './tls-transport.ts';

const HELP = `The process server: reads disks in Azure and sends what changed to master targets.

  node dist/agents/process-server/main.js --config FILE

The file is JSON; docs/operating.md lists its fields.
`;

mainProgram('The process server', async () => {
  const config = loadConfig(processServerConfigSchema, process.argv.slice(2), HELP);
  if (config === null) return;
  await runAgent({
    kind: 'processServer',
    config,
    needsCertificate: true,
    createProgram: async ({ tls }) => {
      invariant(tls !== null, 'The process server runs with a certificate');
      const { memoryMiB, maxRequests, bandwidth, connectionsPerDisk } = config;
      const throttle = createThrottle({
        memoryBytes: memoryMiB * 1024 ** 2,
        maxRequests,
        bandwidth,
      });
      const transport = createTlsTransport(tls);
      const handlers = createProcessServerHandlers({ transport, throttle, connectionsPerDisk });
      return { handlers, stop: async () => undefined };
    },
  });
});
