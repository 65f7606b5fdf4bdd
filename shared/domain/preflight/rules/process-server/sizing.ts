import { PROCESS_SERVER_SIZES } from '../../../../policy/preflight-limits.ts';
import type { RegisteredProcessServer } from '../../facts/process-server.ts';
import type { Known } from '../../facts/known.ts';
import type { PreflightRule } from '../../rule.ts';
import { ifKnown, passed, together, unknown, type Verdict, violated } from '../../verdict.ts';
import { withProcessServer } from '../support.ts';

const PARTS = [
  { key: 'cpuCount', name: 'processors', unit: 'vCPUs' },
  { key: 'memoryBytes', name: 'memory', unit: 'bytes' },
  { key: 'cacheBytes', name: 'cache', unit: 'bytes' },
] as const;

export const processServerSized: PreflightRule = {
  id: 'process-server.size.for-change-rate',
  statement: 'The process server is large enough for the changes of its machines.',
  severity: 'warning',
  errorCode: 'FB-PRE-083',
  check: (facts) =>
    withProcessServer(facts, (server) =>
      ifKnown(server.otherChangeBytesPerDay, 'processServer.otherChangeBytesPerDay', (others) =>
        withOthers(server, facts.protection.changeBytesPerDay, others),
      ),
    ),
};

/** A machine that nobody has measured yet changes something: without it the others are the least there is. */
function withOthers(server: RegisteredProcessServer, own: Known<number>, others: number): Verdict {
  if (own !== null) return judge(server, own + others);
  const atLeast = others === 0 ? passed : judge(server, others);
  const isViolated = atLeast.applies && atLeast.violations.length > 0;
  return isViolated ? atLeast : together([atLeast, unknown('protection.changeBytesPerDay')]);
}

function judge(server: RegisteredProcessServer, changeBytesPerDay: number): Verdict {
  const values = { server: server.name, changeBytesPerDay };
  const size = PROCESS_SERVER_SIZES.find((row) => changeBytesPerDay <= row.maxChangeBytesPerDay);
  if (size === undefined) {
    const needed = Math.max(...PROCESS_SERVER_SIZES.map((row) => row.maxChangeBytesPerDay));
    const what = {
      name: 'changes',
      needed,
      actual: changeBytesPerDay,
      unit: 'bytes a day',
    } as const;
    return violated(what, { ...values, what: what.name });
  }
  return together(
    PARTS.map(({ key, name, unit }) =>
      ifKnown(server[key], `processServer.${key}`, (actual) => {
        const needed = size[key];
        return actual >= needed
          ? passed
          : violated({ name, needed, actual, unit }, { ...values, what: `${name} in ${unit}` });
      }),
    ),
  );
}
