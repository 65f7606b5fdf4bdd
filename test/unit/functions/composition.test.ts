import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { join } from 'node:path';
import type { DurableClient } from 'durable-functions';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { accessPolicy, functionAppIdOf } from '../../../functions/composition/access.ts';
import { runActivity } from '../../../functions/composition/activity-runner.ts';
import { durableOrchestrator } from '../../../functions/composition/durable-orchestrator.ts';
import { readSettings } from '../../../functions/composition/settings.ts';
import { startRehearsals } from '../../../functions/timers/rehearsals.ts';
import { InvariantViolation } from '../../../shared/domain/assert.ts';
import { FailbackError } from '../../../shared/errors/failback-error.ts';
import { anItem } from '../../support/memory/builders.ts';
import { emptyWorld, type MemoryWorld } from '../../support/memory/memory-world.ts';

const ROOT = join(import.meta.dirname, '../../..');
const good = {
  FAILBACK_STORAGE_CONNECTION: 'AccountName=a;AccountKey=the-key',
  FAILBACK_SUBSCRIPTION_ID: '6b8b2d0e-55a5-4b8a-9f3e-0a4a0c1f5f11',
  FAILBACK_PUBLIC_URL: 'https://app.example',
  FAILBACK_REGISTRATION_TOKEN: 'the-token',
  FAILBACK_PASSPHRASE: 'the-passphrase',
  FAILBACK_AGENT_PACKAGE_URL: 'https://packages.example/agents.tar.gz',
  FAILBACK_PROCESS_SERVER_SSH_KEY: 'ssh-ed25519 AAAA',
};

function problemsOf(environment: Readonly<Record<string, string | undefined>>): string {
  try {
    readSettings(environment);
  } catch (error) {
    if (error instanceof FailbackError && error.code === 'FB-REQ-009') return error.message;
    throw error;
  }
  throw new Error('the settings were accepted');
}

describe('the settings', () => {
  it('are read, with a default for what need not be given', () => {
    expect(readSettings(good)).toMatchObject({
      FAILBACK_ARM_ENDPOINT: 'https://management.azure.com',
      FAILBACK_STORAGE_SUFFIX: 'core.windows.net',
      FAILBACK_PROCESS_SERVER_IMAGE: 'Debian:debian-12:12-gen2:latest',
    });
  });

  it('keep their secrets to themselves', () => {
    const text = `${inspect(readSettings(good), { depth: 9 })}${JSON.stringify(readSettings(good))}`;
    for (const secret of ['the-key', 'the-token', 'the-passphrase']) {
      expect(text).not.toContain(secret);
    }
    expect(readSettings(good).FAILBACK_PASSPHRASE.reveal()).toBe('the-passphrase');
  });

  it.each(Object.keys(good))('cannot do without %s', (name) => {
    expect(problemsOf({ ...good, [name]: undefined })).toContain(`${name}: `);
  });

  it('name everything that is wrong at once', () => {
    const message = problemsOf({
      ...good,
      FAILBACK_SUBSCRIPTION_ID: 'mine',
      FAILBACK_PUBLIC_URL: 'app',
      FAILBACK_PROCESS_SERVER_IMAGE: 'debian',
    });
    for (const name of ['SUBSCRIPTION_ID', 'PUBLIC_URL', 'PROCESS_SERVER_IMAGE']) {
      expect(message).toContain(`FAILBACK_${name}: `);
    }
  });

  it.each(['0', '-1', '1.5', 'for ever', '', '3651'])('keep no record for %j days', (text) => {
    const names = ['EVENTS', 'PREFLIGHTS', 'IDEMPOTENCY', 'COMMANDS', 'POINTS'].map(
      (kind) => `FAILBACK_KEEP_${kind}_DAYS`,
    );
    const message = problemsOf({
      ...good,
      ...Object.fromEntries(names.map((name) => [name, text])),
    });
    for (const name of names) expect(message).toContain(`${name}: `);
  });

  it('keep records as long as they say, and for a default', () => {
    const settings = readSettings({ ...good, FAILBACK_KEEP_EVENTS_DAYS: '7' });
    expect(settings.FAILBACK_KEEP_EVENTS_DAYS).toBe(7);
    expect(settings.FAILBACK_KEEP_COMMANDS_DAYS).toBe(90);
  });

  it('never repeat the value of a secret in their complaint', () => {
    expect(problemsOf({ ...good, FAILBACK_PUBLIC_URL: 'no' })).not.toContain('the-');
  });

  it('take an account for the managed identity instead of a connection string', () => {
    const { FAILBACK_STORAGE_CONNECTION: _left, ...rest } = good;
    const settings = readSettings({ ...rest, FAILBACK_STORAGE_ACCOUNT: 'account' });
    expect(settings.FAILBACK_STORAGE_ACCOUNT).toBe('account');
  });

  it('are all in the sample, which names none that does not exist', () => {
    const sample = JSON.parse(readFileSync(join(ROOT, 'local.settings.sample.json'), 'utf8')) as {
      Values: Record<string, string>;
    };
    const named = Object.keys(sample.Values);
    for (const name of Object.keys(good)) expect(named).toContain(name);
    const source = ['functions/composition/settings.ts', 'functions/app.ts']
      .map((path) => readFileSync(join(ROOT, path), 'utf8'))
      .join('\n');
    for (const name of named.filter((candidate) => candidate.startsWith('FAILBACK_'))) {
      expect(source).toContain(name);
    }
    const used = new Set(source.match(/%FAILBACK_\w+%/g)?.map((text) => text.slice(1, -1)));
    expect(used.size).toBeGreaterThan(0);
    for (const name of used) expect(named).toContain(name);
  });
});

describe('what decides who gets in', () => {
  const policy = (environment: Readonly<Record<string, string>>) =>
    accessPolicy(readSettings({ ...good, ...environment }));

  it.each([
    [{}, false],
    [{ WEBSITE_AUTH_ENABLED: 'False' }, false],
    [{ WEBSITE_AUTH_ENABLED: '' }, false],
    [{ WEBSITE_AUTH_ENABLED: 'True' }, true],
  ])('with %j believes a sign-in: %s', (environment, isTrusted) => {
    expect(policy(environment as unknown as Record<string, string>).isSignInTrusted).toBe(
      isTrusted,
    );
  });

  it('gives a role without a key on a workstation only, and only when asked to', () => {
    const role = { FAILBACK_LOCAL_ROLE: 'operator' };
    const workstation = { AZURE_FUNCTIONS_ENVIRONMENT: 'Development' };
    expect(policy({ ...role, ...workstation }).localRole).toBe('operator');
    expect(policy(role).localRole).toBeNull();
    expect(policy(workstation).localRole).toBeNull();
    const azure = { ...role, AZURE_FUNCTIONS_ENVIRONMENT: 'Production' };
    expect(policy(azure).localRole).toBeNull();
  });

  it('is refused when it makes no sense', () => {
    const wrong = { FAILBACK_KEY_ROLES: 'ops=boss', FAILBACK_FUNCTION_APP_ID: 'my-app' };
    const message = problemsOf({ ...good, ...wrong, FAILBACK_LOCAL_ROLE: 'admin' });
    for (const name of ['KEY_ROLES', 'FUNCTION_APP_ID', 'LOCAL_ROLE']) {
      expect(message).toContain(`FAILBACK_${name}`);
    }
  });

  it('knows the Function App by its setting, or by what App Service tells its apps', () => {
    const id = '/subscriptions/s/resourceGroups/rg/providers/Microsoft.Web/sites/app';
    const told = {
      WEBSITE_OWNER_NAME: 's+rg-WestEuropewebspace',
      WEBSITE_RESOURCE_GROUP: 'rg',
      WEBSITE_SITE_NAME: 'app',
    };
    const idOf = (environment: Readonly<Record<string, string>>) =>
      functionAppIdOf(readSettings({ ...good, ...environment }));
    expect(idOf(told)).toBe(id);
    expect(idOf({ ...told, FAILBACK_FUNCTION_APP_ID: `${id}/slots/next` })).toBe(
      `${id}/slots/next`,
    );
    for (const name of Object.keys(told)) {
      const { [name]: _missing, ...rest } = told as Record<string, string>;
      expect(idOf(rest)).toBeNull();
    }
  });
});

describe('an activity run for the Durable SDK, which retries all that is thrown', () => {
  it('gives its value', async () => {
    expect(await runActivity(() => Promise.resolve(7))).toEqual({ ok: true, value: 7 });
  });

  it('gives a failure that cannot pass as a value', async () => {
    const error = new FailbackError('FB-AZ-001', { operation: 'x', code: 'y', detail: 'z' });
    expect(await runActivity(() => Promise.reject(error))).toEqual({
      ok: false,
      error: error.toRecord(),
    });
  });

  it.each([
    ['a fault that may pass', new FailbackError('FB-AZ-002')],
    ['a broken invariant', new InvariantViolation('x')],
    ['a defect', new TypeError('x')],
  ])('throws %s', async (_what, error) => {
    await expect(runActivity(() => Promise.reject(error))).rejects.toBe(error);
  });
});

describe('the durable client as our orchestrator', () => {
  let calls: string[];
  let status: string;
  let raising: () => Promise<void>;

  beforeEach(() => {
    calls = [];
    status = 'HTTP 404';
    raising = () => Promise.resolve();
  });

  /** Answers as the SDK does: it throws for an instance it does not know. */
  const client = {
    getStatus: (instanceId: string) => {
      if (status.startsWith('HTTP')) return Promise.reject(new Error(`${status}: ${instanceId}`));
      return Promise.resolve({ runtimeStatus: status });
    },
    startNew: (name: string, { instanceId, input }: { instanceId: string; input: unknown }) => {
      calls.push(`start ${name} ${instanceId} ${JSON.stringify(input)}`);
      return Promise.resolve(instanceId);
    },
    raiseEvent: (instanceId: string, event: string) => {
      calls.push(`event ${instanceId} ${event}`);
      return raising();
    },
  } as unknown as DurableClient;
  const orchestrator = durableOrchestrator(client);

  it.each([
    ['HTTP 404', true],
    ['Completed', true],
    ['Failed', true],
    ['Terminated', true],
    ['Running', false],
    ['Pending', false],
    ['ContinuedAsNew', false],
    ['Suspended', false],
  ])('starts over an instance that is %s: %s', async (given, isStarted) => {
    status = given;
    await orchestrator.start('failback', 'fb-1-failback', { a: 1 });
    expect(calls).toEqual(isStarted ? ['start failback fb-1-failback {"a":1}'] : []);
    expect(await orchestrator.isRunning('fb-1-failback')).toBe(!isStarted);
  });

  it('does not take an unreachable host for an instance that does not exist', async () => {
    status = 'HTTP 503';
    await expect(orchestrator.start('failback', 'i', {})).rejects.toThrow('503');
    expect(calls).toEqual([]);
  });

  it('does not mind that nobody is there to be woken', async () => {
    raising = () => Promise.reject(new Error('HTTP 410: gone'));
    status = 'Completed';
    await expect(orchestrator.wake('i', 'intent')).resolves.toBeUndefined();
    expect(calls).toEqual(['event i intent']);
  });

  it('minds when a running instance could not be woken', async () => {
    raising = () => Promise.reject(new Error('HTTP 500'));
    status = 'Running';
    await expect(orchestrator.wake('i', 'intent')).rejects.toThrow('500');
  });
});

describe('the timer of rehearsals', () => {
  let world: MemoryWorld;
  let lines: string[];
  const context = {
    log: (line: string) => void lines.push(line),
    warn: (line: string) => void lines.push(`warning: ${line}`),
  };

  beforeEach(() => {
    world = emptyWorld();
    lines = [];
  });

  it('rehearses every machine that has it switched on and runs in Azure', async () => {
    world.stores.items.put(anItem({ id: 'a', name: 'A', isRehearsalEnabled: true }));
    world.stores.items.put(anItem({ id: 'b', name: 'B' }));
    world.stores.items.put(anItem({ id: 'c', isRehearsalEnabled: true, phase: 'protected' }));
    await startRehearsals(world, context);
    expect(world.orchestrator.started).toMatchObject([
      {
        name: 'rehearsal',
        instanceId: expect.stringMatching(/^rh-.+-rehearsal$/),
        // Nobody is there to ask: the options are those of a request that gives none.
        input: {
          options: {
            autoFailover: true,
            autoCommit: false,
            proofShare: 1,
            applicationConsistentMinutes: 0,
          },
        },
      },
    ]);
    expect(lines).toEqual(['Rehearsal rh-098 of A started']);
  });

  it('goes on with the next machine when one is busy', async () => {
    world.stores.items.put(anItem({ id: 'a', name: 'A', isRehearsalEnabled: true }));
    await startRehearsals(world, context);
    world.stores.items.put(anItem({ id: 'b', name: 'B', isRehearsalEnabled: true }));
    await startRehearsals(world, context);
    expect(world.orchestrator.started).toHaveLength(2);
    expect(lines.at(1)).toBe(
      'warning: No rehearsal of A: FB-REQ-003: A is already being worked on by rh-098.',
    );
  });
});
