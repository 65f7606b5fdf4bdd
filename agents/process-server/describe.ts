import { statfsSync } from 'node:fs';
import { connect } from 'node:net';
import { availableParallelism, totalmem } from 'node:os';
import type { CommandInput, CommandOutput } from '../../shared/contracts/commands.ts';
import { averageLimit, type BandwidthSchedule } from '../../shared/domain/bandwidth-schedule.ts';
import { AGENT_VERSION } from '../runtime/run-agent.ts';

/** A firewall that drops silently is told apart from one that refuses by waiting. */
const CONNECT_TIMEOUT_MS = 5_000;

export interface ProcessServerPlace {
  readonly dataFolder: string;
  readonly bandwidth: BandwidthSchedule;
}

/**
 * Facts for preflight, as they are seen from here. Not whether the control plane is reached: this answer goes there, and
 * heartbeats say when it is not.
 */
export async function describeProcessServer(
  { dataFolder, bandwidth }: ProcessServerPlace,
  { masterTarget }: CommandInput<'describeProcessServer'>,
): Promise<CommandOutput<'describeProcessServer'>> {
  return {
    version: AGENT_VERSION,
    isPort9443Reachable: await canConnect(masterTarget.host, masterTarget.port),
    cpuCount: availableParallelism(),
    memoryBytes: totalmem(),
    cacheBytes: volumeBytes(dataFolder),
    bandwidthLimitMbps: averageLimit(bandwidth),
    observedAt: new Date().toISOString(),
  };
}

/** Only whether somebody answers: the peer sees a connection that is closed at once. */
async function canConnect(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (isReachable: boolean): void => {
      socket.destroy();
      resolve(isReachable);
    };
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => end(false));
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}

function volumeBytes(folder: string): number | null {
  try {
    const { blocks, bsize } = statfsSync(folder);
    return blocks * bsize;
  } catch {
    return null;
  }
}
