import { appendFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { agentConfigSchema, loadConfig } from '../../../agents/runtime/config.ts';
import { mainProgram } from '../../../agents/runtime/main-program.ts';
import { runAgent } from '../../../agents/runtime/run-agent.ts';
import { success } from '../../../shared/errors/result.ts';

/**
 * An agent on the product's runtime whose commands only leave traces: `stopVm` is done at once, `verifyBoot`
 * goes on until it is broken off or there is a file `release` in the data folder.
 */
mainProgram('The agent of the tests', async () => {
  const config = loadConfig(agentConfigSchema, process.argv.slice(2), 'no help\n');
  if (config === null) return;
  const trace = (line: string): void =>
    appendFileSync(join(config.dataFolder, 'traces'), `${line}\n`);
  await runAgent({
    kind: 'masterTarget',
    config,
    needsCertificate: false,
    createProgram: async () => ({
      address: { host: '127.0.0.1', port: 9443 },
      handlers: {
        stopVm: async (_input, { commandId }) => {
          trace(`stopVm ${commandId}`);
          return success({ wasRunning: true });
        },
        verifyBoot: async (_input, { commandId, signal }) => {
          trace(`verifyBoot ${commandId}`);
          while (!existsSync(join(config.dataFolder, 'release'))) {
            await delay(10, undefined, { signal });
          }
          const bootedAt = new Date().toISOString();
          return success({ bootedAt, evidence: 'released', isBootSimulated: true });
        },
      },
      stop: async () => trace('stopped'),
    }),
  });
});
