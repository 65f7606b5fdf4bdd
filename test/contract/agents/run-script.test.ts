import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SiteDatabase } from '../../../agents/configuration-server/database.ts';
import { createScriptHandlers } from '../../../agents/configuration-server/script-runner.ts';
import type { CommandOutput } from '../../../shared/contracts/commands.ts';
import { aCommandContext } from '../../support/data-plane/command-context.ts';
import { must } from '../../support/must.ts';

let folder: string;
let scripts: string;
let database: SiteDatabase;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'run-script-'));
  scripts = mkdtempSync(join(tmpdir(), 'scripts-'));
  database = new SiteDatabase(folder);
});

afterEach(() => {
  database.close();
  rmSync(folder, { recursive: true, force: true });
  rmSync(scripts, { recursive: true, force: true });
});

function write(name: string, text: string, mode = 0o700): string {
  const file = join(scripts, name);
  writeFileSync(file, `#!/bin/sh\n${text}\n`);
  chmodSync(file, mode);
  return file;
}

interface Run {
  readonly script: string;
  readonly timeoutSeconds?: number;
  readonly commandId?: string;
  readonly folder?: string | undefined;
}

async function run(what: Run, context = aCommandContext()): Promise<CommandOutput<'runScript'>> {
  const { script, timeoutSeconds = 30, commandId = 'pr-1.dns-1' } = what;
  const allowed = 'folder' in what ? what.folder : scripts;
  const { runScript } = createScriptHandlers({ folder: allowed, database });
  const input = { script, arguments: { zone: 'shop; rm -rf /' }, timeoutSeconds };
  const result = await must(runScript, 'the handler of runScript')(
    input,
    Object.assign(context, { commandId }),
  );
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
}

describe('a script that a recovery plan names', () => {
  it('gets its arguments as JSON in its environment, and nothing else of ours', async () => {
    write('dns.sh', 'echo "$FAILBACK_ARGUMENTS"; env | cut -d= -f1 | sort | tr "\\n" " "');
    process.env['PASSPHRASE_OF_THE_TEST'] = 'x';
    const { output } = await run({ script: 'dns.sh' });
    expect(output).toContain('{"zone":"shop; rm -rf /"}');
    expect(output).not.toContain('PASSPHRASE_OF_THE_TEST');
    delete process.env['PASSPHRASE_OF_THE_TEST'];
  });

  it('that fails is reported with its exit code and the end of its output, without secrets', async () => {
    write('dns.sh', 'echo begin; echo "Password=hunter2;"; echo oops >&2; exit 3');
    await expect(run({ script: 'dns.sh' })).rejects.toMatchObject({
      code: 'FB-RCV-011',
      values: { reason: 'exit code 3', output: expect.stringContaining('oops') },
    });
    await expect(run({ script: 'dns.sh', commandId: 'pr-1.dns-2' })).rejects.not.toMatchObject({
      values: { output: expect.stringContaining('hunter2') },
    });
  });

  it('shows the end of a long output only', async () => {
    write('dns.sh', 'seq 1 20000; echo last');
    const { output } = await run({ script: 'dns.sh' });
    expect(output.length).toBeLessThanOrEqual(2000);
    expect(output).toContain('last');
  });

  it('is ended with everything that it started when its time is over', async () => {
    const marker = join(folder, 'marker');
    write('dns.sh', `(sleep 3; touch ${marker}) & sleep 60`);
    await expect(run({ script: 'dns.sh', timeoutSeconds: 1 })).rejects.toMatchObject({
      code: 'FB-RCV-011',
      values: { reason: 'not done within 1 seconds' },
    });
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect(existsSync(marker)).toBe(false);
  });

  it('is ended when the control plane gives the command up', async () => {
    write('dns.sh', 'sleep 60');
    const context = aCommandContext();
    const running = run({ script: 'dns.sh' }, context);
    setTimeout(() => context.abort(), 200);
    await expect(running).rejects.toThrow('abort');
  });

  it('is never run twice for one command: who comes back after a stop is told so', async () => {
    const log = join(folder, 'log');
    write('dns.sh', `echo ran >> ${log}`);
    await run({ script: 'dns.sh' });
    await expect(run({ script: 'dns.sh' })).rejects.toMatchObject({ code: 'FB-RCV-014' });
    expect(readFileSync(log, 'utf8')).toBe('ran\n');
    await run({ script: 'dns.sh', commandId: 'pr-1.dns-2' });
    expect(readFileSync(log, 'utf8')).toBe('ran\nran\n');
  });

  it.each<[string, () => Run]>([
    ['that is not there', () => ({ script: 'none.sh' })],
    [
      'of a site that allows none',
      () => {
        write('dns.sh', 'true');
        return { script: 'dns.sh', folder: undefined };
      },
    ],
    [
      'that others may write to',
      () => {
        write('dns.sh', 'true', 0o777);
        return { script: 'dns.sh' };
      },
    ],
    [
      'in a folder that others may write to',
      () => {
        write('dns.sh', 'true');
        chmodSync(scripts, 0o777);
        return { script: 'dns.sh' };
      },
    ],
    [
      'that is a link to somewhere else',
      () => {
        symlinkSync('/bin/true', join(scripts, 'dns.sh'));
        return { script: 'dns.sh' };
      },
    ],
    ['that is a folder', () => ({ script: '.' })],
  ])('is refused when it is one %s', async (_what, arrange) => {
    await expect(run(arrange())).rejects.toMatchObject({ code: 'FB-RCV-010' });
  });
});
