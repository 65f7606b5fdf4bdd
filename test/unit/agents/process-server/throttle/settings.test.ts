import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { processServerConfigSchema } from '../../../../../agents/process-server/config.ts';
import { loadConfig } from '../../../../../agents/runtime/config.ts';
import { readSettings } from '../../../../../functions/composition/settings.ts';
import { cloudInit } from '../../../../../shared/adapters/azure/cloud-init.ts';

const AGENT = {
  name: 'ps1',
  controlPlaneUrl: 'https://app.example',
  registrationToken: 'token',
  passphrase: 'passphrase',
  dataFolder: 'data',
};
const ENVIRONMENT = {
  FAILBACK_STORAGE_ACCOUNT: 'account',
  FAILBACK_SUBSCRIPTION_ID: '7b4b5d0e-5c0f-4f4f-8d3a-0d7c3f1a9a11',
  FAILBACK_PUBLIC_URL: 'https://app.example',
  FAILBACK_REGISTRATION_TOKEN: 'token',
  FAILBACK_PASSPHRASE: 'passphrase',
  FAILBACK_AGENT_PACKAGE_URL: 'https://packages.example/agents.tar.gz',
  FAILBACK_PROCESS_SERVER_SSH_KEY: 'ssh-ed25519 AAAA',
};
const WORKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri'];
const SCHEDULE = {
  defaultMbps: 500,
  timeZone: 'Europe/Berlin',
  windows: [{ days: WORKDAYS, from: '08:00', to: '18:00', mbps: 200 }],
};
const window = (changes: object): object => ({
  windows: [{ days: ['mon'], from: '08:00', to: '18:00', mbps: 1, ...changes }],
});

/** Schedules that nobody should run with, and the field that is to be named. */
const WRONG: readonly (readonly [string, unknown, string])[] = [
  ['a misspelt field', { defaultMBps: 5, windows: [] }, 'defaultMBps'],
  ['a misspelt field of a window', window({ day: ['tue'] }), 'windows.0'],
  ['a negative rate', { defaultMbps: -1 }, 'defaultMbps'],
  ['a rate beyond all lines', window({ mbps: 2_000_000 }), 'windows.0.mbps'],
  ['a rate as text', window({ mbps: '5' }), 'windows.0.mbps'],
  ['an unknown time zone', { timeZone: 'Middle/Earth' }, 'timeZone'],
  ['an unknown day', window({ days: ['monday'] }), 'windows.0.days.0'],
  ['a window without days', window({ days: [] }), 'windows.0.days'],
  ['a beginning at 24:00', window({ from: '24:00' }), 'windows.0.from'],
  ['a time without a leading zero', window({ from: '8:00' }), 'windows.0.from'],
  ['an end at 24:01', window({ to: '24:01' }), 'windows.0.to'],
  ['a minute 60', window({ to: '17:60' }), 'windows.0.to'],
  ['a window that ends where it begins', window({ to: '08:00' }), 'windows.0.to'],
  ['no window at all but a pause', { defaultMbps: 0 }, 'nothing would ever be sent'],
];

describe('the configuration file of a process server', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'process-server-config-'));
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const load = (content: object): ReturnType<typeof processServerConfigSchema.parse> | null => {
    const file = join(folder, 'config.json');
    writeFileSync(file, JSON.stringify(content));
    return loadConfig(processServerConfigSchema, ['--config', file], '');
  };

  it('needs nothing besides what every agent has', () => {
    expect(load(AGENT)).toMatchObject({
      bandwidth: { windows: [] },
      connectionsPerDisk: 4,
      memoryMiB: 24,
      maxRequests: 32,
    });
  });

  it('takes a weekly schedule and the limits at their ends', () => {
    const least = { connectionsPerDisk: 1, memoryMiB: 16, maxRequests: 1 };
    const most = { connectionsPerDisk: 16, memoryMiB: 1024, maxRequests: 128 };
    expect(load({ ...AGENT, ...least, bandwidth: SCHEDULE })).toMatchObject({
      ...least,
      bandwidth: SCHEDULE,
    });
    expect(load({ ...AGENT, ...most, bandwidth: { defaultMbps: 10 } })).toMatchObject({
      ...most,
      bandwidth: { defaultMbps: 10, windows: [] },
    });
  });

  it.each(WRONG)('is refused with %s', (_, bandwidth, field) => {
    expect(() => load({ ...AGENT, bandwidth })).toThrow(
      expect.objectContaining({ code: 'FB-AGENT-002', message: expect.stringContaining(field) }),
    );
  });

  it('names everything that is wrong at once', () => {
    const message = (() => {
      try {
        load({
          ...AGENT,
          name: '',
          connectionsPerDisk: 17,
          memoryMiB: 15,
          maxRequests: 0,
          bandwidth: { defaultMbps: -1, timeZone: 'Nowhere', ...window({ from: '8', mbps: -5 }) },
        });
      } catch (error) {
        return String(error);
      }
      return '';
    })();
    const fields = ['name', 'connectionsPerDisk', 'memoryMiB', 'maxRequests'];
    const inside = ['defaultMbps', 'timeZone', 'windows.0.from', 'windows.0.mbps'];
    for (const field of [...fields, ...inside.map((it) => `bandwidth.${it}`)]) {
      expect(message).toContain(`${field}:`);
    }
  });
});

describe('the bandwidth setting of the Function App', () => {
  const read = (bandwidth: string): ReturnType<typeof readSettings> =>
    readSettings({ ...ENVIRONMENT, FAILBACK_PROCESS_SERVER_BANDWIDTH: bandwidth });

  const configOf = (settings: ReturnType<typeof readSettings>): unknown => {
    const text = cloudInit({
      name: 'ps1',
      controlPlaneUrl: settings.FAILBACK_PUBLIC_URL,
      registrationToken: settings.FAILBACK_REGISTRATION_TOKEN,
      passphrase: settings.FAILBACK_PASSPHRASE,
      packageUrl: settings.FAILBACK_AGENT_PACKAGE_URL,
      bandwidth: settings.FAILBACK_PROCESS_SERVER_BANDWIDTH,
    });
    const document = JSON.parse(text.replace('#cloud-config\n', '')) as {
      write_files: { path: string; content: string }[];
    };
    const file = document.write_files.find(({ path }) => path.endsWith('process-server.json'));
    return JSON.parse(file?.content ?? '');
  };

  it('reaches a deployed process server, which accepts it', () => {
    const config = processServerConfigSchema.parse(configOf(read(JSON.stringify(SCHEDULE))));
    expect(config.bandwidth).toEqual(SCHEDULE);
  });

  it('is not needed: a deployed process server is unlimited without it', () => {
    const config = configOf(readSettings(ENVIRONMENT));
    expect(config).not.toHaveProperty('bandwidth');
    expect(processServerConfigSchema.parse(config).bandwidth).toEqual({ windows: [] });
  });

  it.each(WRONG)('is refused with %s, as the process server would', (_, bandwidth, field) => {
    expect(() => read(JSON.stringify(bandwidth))).toThrow(
      expect.objectContaining({ code: 'FB-REQ-009', message: expect.stringContaining(field) }),
    );
  });

  it.each(['', '200', '200 Mbps', '[]', 'null'])(
    'is refused when it is no JSON object: "%s"',
    (text) => {
      expect(() => read(text)).toThrow(/FAILBACK_PROCESS_SERVER_BANDWIDTH/);
    },
  );
});
