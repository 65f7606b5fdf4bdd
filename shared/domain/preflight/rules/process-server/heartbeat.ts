import { HEARTBEAT_STALE_MS } from '../../../../policy/limits.ts';
import type { PreflightRule } from '../../rule.ts';
import { ifKnown, passed, violated } from '../../verdict.ts';
import { withProcessServer } from '../support.ts';

export const processServerAlive: PreflightRule = {
  id: 'process-server.heartbeat.fresh',
  statement: 'The heartbeat of the process server is fresh.',
  severity: 'blocking',
  errorCode: 'FB-PRE-081',
  check: (facts) =>
    withProcessServer(facts, ({ name: server, lastHeartbeatAgeSeconds }) =>
      ifKnown(lastHeartbeatAgeSeconds, 'processServer.lastHeartbeatAgeSeconds', (actual) => {
        const needed = HEARTBEAT_STALE_MS / 1000;
        return actual <= needed
          ? passed
          : violated({ name: 'age of the heartbeat', needed, actual, unit: 'seconds' }, { server });
      }),
    ),
};
