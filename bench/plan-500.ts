import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { readHostJson, startFunctionsHost } from '../local/functions-host/create-host.ts';
import { loadApp, requireFromApp } from '../local/functions-host/load-app.ts';
import { planRunInstanceId } from '../shared/contracts/orchestrations.ts';
import { StandInAgents } from './plan/agents.ts';
import { WORLD } from './plan/world.ts';

const HELP = `One recovery plan with many machines on the local Functions host, with stand-ins for Azure and agents.

  npm run bench:plan -- [options]

  --machines NUMBER   default 500
  --group NUMBER      machines a group, default 50
  --limit NUMBER      machines under way at the same time, default 50
  --cycle SECONDS     pause between two deltas of a machine that holds, default 900
`;

const APP = join(import.meta.dirname, 'plan/app');
const EXECUTOR = 'durable-functions/lib/src/orchestrations/TaskOrchestrationExecutor';

const { values } = parseArgs({
  options: {
    machines: { type: 'string', default: '500' },
    group: { type: 'string', default: '50' },
    limit: { type: 'string', default: '50' },
    cycle: { type: 'string', default: '900' },
    help: { type: 'boolean', default: false },
  },
});

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function main(): Promise<void> {
  const [count, group, limit] = [values.machines, values.group, values.limit].map(Number);
  const ids = Array.from(
    { length: count ?? 0 },
    (_, index) => `vm-${String(index).padStart(4, '0')}`,
  );
  for (const id of ids) await WORLD.add(id);
  const folder = mkdtempSync(join(tmpdir(), 'plan-'));
  const host = await startFunctionsHost({
    app: await loadApp(APP),
    executorModule: requireFromApp(APP, EXECUTOR),
    dataFolder: folder,
    port: 0,
    hostJson: readHostJson(APP),
  });
  const agents = new StandInAgents(host.url);
  const call = async (method: string, path: string, body?: unknown): Promise<RunView> => {
    const answer = await fetch(`${host.url}/api/recovery-plans/${path}`, {
      method,
      headers: { 'x-functions-key': host.keys.master, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as RunView;
  };
  let peakMiB = 0;
  const sampling = setInterval(() => {
    peakMiB = Math.max(peakMiB, process.memoryUsage().rss / 1024 ** 2);
  }, 250);
  try {
    await call('PUT', 'plan', definitionOf(ids, { group: group ?? 50, limit: limit ?? 50 }));
    const options = { autoFailover: true, cycleIntervalSeconds: Number(values.cycle) };
    const startedAt = Date.now();
    const { id } = await call('POST', 'plan/run', { kind: 'failback', options });
    const until = async (what: string, holds: (run: RunView) => boolean): Promise<RunView> => {
      for (let shownAt = 0; ;) {
        const run = await call('GET', `plan/runs/${id}`);
        if (holds(run)) {
          print(`${seconds(startedAt)} s  ${what}`);
          return run;
        }
        if (run.endedAt !== null) throw new Error(`ended as ${run.state}: ${run.error?.message}`);
        if (run.waitingFor !== null) throw new Error(`waits: ${run.waitingFor.message}`);
        if (Date.now() - shownAt > 15_000) {
          shownAt = Date.now();
          print(
            `${seconds(startedAt)} s  ${JSON.stringify(run.counts)} ${Math.round(peakMiB)} MiB`,
          );
        }
        await delay(2_000);
      }
    };
    await until(
      'all prepared',
      ({ counts }) => (counts['waiting'] ?? 0) + (counts['preparing'] ?? 0) === 0,
    );
    await until('all home', ({ waitingFor }) => waitingFor?.kind === 'commit');
    print(
      `history of the plan so far: ${historyOf(host.durable, id)}; record ${sizeOfRecord(id)} KiB`,
    );
    await call('POST', `plan/runs/${id}/commit`);
    const run = await until('all committed', ({ endedAt }) => endedAt !== null);
    print(
      `state ${run.state}, ${agents.commands} commands, ${agents.retries} reports repeated, peak ${Math.round(peakMiB)} MiB`,
    );
    const database = statSync(join(folder, 'durable.sqlite')).size / 1024 ** 2;
    print(`durable file ${Math.round(database)} MiB, run record ${sizeOfRecord(id)} KiB`);
    print(`history of the plan: ${historyOf(host.durable, id)}`);
    const violations = [...WORLD.machines.values()].flatMap(
      ({ invariants }) => invariants.violations,
    );
    print(`violated invariants: ${violations.length}`);
    process.exitCode = run.state === 'succeeded' && violations.length === 0 ? 0 : 1;
  } finally {
    clearInterval(sampling);
    await host.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface RunView {
  readonly id: string;
  readonly state: string;
  readonly endedAt: string | null;
  readonly counts: Readonly<Record<string, number>>;
  readonly waitingFor: { readonly kind: string; readonly message: string } | null;
  readonly error: { readonly message: string } | null;
}

function definitionOf(
  ids: readonly string[],
  { group, limit }: { readonly group: number; readonly limit: number },
): object {
  const groups = [];
  for (let start = 0; start < ids.length; start += group) {
    const id = `g${start}`;
    groups.push({ id, name: id, itemIds: ids.slice(start, start + group), maxParallel: limit });
  }
  return { name: 'Benchmark', groups, maxParallel: limit };
}

/** Of every instance that belongs to the plan itself: how many events, and how large. */
function historyOf(
  durable: Awaited<ReturnType<typeof startFunctionsHost>>['durable'],
  runId: string,
): string {
  const prefix = planRunInstanceId(runId, 1);
  const sizes = durable
    .list(({ id }) => id.startsWith(prefix))
    .map(({ instanceId }) => {
      const events = durable.status(instanceId, true)?.historyEvents ?? [];
      return { events: events.length, bytes: JSON.stringify(events).length };
    });
  const most = Math.max(...sizes.map(({ events }) => events));
  const largest = Math.max(...sizes.map(({ bytes }) => bytes));
  return `${sizes.length} instances, at most ${most} events and ${Math.round(largest / 1024)} KiB`;
}

function sizeOfRecord(runId: string): number {
  const run = WORLD.planRuns.peek(runId);
  return Math.round(JSON.stringify(run).length / 1024);
}

function seconds(since: number): string {
  return String(Math.round((Date.now() - since) / 1000)).padStart(5);
}

if (values.help) print(HELP);
else await main();
