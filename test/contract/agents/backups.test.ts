import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Backups } from '../../../agents/configuration-server/backups.ts';
import { SiteDatabase } from '../../../agents/configuration-server/database.ts';
import { restoreBackup } from '../../../agents/configuration-server/restore.ts';
import { Secret } from '../../../shared/domain/secret.ts';

const HOUR_MS = 3_600_000;
const passphrase = new Secret('the passphrase of the site');
const IDENTITY = '{"agentId":"cs-1","agentKey":"the agent key"}';
const AUTHORITY = '{"keyPem":"the key of the authority","certificatePem":"c"}';

let root: string;
let dataFolder: string;
let folder: string;
let database: SiteDatabase;
let nowMs: number;
const warnings: string[] = [];
const silent = (): void => undefined;
const log = {
  debug: silent,
  info: silent,
  warn: (text: string) => void warnings.push(text),
  error: silent,
};

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'backups-'));
  dataFolder = join(root, 'data');
  folder = join(root, 'backups');
  mkdirSync(dataFolder);
  writeFileSync(join(dataFolder, 'identity.json'), IDENTITY);
  writeFileSync(join(dataFolder, 'authority.json'), AUTHORITY);
  database = new SiteDatabase(dataFolder);
  database.rememberItem('web-01');
  nowMs = Date.parse('2026-03-01T12:00:00.000Z');
  warnings.length = 0;
});
afterEach(() => {
  database.close();
  rmSync(root, { recursive: true, force: true });
});

function backups({ everyHours = 24, keep = 3, at = folder } = {}): Backups {
  const source = { name: 'cs1', address: '10.0.0.4', passphrase, dataFolder, database };
  const config = { folder: at, everyHours, keep };
  return new Backups({ config, source, log, now: () => new Date(nowMs) });
}

const restored = (
  file: string,
  change: object = {},
): { readonly target: string; readonly result: ReturnType<typeof restoreBackup> } => {
  const target = join(root, 'restored');
  mkdirSync(target, { recursive: true });
  const request = { file, dataFolder: target, name: 'cs1', passphrase, ...change };
  return { target, result: restoreBackup(request) };
};

describe('a backup of the configuration server', () => {
  it('brings back what it knows, its identity and its authority', () => {
    const file = backups().take();
    const { target, result } = restored(file);
    expect(result).toEqual({ takenAt: '2026-03-01T12:00:00.000Z', address: '10.0.0.4' });
    expect(readFileSync(join(target, 'identity.json'), 'utf8')).toBe(IDENTITY);
    expect(readFileSync(join(target, 'authority.json'), 'utf8')).toBe(AUTHORITY);
    const again = new SiteDatabase(target);
    try {
      expect(again.knowsItem('web-01')).toBe(true);
      expect(again.knowsItem('web-02')).toBe(false);
    } finally {
      again.close();
    }
  });

  it('is for its owner only, and shows no key to whoever gets hold of it', () => {
    const file = backups().take();
    expect(statSync(file).mode & 0o077).toBe(0);
    const bytes = readFileSync(file).toString('latin1');
    expect(bytes).not.toContain('the agent key');
    expect(bytes).not.toContain('the key of the authority');
    const restore = (): unknown => restored(file, { passphrase: new Secret('another') });
    expect(restore).toThrow(
      expect.objectContaining({
        code: 'FB-AGENT-014',
        message: expect.stringContaining('another passphrase') as unknown,
      }),
    );
    expect(readdirSync(join(root, 'restored'))).toEqual([]);
  });

  it('is taken when it is due and not before, the newest are kept', () => {
    const scheduled = backups({ everyHours: 2, keep: 2 });
    expect(scheduled.newestAt()).toBeNull();
    const look = (hours: number): readonly string[] => {
      nowMs += hours * HOUR_MS;
      scheduled.start();
      scheduled.stop();
      return readdirSync(folder);
    };
    expect(look(0)).toHaveLength(1);
    expect(look(1)).toHaveLength(1);
    expect(look(1)).toHaveLength(2);
    expect(look(2)).toHaveLength(2);
    expect(scheduled.newestAt()).toEqual(new Date(nowMs));
  });

  it('that broke off counts for nothing and is tidied away by the next', () => {
    mkdirSync(folder);
    const left = join(folder, 'site-2026-03-01T10-00-00-000Z.sqlite.new');
    writeFileSync(left, 'half');
    const scheduled = backups();
    expect(scheduled.newestAt()).toBeNull();
    scheduled.take();
    expect(existsSync(left)).toBe(false);
  });

  it('that cannot be written is said, and nothing else stops', () => {
    writeFileSync(join(root, 'file'), '');
    const scheduled = backups({ at: join(root, 'file', 'below') });
    scheduled.start();
    scheduled.stop();
    expect(warnings).toEqual(['no backup could be taken']);
  });
});

describe('a restore', () => {
  it('leaves a server alone that is there already', () => {
    const file = backups().take();
    const attempt = (): unknown => restored(file, { dataFolder });
    expect(attempt).toThrow(expect.objectContaining({ code: 'FB-AGENT-013' }));
    expect(database.knowsItem('web-01')).toBe(true);
  });

  it.each([
    ['of another server', () => ({ name: 'cs2' }), 'taken of cs1, this is cs2'],
    ['that is not there', () => ({ file: join(root, 'none') }), 'no such file'],
    [
      'that is some other file',
      () => {
        const file = join(root, 'other');
        writeFileSync(file, 'x'.repeat(5000));
        return { file };
      },
      'not a database',
    ],
  ])('refuses a backup %s, and may be repeated', (_what, change, reason) => {
    const file = backups().take();
    expect(() => restored(file, change())).toThrow(reason);
    expect(existsSync(join(root, 'restored', 'site.sqlite'))).toBe(false);
    expect(restored(file).result.address).toBe('10.0.0.4');
  });

  it('that broke off before the database was in place is done again', () => {
    const file = backups().take();
    const target = join(root, 'restored');
    mkdirSync(target);
    writeFileSync(join(target, 'site.sqlite.restoring'), 'half');
    writeFileSync(join(target, 'identity.json'), 'of the broken one');
    restored(file);
    expect(readFileSync(join(target, 'identity.json'), 'utf8')).toBe(IDENTITY);
  });
});
