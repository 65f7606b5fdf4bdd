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
  failoverSchema,
  jobActionSchema,
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
        proofShare: 1,
        applicationConsistentMinutes: 0,
        rollBackOnBootFailure: true,
      },
    });
  });

  it('leaves the choice of the first copy to the planner unless a mode is given', () => {
    const modeOf = (options: object): unknown =>
      startJobSchema.parse({ protectedItemId: 'a', options }).options.replicationMode;
    expect(modeOf({})).toBeUndefined();
    for (const replicationMode of ['full', 'delta', 'checksum']) {
      expect(modeOf({ replicationMode })).toBe(replicationMode);
    }
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
      'a proof of nothing',
      { protectedItemId: 'a', options: { proofShare: 0 } },
      ['options.proofShare'],
    ],
    [
      'a proof of more than all',
      { protectedItemId: 'a', options: { proofShare: 1.01 } },
      ['options.proofShare'],
    ],
    [
      'parts of minutes and a mode that we do not have',
      {
        protectedItemId: 'a',
        options: { applicationConsistentMinutes: 0.5, replicationMode: 'guess' },
      },
      ['options.applicationConsistentMinutes', 'options.replicationMode'],
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
    ['proofShare', 0.0001],
    ['proofShare', 1],
    ['applicationConsistentMinutes', 0],
    ['applicationConsistentMinutes', 10_080],
  ])('takes %s = %s, the border of what is documented', (option, value) => {
    const body = { protectedItemId: 'a', options: { [option]: value } };
    expect(pathsOf(startJobSchema, body)).toEqual([]);
  });
});

describe('an intent', () => {
  it('is one of three', () => {
    for (const intent of ['failover', 'commit', 'cancel']) {
      expect(jobActionSchema.safeParse(intent).success).toBe(true);
    }
    for (const other of ['', 'Commit', 'delete']) {
      expect(jobActionSchema.safeParse(other).success).toBe(false);
    }
  });
});

describe('asking for a failover', () => {
  it('means the newest point unless another one is named', () => {
    expect(failoverSchema.parse({})).toEqual({ recoveryPoint: 'latest' });
    for (const recoveryPoint of ['latest', 'latestApplicationConsistent', 'fb-1-p0002']) {
      expect(failoverSchema.parse({ recoveryPoint })).toEqual({ recoveryPoint });
    }
  });

  it.each([
    ['a misspelt field, which would boot the newest', { recoverypoint: 'fb-1-p0002' }, ['']],
    ['a point that leaves its folder', { recoveryPoint: '../x' }, ['recoveryPoint']],
    ['an empty point', { recoveryPoint: '' }, ['recoveryPoint']],
    ['null', null, ['']],
  ])('is refused with the path for %s', (_what, body, paths) => {
    expect(pathsOf(failoverSchema, body)).toEqual(paths);
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
    [
      'a prefix length and a name server that are none',
      {
        target: {
          ...body.target,
          networks: [{ name: 'n', prefixLength: 33, dnsServers: ['dns.example'] }],
        },
      },
      ['target.networks.0.dnsServers.0', 'target.networks.0.prefixLength'],
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
    [
      'a command that only the control plane knows, which the agent can then decline',
      commandEnvelopeSchema,
      { ...envelope, name: 'youngerThanTheAgent' },
    ],
    ['a result', commandResultSchema, success({ any: 'thing' })],
    ['a failure', commandResultSchema, failure(errorRecord('FB-JRN-004'))],
    ['progress', transferProgressSchema, aProgress({ etaSeconds: 3, step: 'reading' })],
    [
      'progress that is held up',
      transferProgressSchema,
      aProgress({ health: errorRecord('FB-DATA-001', { host: 'h', port: 1, reason: 'r' }) }),
    ],
  ] as const)('%s is accepted as it is', (_what, schema, value) => {
    expect(schema.parse(JSON.parse(JSON.stringify(value)))).toEqual(value);
  });

  it.each([
    ['a failure', (error: unknown) => commandResultSchema.parse({ ok: false, error }), 'error'],
    [
      'progress',
      (health: unknown) => transferProgressSchema.parse({ ...aProgress(), health }),
      'health',
    ],
  ])('%s with a code of a newer program is taken, with what it said', (_what, parse, field) => {
    const told = { ...errorRecord('FB-JRN-004'), code: 'FB-JRN-999', message: 'The disk sings.' };
    const taken: Record<string, unknown> = { ...parse(told) };
    expect(taken[field]).toMatchObject({
      code: 'FB-SITE-900',
      message: expect.stringContaining('FB-JRN-999 The disk sings.'),
      possibleCauses: told.possibleCauses,
      recommendedAction: told.recommendedAction,
      values: { originalCode: 'FB-JRN-999', originalMessage: 'The disk sings.' },
    });
  });

  it('progress of an agent that does not count what it sends is no fault', () => {
    const { sentBytes: _left, ...older } = aProgress();
    expect(transferProgressSchema.parse(older)).toEqual({ ...older, sentBytes: 0 });
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
    ['a command without a name', commandEnvelopeSchema, { ...envelope, name: null }, 'name'],
    ['a result that is neither', commandResultSchema, { ok: 'maybe' }, 'ok'],
    ['a failure without its error', commandResultSchema, { ok: false }, 'error'],
    [
      'progress that goes backwards',
      transferProgressSchema,
      aProgress({ bytesDone: -1 }),
      'bytesDone',
    ],
    [
      'progress with a part of a byte',
      transferProgressSchema,
      aProgress({ sentBytes: 0.5 }),
      'sentBytes',
    ],
    [
      'progress that is held up by no error of ours',
      transferProgressSchema,
      { ...aProgress(), health: { ...errorRecord('FB-DATA-001'), severity: 'mild' } },
      'health.severity',
    ],
  ] as const)('%s is refused with the path', (_what, schema, value, path) => {
    expect(pathsOf(schema, value)).toEqual([path]);
  });
});
