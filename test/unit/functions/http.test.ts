import { beforeEach, describe, expect, it } from '@jest/globals';
import { HttpRequest, type InvocationContext } from '@azure/functions';
import { z } from 'zod';
import { ROUTES } from '../../../functions/routes.ts';
import { Refused } from '../../../functions/security/refused.ts';
import { answering } from '../../../functions/support/http.ts';
import { openRoute, type Route } from '../../../functions/support/route.ts';
import { FailbackError } from '../../../shared/errors/failback-error.ts';
import type { ErrorCode } from '../../../shared/errors/catalogue.ts';
import { callRoute, problemOf } from '../../support/memory/call-route.ts';
import { aWorld, type MemoryWorld, stateOf } from '../../support/memory/memory-world.ts';

let world: MemoryWorld;

beforeEach(() => {
  world = aWorld();
});

const context = { warn: () => undefined } as unknown as InvocationContext;
/** A route that fails so. */
const failing = (error: Error): Route =>
  openRoute({
    name: 'failing',
    method: 'GET',
    path: 'x',
    summary: 'Fails',
    access: 'public',
    responses: { 200: { description: 'Never.', schema: z.null() } },
    handle: () => Promise.reject(error),
  });

const request = (): HttpRequest =>
  new HttpRequest({ method: 'GET', url: 'http://127.0.0.1/api/x?code=the-function-key' });

describe('the table of routes', () => {
  it('has each name and each method with its path once', () => {
    const names = ROUTES.map(({ name }) => name);
    const paths = ROUTES.map(
      ({ method, path }) => `${method} ${path.replaceAll(/\{\w+\}/g, '{}')}`,
    );
    expect(new Set(names).size).toBe(names.length);
    expect(new Set(paths).size).toBe(paths.length);
  });

  it('asks everybody but the agents for a role; agents bring a key of their own', () => {
    const open = ROUTES.filter(({ access }) => access.kind !== 'role');
    expect(open.map((it) => `${it.method} ${it.path} ${it.access.kind}`).toSorted()).toEqual([
      'GET agents/{agentId}/commands/{commandId} agentKey',
      'GET openapi.json public',
      'POST agents registrationToken',
      'POST agents/{agentId}/certificate agentKey',
      'POST agents/{agentId}/commands/{commandId}/data-access agentKey',
      'POST agents/{agentId}/commands/{commandId}/progress agentKey',
      'POST agents/{agentId}/commands/{commandId}/result agentKey',
      'POST agents/{agentId}/heartbeat agentKey',
    ]);
  });

  it('lets a reader only read, and an operator do no delete', () => {
    for (const { name, method, access } of ROUTES) {
      if (access.kind !== 'role') continue;
      const isRead = method === 'GET';
      expect({ name, isForReaders: access.role === 'reader' }).toEqual({
        name,
        isForReaders: isRead,
      });
      if (method === 'DELETE')
        expect({ name, role: access.role }).toEqual({ name, role: 'committer' });
    }
  });

  const forAgents: readonly string[] = ['agentKey', 'registrationToken'];
  it.each(ROUTES.filter(({ access }) => forAgents.includes(access.kind)).map(({ name }) => name))(
    '%s refuses a caller without a key, and changes nothing',
    async (name) => {
      const before = stateOf(world);
      const params = { agentId: 'mt-mt1', commandId: 'fb-1.x' };
      const answer = await callRoute(world, name, { params, body: {} });
      expect(problemOf(answer)).toMatchObject({ status: 401, code: 'FB-REQ-006' });
      expect(stateOf(world)).toEqual(before);
    },
  );
});

describe('an answer to a failure of ours', () => {
  it.each([
    ['FB-REQ-001', 400],
    ['FB-REQ-002', 404],
    ['FB-REQ-003', 409],
    ['FB-REQ-004', 409],
    ['FB-REQ-005', 409],
    ['FB-REQ-006', 401],
    ['FB-REQ-007', 409],
    ['FB-REQ-008', 412],
    ['FB-REQ-010', 409],
    ['FB-REQ-020', 400],
    ['FB-REQ-021', 403],
    ['FB-REQ-022', 401],
    ['FB-REQ-023', 422],
    ['FB-REQ-024', 409],
    ['FB-REQ-025', 412],
    ['FB-REQ-026', 409],
    ['FB-AZ-004', 409],
    ['FB-ORC-010', 409],
    ['FB-AZ-006', 503],
    ['FB-AZ-002', 503],
    ['FB-AZ-001', 502],
    ['FB-DATA-005', 500],
  ] as const satisfies readonly (readonly [ErrorCode, number])[])(
    '%s is a problem document with the status %s',
    async (code, status) => {
      const route = failing(new FailbackError(code, { id: 'x' }));
      const {
        headers,
        body = '',
        status: given,
      } = await answering(route, () => world)(request(), context);
      const record = new FailbackError(code, { id: 'x' }).toRecord();
      expect(given).toBe(status);
      expect(headers).toEqual({
        'content-type': 'application/problem+json',
        'x-api-version': '2026-11-01',
      });
      expect(JSON.parse(body)).toEqual({
        type: `urn:azure-failback:${code}`,
        title: record.message,
        status,
        detail: record.message,
        code,
        possibleCauses: record.possibleCauses,
        recommendedAction: record.recommendedAction,
        values: { id: 'x' },
      });
    },
  );

  it('is logged with the path, without the query in which keys travel', async () => {
    const lines: string[] = [];
    const logging = { warn: (line: string) => lines.push(line) } as unknown as InvocationContext;
    const open = async (error: Error) => answering(failing(error), () => world)(request(), logging);
    await open(new FailbackError('FB-REQ-003', { itemName: 'web-01', jobId: 'fb-1' }));
    await open(new Refused('FB-REQ-006', 'somebody as agent mt-1'));
    expect(lines).toEqual([
      'GET /api/x: FB-REQ-003: web-01 is already being worked on by fb-1.',
      `Refused at ${world.clock.now().toISOString()}: somebody as agent mt-1: GET /api/x: FB-REQ-006: The agent could not be authenticated.`,
    ]);
  });

  it('is left to the host when the failure is a defect: it must not look like an answer', async () => {
    const route = failing(new TypeError('a defect'));
    await expect(answering(route, () => world)(request(), context)).rejects.toThrow('a defect');
  });
});

describe('a body', () => {
  const send = (body: unknown) => callRoute(world, 'createFailback', { body });

  it.each([
    ['nothing', undefined],
    ['an empty text', ''],
    ['something that is not JSON', '{"protectedItemId": '],
  ])('of %s is refused as no JSON document', async (_what, body) => {
    const problem = problemOf(await send(body));
    expect(problem).toMatchObject({
      status: 400,
      code: 'FB-REQ-001',
      problems: [{ path: '', message: 'must be a JSON document' }],
    });
  });

  it('with several faults is refused with all of them, each by its path', async () => {
    const body = {
      protectedItemId: 'a/b',
      options: { autoCommit: 'yes', cycleIntervalSeconds: 0, unknown: 1 },
    };
    const problem = problemOf(await send(body));
    expect(problem.status).toBe(400);
    const paths = problem.problems?.map(({ path }) => path).toSorted();
    expect(paths).toEqual([
      'options',
      'options.autoCommit',
      'options.cycleIntervalSeconds',
      'protectedItemId',
    ]);
    for (const { message } of problem.problems ?? []) {
      expect(message).not.toBe('');
      expect(problem.detail).toContain(message);
    }
  });
});
