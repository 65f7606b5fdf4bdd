import { describe, expect, it } from '@jest/globals';
import type { z } from 'zod';
import {
  commandEnvelopeSchema,
  commandResultSchema,
  heartbeatSchema,
  queueMessageSchema,
  registerAgentSchema,
} from '../../../../shared/contracts/agent-protocol.ts';
import {
  intentSchema,
  putProtectedItemSchema,
  startJobSchema,
} from '../../../../shared/contracts/http-api.ts';
import { transferProgressSchema } from '../../../../shared/contracts/progress.ts';
import { errorRecord } from '../../../../shared/errors/failback-error.ts';
import { failure, success } from '../../../../shared/errors/result.ts';
import { aProgress, NOW } from '../../../support/memory/builders.ts';

function pathsOf(schema: z.ZodType, value: unknown): string[] {
  const { error } = schema.safeParse(value);
  return (error?.issues ?? []).map(({ path }) => path.join('.')).toSorted();
}

describe('starting a job', () => {
  it('needs the machine only; nothing happens by itself unless it is asked for', () => {
    expect(startJobSchema.parse({ protectedItemId: 'web-01' })).toEqual({
      protectedItemId: 'web-01',
      options: {
        autoFailover: false,
        autoCommit: false,
        cycleIntervalSeconds: 300,
        bootTimeoutSeconds: 900,
      },
    });
  });

  it('fills in the options that are not given', () => {
    const body = { protectedItemId: 'web-01', options: { autoCommit: true } };
    expect(startJobSchema.parse(body).options).toMatchObject({
      autoCommit: true,
      autoFailover: false,
      cycleIntervalSeconds: 300,
    });
  });

  it.each([
    ['no machine', {}, ['protectedItemId']],
    ['a misspelt field', { protectedItemId: 'a', option: {} }, ['']],
    ['a misspelt option', { protectedItemId: 'a', options: { autocommit: true } }, ['options']],
    [
      'options out of range',
      { protectedItemId: 'a', options: { cycleIntervalSeconds: 0, bootTimeoutSeconds: 7201 } },
      ['options.bootTimeoutSeconds', 'options.cycleIntervalSeconds'],
    ],
    [
      'a number that is a text',
      { protectedItemId: 'a', options: { cycleIntervalSeconds: '300' } },
      ['options.cycleIntervalSeconds'],
    ],
    ['a list', [], ['']],
    ['null', null, ['']],
  ])('is refused with the path for %s', (_what, body, paths) => {
    expect(pathsOf(startJobSchema, body)).toEqual(paths);
  });

  it.each([
    ['cycleIntervalSeconds', 1],
    ['cycleIntervalSeconds', 86_400],
    ['bootTimeoutSeconds', 10],
    ['bootTimeoutSeconds', 7200],
  ])('takes %s = %s, the border of what is documented', (option, value) => {
    const body = { protectedItemId: 'a', options: { [option]: value } };
    expect(pathsOf(startJobSchema, body)).toEqual([]);
  });
});

describe('an intent', () => {
  it('is one of three', () => {
    for (const intent of ['failover', 'commit', 'cancel']) {
      expect(intentSchema.safeParse(intent).success).toBe(true);
    }
    for (const other of ['', 'Commit', 'delete']) {
      expect(intentSchema.safeParse(other).success).toBe(false);
    }
  });
});

describe('taking a machine under care', () => {
  const body = {
    name: 'Web server 1',
    origin: 'VMware',
    resourceGroup: 'rg-dr',
    vmName: 'web-01',
    target: { configurationServer: 'cs1', masterTarget: 'mt1', vmName: 'web-01' },
  };

  it('needs no networks and no rehearsals', () => {
    expect(putProtectedItemSchema.parse(body)).toMatchObject({
      isRehearsalEnabled: false,
      target: { networks: [] },
    });
  });

  it.each([
    ['an origin that we do not know', { origin: 'Xen' }, ['origin']],
    ['an empty name', { name: '' }, ['name']],
    ['a phase, which is not the caller’s to set', { phase: 'protected' }, ['']],
    [
      'several faults at once',
      { resourceGroup: '', target: { ...body.target, masterTarget: 'a/b', vmName: '' } },
      ['resourceGroup', 'target.masterTarget', 'target.vmName'],
    ],
    [
      'an address that is none',
      { target: { ...body.target, networks: [{ name: 'n', staticIpAddress: 'localhost' }] } },
      ['target.networks.0.staticIpAddress'],
    ],
  ])('is refused with the path for %s', (_what, change, paths) => {
    expect(pathsOf(putProtectedItemSchema, { ...body, ...change })).toEqual(paths);
  });
});

describe('what agents say', () => {
  const agent = { kind: 'masterTarget', name: 'mt1', version: '1.0.0' };
  const envelope = {
    commandId: 'fb-1.x',
    name: 'verifyDisks',
    input: {},
    state: 'pending',
    deadline: NOW,
  };

  it.each([
    ['a registration', registerAgentSchema, agent],
    [
      'a registration with an address',
      registerAgentSchema,
      { ...agent, address: { host: 'h', port: 0 } },
    ],
    ['a heartbeat', heartbeatSchema, { version: '1', runningCommandIds: ['fb-1.x'] }],
    ['a queue message', queueMessageSchema, { commandId: 'fb-1.x' }],
    ['a command', commandEnvelopeSchema, envelope],
    ['a result', commandResultSchema, success({ any: 'thing' })],
    ['a failure', commandResultSchema, failure(errorRecord('FB-JRN-004'))],
    ['progress', transferProgressSchema, aProgress({ etaSeconds: 3, step: 'reading' })],
  ] as const)('%s is accepted as it is', (_what, schema, value) => {
    expect(schema.parse(JSON.parse(JSON.stringify(value)))).toEqual(value);
  });

  it.each([
    ['a kind of agent that we do not have', registerAgentSchema, { ...agent, kind: 'x' }, 'kind'],
    ['a name that is no identifier', registerAgentSchema, { ...agent, name: 'a/b' }, 'name'],
    [
      'a port that does not exist',
      registerAgentSchema,
      { ...agent, address: { host: 'h', port: 70_000 } },
      'address.port',
    ],
    [
      'too many commands at once',
      heartbeatSchema,
      { version: '1', runningCommandIds: Array.from({ length: 201 }, () => 'x') },
      'runningCommandIds',
    ],
    ['a message without an id', queueMessageSchema, { commandId: '' }, 'commandId'],
    ['a command that is none', commandEnvelopeSchema, { ...envelope, name: 'toString' }, 'name'],
    ['a result that is neither', commandResultSchema, { ok: 'maybe' }, 'ok'],
    ['a failure without its error', commandResultSchema, { ok: false }, 'error'],
    [
      'progress that goes backwards',
      transferProgressSchema,
      aProgress({ bytesDone: -1 }),
      'bytesDone',
    ],
  ] as const)('%s is refused with the path', (_what, schema, value, path) => {
    expect(pathsOf(schema, value)).toEqual([path]);
  });
});
