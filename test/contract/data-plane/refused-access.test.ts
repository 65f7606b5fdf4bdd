import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ControlPlaneClient } from '../../../agents/runtime/control-plane-client.ts';
import { problem } from '../../../functions/support/problem.ts';
import { lossBehind } from '../../../shared/domain/source-state.ts';
import { type ErrorRecord, FailbackError } from '../../../shared/errors/failback-error.ts';
import { aCommandContext, type FakeContext } from '../../support/data-plane/command-context.ts';
import { LabDisk } from '../../support/data-plane/lab-disk.ts';
import { LabReplication } from '../../support/data-plane/lab-replication.ts';
import { Random } from '../../support/data-plane/random.ts';
import { useLab } from '../../support/data-plane/use-lab.ts';

const SIZE_BYTES = 1024 * 1024;

const lab = useLab();
let server: Server;
let replication: LabReplication;
let snapshot: string;
let context: FakeContext;
/** What the control plane answers first, in turn; then it gives access. */
let refusals: FailbackError[];
const ended = new AbortController();

beforeEach(async () => {
  const source = await LabDisk.create(lab.storage, SIZE_BYTES);
  await source.write(0, new Random(7).bytes(SIZE_BYTES));
  replication = await LabReplication.open({ site: lab.site, source });
  snapshot = await source.snapshot();
  refusals = [];
  server = createServer((_request, response) => {
    const refusal = refusals.shift();
    if (refusal === undefined) {
      void source.access(snapshot).then((access) => response.end(JSON.stringify(access)));
      return;
    }
    const answer = problem(refusal);
    response.writeHead(answer.status ?? 500, answer.headers);
    response.end(answer.body);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const client = new ControlPlaneClient(`http://127.0.0.1:${port}`, ended.signal);
  client.identify('ps-one', 'key');
  context = aCommandContext(() => client.dataAccess('fb-1.replicate-1-os'));
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

describe('a transfer to which Azure gives no access', () => {
  it('waits while too many snapshots of the disk are open, and says so', async () => {
    const full = new FailbackError('FB-AZ-006', { snapshotName: snapshot });
    refusals = [full, full];
    await replication.bring({ point: 'point-1', snapshot, context });
    expect(replication.target.equals(replication.source.content)).toBe(true);
    expect(context.accessCount).toBe(3);
    const shown = context.progress.flatMap(({ health }) => (health === undefined ? [] : [health]));
    expect(shown).toMatchObject([{ code: 'FB-AZ-006' }, { code: 'FB-AZ-006' }]);
    expect(shown[0]?.message).toContain(snapshot);
  });

  it('ends where its snapshot is gone, with what makes the next cycle take another', async () => {
    refusals = [new FailbackError('FB-AZ-004', { snapshotName: snapshot })];
    const error = await replication.send({ point: 'point-1', snapshot, context }).then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: 'FB-AZ-004', values: { snapshotName: snapshot } });
    const record: ErrorRecord | null = error instanceof FailbackError ? error.toRecord() : null;
    expect(record && lossBehind(record)).toBe('gone');
  });
});
