import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { describeProcessServer } from '../../../agents/process-server/describe.ts';
import { linuxPreparation } from '../../../agents/master-target/linux-preparation.ts';
import { COMMANDS } from '../../../shared/contracts/commands.ts';

let folder: string;
let server: Server;
let port: number;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'describe-'));
  server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
});
afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

describe('facts about the process server', () => {
  it('tell that the master target answers, and the size of the machine', async () => {
    const bandwidth = { defaultMbps: 100, windows: [] };
    const place = { dataFolder: folder, bandwidth };
    const masterTarget = { host: '127.0.0.1', port };
    const facts = await describeProcessServer(place, { masterTarget });
    expect(COMMANDS.describeProcessServer.output.parse(facts)).toEqual(facts);
    expect(facts).toMatchObject({ isPort9443Reachable: true });
    expect(facts.cacheBytes).toBeGreaterThan(0);
    expect(facts.bandwidthLimitMbps).toBe(100);
  });

  it('tell that it does not answer', async () => {
    const place = {
      dataFolder: join(folder, 'none'),
      bandwidth: { windows: [] },
    };
    const masterTarget = { host: '127.0.0.1', port: 1 };
    const facts = await describeProcessServer(place, { masterTarget });
    expect(facts).toMatchObject({
      isPort9443Reachable: false,
      cacheBytes: null,
      bandwidthLimitMbps: null,
    });
  });
});

describe('the preparation of a Linux master target', () => {
  const script = (body: string): string => {
    const file = join(folder, 'prepare.sh');
    writeFileSync(file, body);
    return file;
  };

  it('is what the script says', async () => {
    const state = { missingPackages: ['lvm2'], customChangesCount: 2, isRestartedSince: false };
    const known = { ...state, hasDiskUuids: true };
    const text = JSON.stringify({ ...known, isRetentionSeparate: true });
    const body = `[ "$1 $2 $3" = "--check --retention /retention" ] && echo '${text}'`;
    expect(await linuxPreparation(script(body), '/retention')).toEqual({
      preparation: known,
      isRetentionSeparate: true,
    });
  });

  it.each(['exit 4', 'echo not-json', 'echo {}'])('is unknown after: %s', async (body) => {
    const unknown = { preparation: null, isRetentionSeparate: null };
    expect(await linuxPreparation(script(body), folder)).toEqual(unknown);
    expect(await linuxPreparation(join(folder, 'no-such-script.sh'), folder)).toEqual(unknown);
  });
});
