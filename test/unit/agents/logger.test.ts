import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createLogger, type Level } from '../../../agents/runtime/logger.ts';
import { Secret } from '../../../shared/domain/secret.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'logger-'));
  file = join(folder, 'agent.log');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const written = (): string => readFileSync(file, 'utf8');

describe('the log of an agent', () => {
  it('has one line an event, with time, level and values', () => {
    const log = createLogger('debug', file);
    log.info('a command starts', { commandId: 'job-1.stopVm', count: 2 });
    log.error('no values');
    const [first, second, ...rest] = written().split('\n');
    expect(first).toMatch(
      /^\d{4}-\d\d-\d\dT\S+Z info {2}a command starts {"commandId":"job-1.stopVm","count":2}$/,
    );
    expect(second).toMatch(/ error no values$/);
    expect(rest).toEqual(['']);
  });

  it.each([
    ['debug', ['debug', 'info', 'warn', 'error']],
    ['info', ['info', 'warn', 'error']],
    ['warn', ['warn', 'error']],
    ['error', ['error']],
  ] as const)('from level %s on has %j', (minimum, levels) => {
    const log = createLogger(minimum, file);
    for (const level of ['debug', 'info', 'warn', 'error'] satisfies Level[])
      log[level](`-${level}`);
    expect([...written().matchAll(/-(\w+)/g)].map(([, level]) => level).filter(isLevel)).toEqual(
      levels,
    );
  });

  it.each([
    ['the signature of a SAS', 'https://a.blob/x?sv=2025&sig=SECRET%3D&se=1', undefined],
    ['a SAS among the values', 'event', { url: 'https://a.blob/x?sig=SECRET&sv=1' }],
    ['a bearer key', 'event', { authorization: 'Bearer SECRET' }],
    ['a header in a text', 'authorization: Bearer SECRET failed', undefined],
    ['a connection string', 'AccountName=a;AccountKey=SECRET==;EndpointSuffix=x', undefined],
    ['a function key', 'https://app/api/x?code=SECRET', undefined],
    ['what is held as a secret', 'event', { passphrase: new Secret('SECRET') }],
  ])('does not have %s', (_name, message, values) => {
    createLogger('debug', file).warn(message, values);
    expect(written()).not.toContain('SECRET');
    expect(written()).toContain('[secret]');
  });

  it('goes to stderr, which says so once, while its file cannot be written', () => {
    const lines: string[] = [];
    const write = jest.spyOn(process.stderr, 'write').mockImplementation((text) => {
      lines.push(String(text));
      return true;
    });
    try {
      const missing = join(folder, 'missing');
      const log = createLogger('info', join(missing, 'agent.log'));
      log.info('first');
      log.info('second');
      expect(lines.map((line) => /first|second|cannot be written/.exec(line)?.[0])).toEqual([
        'cannot be written',
        'first',
        'second',
      ]);
      mkdirSync(missing);
      log.info('third');
      expect(lines).toHaveLength(3);
      expect(readFileSync(join(missing, 'agent.log'), 'utf8')).toContain('third');
    } finally {
      write.mockRestore();
    }
  });

  it('keeps the rest of a line in which something is masked', () => {
    createLogger('debug', file).warn('read https://a.blob/disk?sv=1&sig=SECRET&sp=r failed', {
      status: 403,
    });
    expect(written()).toMatch(/read https:\/\/a\.blob\/disk\?sv=1.*&sp=r failed {"status":403}/);
  });
});

function isLevel(text: string | undefined): boolean {
  return ['debug', 'info', 'warn', 'error'].includes(text ?? '');
}
