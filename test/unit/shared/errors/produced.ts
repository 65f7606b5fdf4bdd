import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ControlPlaneClient } from '../../../../agents/runtime/control-plane-client.ts';
import { TargetDisk } from '../../../../agents/master-target/target-disk.ts';
import { SnapshotSource } from '../../../../agents/process-server/snapshot-source.ts';
import { SourceAccess } from '../../../../agents/process-server/source-access.ts';
import { createThrottle } from '../../../../agents/process-server/throttle/throttle.ts';
import { createActivities } from '../../../../activities/create-activities.ts';
import { readSettings } from '../../../../functions/composition/settings.ts';
import { assessHealth, type HealthFacts } from '../../../../shared/domain/health.ts';
import { refusalOf } from '../../../../shared/domain/protected-item-operations.ts';
import type { ErrorCode } from '../../../../shared/errors/catalogue.ts';
import { errorRecord, FailbackError } from '../../../../shared/errors/failback-error.ts';
import {
  aCommand,
  AGENT_KEY,
  aJob,
  anItem,
  aVm,
  NOW,
  POINTS,
} from '../../../support/memory/builders.ts';
import { callRoute, problemOf } from '../../../support/memory/call-route.ts';
import { READER_KEY } from '../../../support/memory/memory-access-keys.ts';
import { aWorld, type MemoryWorld } from '../../../support/memory/memory-world.ts';
import { must } from '../../../support/must.ts';

type Codes = readonly (string | undefined)[];

/** Makes the product itself report the code, and answers which it reported. */
type Producer = () => Promise<Codes> | Codes;

const body = { protectedItemId: 'web-01' };

/** The machine is where the test says, and nobody works on it. */
function atRest(phase: 'failedOver' | 'protected'): MemoryWorld {
  const world = aWorld();
  world.stores.items.put(anItem({ phase }));
  return world;
}

async function problem(
  world: MemoryWorld,
  route: string,
  options: Parameters<typeof callRoute>[2],
): Promise<Codes> {
  return [problemOf(await callRoute(world, route, options)).code];
}

async function act(action: string, world = aWorld(), sent?: unknown): Promise<Codes> {
  const params = { id: 'fb-1', action };
  return problem(world, 'actOnFailback', { params, ...(sent === undefined ? {} : { body: sent }) });
}

async function thrownBy(run: () => unknown): Promise<Codes> {
  try {
    await run();
    return [];
  } catch (error) {
    return error instanceof FailbackError ? [error.code] : [String(error)];
  }
}

function healthCodes(changes: Partial<HealthFacts>): Codes {
  const facts: HealthFacts = {
    item: anItem({ phase: 'replicating', lastRecoveryPointAt: NOW }),
    now: new Date(NOW),
    agents: [],
    lastJob: null,
    heldUpBy: [],
    defaultRpoThresholdMinutes: 60,
    heartbeatStaleMs: 50_000,
    ...changes,
  };
  return assessHealth(facts).errors.map(({ code }) => code);
}

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** A service that answers everything alike. */
async function served<T>(answer: Answer, use: (url: string) => Promise<T>): Promise<T> {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(answer.status, { ...answer.headers }).end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}

const SIZE_BYTES = 1024 ** 2;

/** What reading a snapshot from a storage service that answers so ends with. */
async function reading(
  answer: Answer,
  read: (source: SnapshotSource) => Promise<unknown>,
): Promise<Codes> {
  return served(answer, async (url) => {
    const source = new SnapshotSource({
      access: new SourceAccess(async () => ({
        sourceKind: 'managedDisk',
        sourceUrl: `${url}/os?sig=x`,
        expiresAt: NOW,
      })),
      signal: new AbortController().signal,
      throttle: createThrottle({
        memoryBytes: SIZE_BYTES,
        maxRequests: 1,
        bandwidth: { windows: [] },
      }),
      key: 'os',
    });
    return thrownBy(async () => read(source));
  });
}

const range = (start: number, end: number): string =>
  `<PageRange><Start>${start}</Start><End>${end}</End></PageRange>`;

export const PRODUCED = {
  'FB-REQ-001': async () => problem(aWorld(), 'createFailback', { body: {} }),
  'FB-REQ-002': async () => problem(aWorld(), 'getFailback', { params: { id: 'nobody' } }),
  'FB-REQ-003': async () => {
    const world = aWorld();
    world.orchestrator.running.add('fb-1-failback');
    return problem(world, 'createFailback', { body });
  },
  'FB-REQ-004': async () => act('commit'),
  'FB-REQ-005': async () => problem(atRest('protected'), 'createFailback', { body }),
  'FB-REQ-006': async () =>
    problem(aWorld(), 'agentHeartbeat', { params: { agentId: 'mt-mt1' }, body: {} }),
  'FB-REQ-007': async () => {
    const world = aWorld();
    world.stores.jobs.put(aJob({ state: 'succeeded', endedAt: NOW }));
    return act('cancel', world);
  },
  'FB-REQ-009': async () => thrownBy(() => readSettings({})),
  'FB-REQ-010': async () => {
    const world = aWorld();
    world.stores.items.put(anItem({ activeJobId: 'fb-1', recoveryPoints: POINTS }));
    return act('failover', world, { recoveryPoint: 'gone' });
  },
  'FB-REQ-020': async () =>
    problem(aWorld(), 'listFailbacks', { query: { 'api-version': '1999-01-01' } }),
  'FB-REQ-021': async () => problem(aWorld(), 'createFailback', { body, key: READER_KEY }),
  'FB-REQ-022': async () => problem(aWorld(), 'createFailback', { body, key: null }),
  'FB-REQ-023': async () => {
    const world = atRest('failedOver');
    const headers = { 'idempotency-key': 'one' };
    await callRoute(world, 'createFailback', { body, headers });
    const other = { ...body, options: { proofShare: 0.5 } };
    return problem(world, 'createFailback', { body: other, headers });
  },
  'FB-REQ-024': async () => {
    const world = atRest('failedOver');
    const headers = { 'idempotency-key': 'one' };
    let codes: Codes = [];
    world.stores.items.beforeReplace = async () => {
      codes = await problem(world, 'createFailback', { body, headers });
    };
    await callRoute(world, 'createFailback', { body, headers });
    return codes;
  },
  'FB-REQ-025': async () =>
    problem(aWorld(), 'putProtectedItem', {
      params: { id: 'web-01' },
      headers: { 'if-none-match': '*' },
      body: {
        name: 'x',
        origin: 'VMware',
        resourceGroup: 'rg-dr',
        vmName: 'web-01-azure',
        target: { configurationServer: 'cs1', masterTarget: 'mt1', vmName: 'web-01' },
      },
    }),
  'FB-REQ-026': async () => {
    const world = aWorld();
    world.stores.items.put(anItem({ phase: 'replicating' }));
    return problem(world, 'deleteProtectedItem', { params: { id: 'web-01' } });
  },
  'FB-REQ-030': () => [refusalOf('cancel', anItem(), null)?.code],
  'FB-REQ-031': async () => {
    const world = aWorld();
    world.stores.jobs.put(aJob({ intents: { failover: NOW }, failoverTo: 'fb-1-p0001' }));
    return act('failover', world);
  },
  'FB-REQ-032': async () => {
    const world = aWorld();
    world.stores.items.put(anItem({ lastJobId: 'fb-0' }));
    world.stores.jobs.put(aJob({ state: 'failed', endedAt: NOW }));
    return act('restart', world);
  },
  'FB-HLT-001': () => healthCodes({ now: new Date(Date.parse(NOW) + 3_660_000) }),
  'FB-HLT-002': () =>
    healthCodes({ agents: [{ kind: 'masterTarget', name: 'mt1', heartbeatAt: null }] }),
  'FB-HLT-003': () =>
    healthCodes({ lastJob: aJob({ state: 'failed', error: errorRecord('FB-JRN-004') }) }),
  'FB-HLT-004': () => healthCodes({ lastJob: aJob({ state: 'waitingForOperator' }) }),
  'FB-HLT-005': () =>
    healthCodes({
      item: anItem(),
      agents: [{ kind: 'masterTarget', name: 'mt1', heartbeatAt: null }],
    }),
  'FB-AZ-003': async () => {
    const world = aWorld();
    const [os] = aVm().disks;
    const vm = world.vms.must('rg-dr/web-01-azure');
    world.vms.vms.set('rg-dr/web-01-azure', {
      ...vm,
      description: aVm({ disks: [must(os, 'the system disk')] }),
    });
    const { bindSite } = createActivities(world);
    return thrownBy(async () => bindSite({ jobId: 'fb-1', itemId: 'web-01' }));
  },
  'FB-AZ-004': async () => {
    const world = aWorld();
    const input = {
      replicationId: 'web-01',
      pointId: 'p1',
      diskId: 'os',
      sizeBytes: 512,
      snapshotName: 'gone',
      masterTarget: { host: 'mt1', port: 9443 },
    };
    world.stores.commands.put(aCommand({ id: 'fb-1.x', name: 'replicateDisk', input }));
    return problem(world, 'agentDataAccess', {
      params: { agentId: 'mt-mt1', commandId: 'fb-1.x' },
      headers: { authorization: `Bearer ${AGENT_KEY}` },
    });
  },
  'FB-AZ-005': async () => {
    const { deleteAzureVm } = createActivities(aWorld());
    return thrownBy(async () => deleteAzureVm({ jobId: 'fb-1', itemId: 'web-01' }));
  },
  'FB-ORC-010': async () => {
    const world = aWorld();
    world.clock.advance(3_600_000);
    const { bindSite } = createActivities(world);
    return thrownBy(async () => bindSite({ jobId: 'fb-1', itemId: 'web-01' }));
  },
  'FB-ORC-012': async () => {
    const world = aWorld();
    await callRoute(world, 'createFailback', { body });
    return [world.stores.jobs.must('fb-1').error?.code];
  },
  'FB-AGENT-004': async () =>
    served({ status: 503, body: 'starting' }, async (url) => {
      const client = new ControlPlaneClient(url, new AbortController().signal);
      return thrownBy(async () => client.heartbeat({ version: '1.0.0', runningCommandIds: [] }));
    }),
  'FB-DATA-003': async () => {
    const headers = { 'content-range': `bytes ${SIZE_BYTES}-0/${SIZE_BYTES + 512}` };
    const noFooter = { status: 206, headers, body: Buffer.alloc(512) };
    return reading(noFooter, async (source) => source.open(SIZE_BYTES));
  },
  'FB-DATA-004': async () => {
    const overlapping = `<PageList>${range(0, 1023)}${range(512, 2047)}</PageList>`;
    return reading({ status: 200, body: overlapping }, async (source) => {
      await source.open(SIZE_BYTES).catch(() => undefined);
      const all = source.ranges({ from: 0, to: SIZE_BYTES, isDelta: false });
      await all.next();
      return all.next();
    });
  },
  'FB-DATA-005': async () => reading({ status: 404 }, async (source) => source.open(SIZE_BYTES)),
  'FB-JRN-003': async () =>
    thrownBy(async () =>
      TargetDisk.open(
        'os',
        { kind: 'file', path: '/nowhere/os.raw' },
        { sizeBytes: 512, isReadOnly: true },
      ),
    ),
} as const satisfies Partial<Record<ErrorCode, Producer>>;
