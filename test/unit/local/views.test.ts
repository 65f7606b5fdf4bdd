import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { ApiFailure, LabApi } from '../../../local/lab/api.ts';
import { chooseBoot } from '../../../local/lab/boot-choice.ts';
import { formatSeconds } from '../../../local/lab/format.ts';
import { formatBytes } from '../../../shared/domain/human-units.ts';
import { LiveLine, progressLine } from '../../../local/lab/progress-view.ts';
import { reportLines } from '../../../local/lab/report.ts';
import type { JobView } from '../../../shared/contracts/http-api.ts';

const AT = new Date(0).toISOString();

function aJob(change: Partial<JobView> = {}): JobView {
  return {
    id: 'job-1',
    operation: 'failback',
    protectedItemId: 'web-01',
    protectedItemName: 'web-01',
    state: 'running',
    phase: 'replicating',
    stage: 'Copying disks',
    allowedActions: [],
    createdAt: AT,
    endedAt: null,
    rpoSeconds: null,
    follows: null,
    progress: null,
    tasks: [],
    health: [],
    cycles: [],
    history: [],
    report: {},
    error: null,
    ...change,
  };
}

const progress = (
  bytesDone: number,
  bytesTotal: number,
  rest: object = {},
): JobView['progress'] => ({
  bytesDone,
  bytesTotal,
  rangesDone: 0,
  rangesTotal: 0,
  sentBytes: 0,
  wireBytes: 0,
  bytesPerSecond: 0,
  parts: [],
  ...rest,
});

describe('sizes and times for people', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [1536, '1.5 KiB'],
    [32 * 1024 ** 2, '32.0 MiB'],
    [5 * 1024 ** 4, '5.0 TiB'],
    [5000 * 1024 ** 4, '5000.0 TiB'],
  ])('shows %d bytes as %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  it.each([
    [0, '0.0 s'],
    [9.44, '9.4 s'],
    [10.4, '10 s'],
    [59.4, '59 s'],
    [59.6, '1 min 00 s'],
    [65, '1 min 05 s'],
    [3661, '61 min 01 s'],
  ])('shows %d seconds as %s', (seconds, text) => expect(formatSeconds(seconds)).toBe(text));
});

describe('a line about a job', () => {
  it('says what happened last while nothing is counted', () => {
    expect(progressLine(aJob())).toContain('Waiting to start');
    const history = [
      { at: AT, phase: 'replicating', stage: 'Copying disks', message: 'Snapshot taken' },
    ];
    expect(progressLine(aJob({ history: history as JobView['history'] }))).toContain(
      'Snapshot taken',
    );
  });

  it('has a bar, bytes, rate and the time left', () => {
    const some = progress(512, 1024, { bytesPerSecond: 2048, etaSeconds: 65 });
    expect(progressLine(aJob({ progress: some }))).toMatch(
      /^Copying disks +█{12}░{12} 512 B of 1\.0 KiB · 2\.0 KiB\/s · 1 min 05 s left$/,
    );
  });

  it.each([
    ['nothing to do', 0, 0],
    ['all is done', 10, 10],
    ['more came than was expected', 20, 10],
  ])('has a full bar when there is %s', (_name, done, total) => {
    expect(progressLine(aJob({ progress: progress(done, total) }))).toMatch(/ █{24} /);
  });
});

/** As much of a terminal, or of a file, as the line uses. */
function anOutput(isTTY: boolean): { out: NodeJS.WriteStream; text: () => string } {
  let text = '';
  const out = { isTTY, columns: 10, write: (more: string) => (text += more) };
  return { out: out as unknown as NodeJS.WriteStream, text: () => text };
}

describe('a line that changes', () => {
  it('is written in place on a terminal, cut to its width', () => {
    const { out, text } = anOutput(true);
    const line = new LiveLine(out);
    line.show('short');
    line.show('far too long for it');
    line.end();
    line.end();
    expect(text()).toBe('\r\u001B[2Kshort\r\u001B[2Kfar too l\n');
  });

  it('is written as whole lines elsewhere, each once', () => {
    const { out, text } = anOutput(false);
    const line = new LiveLine(out);
    line.show('far too long for it');
    line.show('far too long for it');
    line.show('another');
    line.end();
    expect(text()).toBe('far too long for it\nanother\n');
  });
});

describe('the report of the demonstration', () => {
  const report = {
    downtimeSeconds: 65,
    dataLossSeconds: 0,
    proof: { blocksCompared: 96, bytesCompared: 1, mismatches: 0 },
    isBootSimulated: true,
    bootEvidence: 'marker=MARK-1',
    reverseChangedBytes: 1024,
    reverseComparedBytes: 2048,
  };
  const cycles = [
    { changedBytes: 1024, zeroBytes: 512, wireBytes: 256 },
    { changedBytes: 1024, zeroBytes: 0, wireBytes: 256 },
  ];

  it('sums up the cycles and says what was proved and how it booted', () => {
    const identical = { diskId: 'os', bytes: 1024, differsAt: null };
    const text = reportLines(aJob({ report, cycles }), [identical]).join('\n');
    for (const part of [
      '1 min 05 s',
      '1 full copy, 1 deltas',
      '2.0 KiB (512 B of it zeros)',
      '96 blocks compared, 0 differ',
      'identical to the Azure disk at shutdown (1.0 KiB)',
      'simulated: marker=MARK-1',
      '1.0 KiB sent of 2.0 KiB compared',
    ]) {
      expect(text).toContain(part);
    }
  });

  it('shouts where a disk differs', () => {
    const different = { diskId: 'lun-0', bytes: 1024, differsAt: 512 };
    expect(reportLines(aJob({ report, cycles }), [different]).join('\n')).toContain(
      'DIFFERS at byte 512',
    );
  });
});

describe('the choice of how to boot', () => {
  it('is simulated when that is asked for, and says so', () => {
    const { mode, explanation } = chooseBoot('unused', true);
    expect(mode).toBe('simulated');
    expect(explanation).toContain('asked for');
  });
});

describe('the API as the lab calls it', () => {
  let server: Server | null = null;
  afterEach(async () => {
    const open = server;
    server = null;
    open?.closeAllConnections();
    await new Promise((resolve) => (open === null ? resolve(null) : open.close(resolve)));
  });

  async function answering(status: number, text: string) {
    const seen: string[] = [];
    const listening = createServer((request, response) => {
      seen.push(`${request.method} ${request.url} ${String(request.headers['x-functions-key'])}`);
      request.resume();
      response.writeHead(status).end(text);
    });
    server = listening;
    await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
    const { port } = listening.address() as AddressInfo;
    return { api: new LabApi(`http://127.0.0.1:${port}`, 'the key'), seen };
  }

  it('shows its key and reads the answer', async () => {
    const { api, seen } = await answering(200, JSON.stringify(aJob()));
    expect(await api.ask('job-1', 'failover')).toMatchObject({ id: 'job-1' });
    expect(seen).toEqual(['POST /api/failbacks/job-1/failover the key']);
  });

  it('says what went wrong, in the words of the problem or of the host', async () => {
    const { api } = await answering(409, JSON.stringify({ code: 'FB-REQ-003', detail: 'not now' }));
    const failure = await api.ask('job-1', 'commit').catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ApiFailure);
    expect(failure).toMatchObject({ status: 409, message: '409: not now' });
    server?.closeAllConnections();
    await new Promise((resolve) => server?.close(resolve));
    const bare = await answering(502, 'Bad gateway');
    await expect(bare.api.send('GET', '/api/x')).rejects.toMatchObject({
      message: '502: Bad gateway',
    });
  });
});
