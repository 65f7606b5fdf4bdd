import { invariant } from '../../shared/domain/assert.ts';
import { loadConfig } from '../runtime/config.ts';
import { runAgent } from '../runtime/run-agent.ts';
import { processServerConfigSchema } from './config.ts';
import { createProcessServerHandlers } from './handlers.ts';
import type { Transport } from './target-connection.ts';
import { createThrottle } from './throttle/throttle.ts';
import { createTlsTransport } from './tls-transport.ts';

const HELP = `The process server: reads disks in Azure and sends what changed to master targets.

  node dist/agents/process-server/main.js --config FILE [--check]

The file is JSON; docs/operating.md lists its fields. --check says whether it is valid, and ends.
`;

export async function runProcessServer(): Promise<void> {
  const config = loadConfig(processServerConfigSchema, process.argv.slice(2), HELP);
  if (config === null) return;
  await runAgent({
    kind: 'processServer',
    config,
    needsCertificate: true,
    createProgram: async ({ certificates }) => {
      invariant(certificates !== null, 'The process server runs with a certificate');
      const { memoryMiB, maxRequests, bandwidth, connectionsPerDisk } = config;
      const throttle = createThrottle({
        memoryBytes: memoryMiB * 1024 ** 2,
        maxRequests,
        bandwidth,
      });
      // Each connection with the certificate of that moment: it is renewed while the agent runs.
      const transport: Transport = {
        connect: async (host, port) => createTlsTransport(certificates.current).connect(host, port),
      };
      const { dataFolder } = config;
      const place = { dataFolder, bandwidth };
      const parts = { transport, throttle, connectionsPerDisk, place };
      const handlers = createProcessServerHandlers(parts);
      return { handlers, stop: async () => undefined };
    },
  });
}
