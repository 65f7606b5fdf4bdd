import { beforeEach, describe, expect, it } from '@jest/globals';
import { answering, type HandlerContext } from '../../../functions/support/http.ts';
import { HttpRequest } from '@azure/functions';
import { FailbackError } from '../../../shared/errors/failback-error.ts';
import type { ErrorCode } from '../../../shared/errors/catalogue.ts';
import { callRoute, problemOf, ROUTES } from '../../support/memory/call-route.ts';
import { aWorld, type MemoryWorld, stateOf } from '../../support/memory/memory-world.ts';

let world: MemoryWorld;

beforeEach(() => {
  world = aWorld();
});

const context = { warn: () => undefined } as unknown as HandlerContext;
const request = (): HttpRequest =>
  new HttpRequest({ method: 'GET', url: 'http://127.0.0.1/api/x?code=the-function-key' });

describe('the table of routes', () => {
  it('has each name and each method with its path once', () => {
    const names = ROUTES.map(({ name }) => name);
    const paths = ROUTES.map(
      ({ method, route }) => `${method} ${route.replaceAll(/\{\w+\}/g, '{}')}`,
    );
    expect(new Set(names).size).toBe(names.length);
    expect(new Set(paths).size).toBe(paths.length);
  });

  it('asks everybody but the agents for a function key; agents bring a key of their own', () => {
    const open = ROUTES.filter(({ authLevel }) => authLevel === 'anonymous');
    expect(open.map(({ method, route }) => `${method} ${route}`).toSorted()).toEqual([
      'GET agents/{agentId}/commands/{commandId}',
      'POST agents',
      'POST agents/{agentId}/certificate',
      'POST agents/{agentId}/commands/{commandId}/data-access',
      'POST agents/{agentId}/commands/{commandId}/progress',
      'POST agents/{agentId}/commands/{commandId}/result',
      'POST agents/{agentId}/heartbeat',
    ]);
  });

  it.each(ROUTES.filter(({ authLevel }) => authLevel === 'anonymous').map(({ name }) => name))(
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
    ['FB-AZ-004', 409],
    ['FB-ORC-010', 409],
    ['FB-AZ-006', 503],
    ['FB-AZ-002', 503],
    ['FB-AZ-001', 502],
    ['FB-DATA-005', 500],
  ] as const satisfies readonly (readonly [ErrorCode, number])[])(
    '%s is a problem document with the status %s',
    async (code, status) => {
      const handle = () => Promise.reject(new FailbackError(code, { id: 'x' }));
      const answer = await answering(handle, () => world)(request(), context);
      const { headers, body, status: given } = answer as Record<string, unknown>;
      const record = new FailbackError(code, { id: 'x' }).toRecord();
      expect(given).toBe(status);
      expect(headers).toEqual({ 'content-type': 'application/problem+json' });
      expect(JSON.parse(body as string)).toEqual({
        type: `urn:azure-failback:${code}`,
        title: record.message,
        status,
        detail: record.message,
        code,
        possibleCauses: record.possibleCauses,
        recommendedAction: record.recommendedAction,
      });
    },
  );

  it('is logged with the path, without the query in which keys travel', async () => {
    const lines: string[] = [];
    const logging = { warn: (line: string) => lines.push(line) } as unknown as HandlerContext;
    const handle = () => Promise.reject(new FailbackError('FB-REQ-006'));
    await answering(handle, () => world)(request(), logging);
    expect(lines).toEqual(['GET /api/x: FB-REQ-006: The agent could not be authenticated.']);
  });

  it('is left to the host when the failure is a defect: it must not look like an answer', async () => {
    const handle = () => Promise.reject(new TypeError('a defect'));
    await expect(answering(handle, () => world)(request(), context)).rejects.toThrow('a defect');
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
