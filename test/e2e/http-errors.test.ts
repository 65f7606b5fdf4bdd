import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ProblemDetails } from '../../shared/contracts/http/problem.ts';
import { CATALOGUE } from '../../shared/errors/catalogue.ts';
import { type Answer, Portal } from '../support/lab/portal.ts';
import { TestLab } from '../support/lab/test-lab.ts';

const TEST_DEADLINE_MS = 120_000;
const VM = 'refusing';

describe('the HTTP API of a lab', () => {
  let testLab: TestLab;
  let portal: Portal;

  beforeAll(async () => {
    testLab = await TestLab.start();
    portal = testLab.portal;
    await testLab.seed(VM);
  }, TEST_DEADLINE_MS);

  afterAll(async () => testLab?.stop(), TEST_DEADLINE_MS);

  /** A problem document as RFC 9457 has it, with what our catalogue says about its code. */
  function expectProblem(
    answer: Answer<ProblemDetails>,
    status: number,
    code: keyof typeof CATALOGUE,
  ): void {
    expect(answer.status).toBe(status);
    expect(answer.contentType).toBe('application/problem+json');
    const { possibleCauses, recommendedAction } = CATALOGUE[code];
    expect(answer.body).toMatchObject({
      type: `urn:azure-failback:${code}`,
      status,
      code,
      possibleCauses,
      recommendedAction,
    });
    expect(answer.body.title.length).toBeGreaterThan(10);
    expect(answer.body.detail.length).toBeGreaterThan(10);
  }

  it('names every problem of a start request by its path, all at once', async () => {
    const answer = await portal.refused('POST', 'failbacks', {
      protectedItemId: 'not an id!',
      options: { autoFailover: 'yes', cycleIntervalSeconds: 0, bootTimeoutSeconds: 7201, speed: 9 },
      hurry: true,
    });
    expectProblem(answer, 400, 'FB-REQ-001');
    const paths = answer.body.problems?.map(({ path }) => path) ?? [];
    expect(paths).toEqual(
      expect.arrayContaining([
        'protectedItemId',
        'options.autoFailover',
        'options.cycleIntervalSeconds',
        'options.bootTimeoutSeconds',
      ]),
    );
    const text = answer.body.problems?.map(({ message }) => message).join(' ');
    expect(text).toContain('speed');
    expect(text).toContain('hurry');
  });

  it('names every problem of a protected item by its path, all at once', async () => {
    const answer = await portal.refused('PUT', 'protected-items/some', {
      name: '',
      origin: 'Mainframe',
      resourceGroup: 'dr',
      target: {
        configurationServer: 'x',
        masterTarget: '',
        networks: [{ name: 'n', staticIpAddress: '1.2.3' }],
      },
    });
    expectProblem(answer, 400, 'FB-REQ-001');
    expect(answer.body.problems?.map(({ path }) => path)).toEqual(
      expect.arrayContaining([
        'name',
        'origin',
        'vmName',
        'target.masterTarget',
        'target.vmName',
        'target.networks.0.staticIpAddress',
      ]),
    );
  });

  it.each([
    { title: 'no body', body: undefined },
    { title: 'half a body', body: '{"protectedItemId":' },
  ])('says that $title is no JSON document', async ({ body }) => {
    const answer = await portal.refused('POST', 'failbacks', body);
    expectProblem(answer, 400, 'FB-REQ-001');
    expect(answer.body.detail).toContain('JSON');
  });

  it.each([
    ['GET', 'failbacks/fb-unknown', undefined],
    ['POST', 'failbacks/fb-unknown/cancel', undefined],
    ['POST', 'failbacks', { protectedItemId: 'unknown' }],
    ['POST', 'rehearsals', { protectedItemId: 'unknown' }],
    ['GET', 'protected-items/unknown', undefined],
  ])('answers 404 to %s %s with an id that nobody has', async (method, path, body) => {
    const answer = await portal.refused(method, path, body);
    expectProblem(answer, 404, 'FB-REQ-002');
    expect(answer.body.detail).toContain('unknown');
  });

  it('answers 404 when the Azure VM to take under care does not exist', async () => {
    const answer = await portal.refused('PUT', 'protected-items/ghost', {
      name: 'ghost',
      origin: 'VMware',
      resourceGroup: 'dr',
      vmName: 'ghost-vm',
      target: { configurationServer: 'cs', masterTarget: 'mt', vmName: 'ghost' },
    });
    expectProblem(answer, 404, 'FB-REQ-002');
    expect(answer.body.detail).toContain('ghost-vm');
  });

  it('refuses an action that does not exist and names those that do', async () => {
    const answer = await portal.refused('POST', 'failbacks/fb-unknown/explode');
    expectProblem(answer, 400, 'FB-REQ-001');
    expect(answer.body.detail).toMatch(/failover.*commit.*cancel/);
  });

  it.each(['', 'not-the-key'])('answers 401 with the key "%s" and tells nothing', async (key) => {
    const stranger = new Portal(testLab.lab.url, key === '' ? null : key);
    for (const [method, path] of [
      ['GET', 'protected-items'],
      ['GET', 'agents'],
      ['POST', 'failbacks'],
      ['POST', 'failbacks/fb-unknown/commit'],
    ] as const) {
      const answer = await stranger.call(method, path);
      expect({ path, status: answer.status, body: answer.body }).toEqual({
        path,
        status: 401,
        body: '',
      });
    }
  });

  it('works on one job of a machine at a time', async () => {
    const jobId = await portal.startFailback(VM);
    for (const path of ['failbacks', 'rehearsals']) {
      const answer = await portal.refused('POST', path, { protectedItemId: VM });
      expectProblem(answer, 409, 'FB-REQ-003');
      expect(answer.body.detail).toContain(jobId);
    }
    const early = await portal.refused('POST', `failbacks/${jobId}/commit`);
    expectProblem(early, 409, 'FB-REQ-004');
    expect((await portal.item(VM)).activeJobId).toBe(jobId);
  });
});
