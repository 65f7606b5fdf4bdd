import { beforeEach, describe, expect, it } from '@jest/globals';
import { ROUTES } from '../../../../functions/routes.ts';
import { aJob, anItem, POINTS } from '../../../support/memory/builders.ts';
import { aPlan } from '../../../support/memory/plan-builders.ts';
import { type Called, callRoute, problemOf } from '../../../support/memory/call-route.ts';
import {
  MASTER_KEY,
  COMMITTER_KEY,
  OPERATOR_KEY,
  READER_KEY,
} from '../../../support/memory/memory-access-keys.ts';
import { aWorld, type MemoryWorld, stateOf } from '../../../support/memory/memory-world.ts';

let world: MemoryWorld;

beforeEach(() => {
  world = aWorld();
});

const refusedAs = (called: Called): string => `${called.status} ${problemOf(called).code}`;

describe('a key', () => {
  it.each([
    [READER_KEY, 200, 403, 403],
    [OPERATOR_KEY, 200, 202, 403],
    [COMMITTER_KEY, 200, 202, 202],
    [MASTER_KEY, 200, 202, 202],
  ])('%s reads, fails over and commits as its name allows', async (key, read, act, commit) => {
    const params = { id: 'fb-1' };
    expect((await callRoute(world, 'getFailback', { key, params })).status).toBe(read);
    world.stores.jobs.put(aJob({ phase: 'replicating' }));
    world.stores.items.put(anItem({ activeJobId: 'fb-1', recoveryPoints: POINTS }));
    const failover = { key, params: { ...params, action: 'failover' } };
    expect((await callRoute(world, 'actOnFailback', failover)).status).toBe(act);
    world.stores.jobs.put(aJob({ phase: 'commitPending' }));
    const accept = { key, params: { ...params, action: 'commit' } };
    expect((await callRoute(world, 'actOnFailback', accept)).status).toBe(commit);
    expect(world.stores.jobs.must('fb-1').intents.commit !== undefined).toBe(commit === 202);
  });

  it('of an operator does not accept that two machines may run; a committer, whose name is kept', async () => {
    world.stores.jobs.put(aJob({ phase: 'replicating' }));
    world.stores.items.put(anItem({ activeJobId: 'fb-1', recoveryPoints: POINTS }));
    const params = { id: 'fb-1', action: 'failover' };
    const body = { recoveryPoint: 'latestProcessed', acceptUnreachableSource: true };
    const accept = async (key: string): Promise<Called> =>
      callRoute(world, 'actOnFailback', { key, params, body });
    expect(refusedAs(await accept(OPERATOR_KEY))).toBe('403 FB-REQ-021');
    expect(world.stores.jobs.must('fb-1')).not.toHaveProperty('unreachableAccepted');
    expect((await accept(COMMITTER_KEY)).status).toBe(202);
    expect(world.stores.jobs.must('fb-1').unreachableAccepted?.by).toBe('key committer-1');
  });

  it('of an operator starts no plan that accepts it either', async () => {
    world.stores.plans.put(aPlan());
    const body = { kind: 'failback', acceptUnreachableSource: true };
    const run = { key: OPERATOR_KEY, params: { id: 'shop' }, body };
    expect(refusedAs(await callRoute(world, 'runRecoveryPlan', run))).toBe('403 FB-REQ-021');
  });

  it.each(['autoCommit', 'removeSnapshots'])(
    'of an operator starts no failback with %s, and one without',
    async (option) => {
      world = aWorld();
      world.stores.items.put({ ...world.stores.items.must('web-01'), activeJobId: null });
      const start = async (key: string, isAsked: boolean): Promise<Called> =>
        callRoute(world, 'createFailback', {
          key,
          body: { protectedItemId: 'web-01', options: { [option]: isAsked } },
        });
      const before = stateOf(world);
      const refused = await start(OPERATOR_KEY, true);
      expect(refusedAs(refused)).toBe('403 FB-REQ-021');
      expect(problemOf(refused).detail).toContain('the role committer');
      expect(stateOf(world)).toEqual(before);
      expect((await start(OPERATOR_KEY, false)).status).toBe(202);
    },
  );

  it('that may too little changes nothing, whatever it is used for', async () => {
    const before = stateOf(world);
    for (const { name, method, access } of ROUTES) {
      if (access.kind !== 'role' || method === 'GET') continue;
      const params = { id: 'web-01', action: 'cancel' };
      const called = await callRoute(world, name, { key: READER_KEY, params, body: {} });
      expect([name, refusedAs(called)]).toEqual([name, '403 FB-REQ-021']);
    }
    expect(stateOf(world)).toEqual(before);
  });

  it('that nobody gave a role cannot even read', async () => {
    const called = await callRoute(world, 'listFailbacks', { key: 'key-of-nothing' });
    expect(refusedAs(called)).toBe('403 FB-REQ-021');
  });

  it.each([null, '', 'a guess'])('that is none (%s) opens nothing', async (key) => {
    for (const { name, access } of ROUTES) {
      if (access.kind !== 'role') continue;
      const called = await callRoute(world, name, { key });
      expect([name, refusedAs(called)]).toEqual([name, '401 FB-REQ-022']);
    }
  });

  it('may come in the query, too', async () => {
    const query = { code: READER_KEY };
    expect((await callRoute(world, 'listFailbacks', { key: null, query })).status).toBe(200);
  });
});

describe('a refusal', () => {
  it('is logged with who, what, when and why, and without the key', async () => {
    const params = { id: 'fb-1', action: 'commit' };
    const query = { code: OPERATOR_KEY };
    const options = { key: null, params, query, body: {} };
    const { warnings } = await callRoute(world, 'actOnFailback', options);
    expect(warnings).toEqual([
      `Refused at ${world.clock.now().toISOString()}: key operator-1: POST /api/failbacks/fb-1/commit: ` +
        'FB-REQ-021: This needs the role committer; key operator-1 has: operator.',
    ]);
  });

  it('of a key that is not known is logged without it', async () => {
    const { warnings } = await callRoute(world, 'listFailbacks', { key: 'a guess' });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('an unknown key: GET /api/failbacks: FB-REQ-022');
    expect(warnings[0]).not.toContain('a guess');
  });
});

describe('a sign-in through App Service', () => {
  const principal = (roles: readonly string[], more: object = {}): string =>
    Buffer.from(
      JSON.stringify({
        auth_typ: 'aad',
        name_typ: 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress',
        role_typ: 'http://schemas.microsoft.com/ws/2008/06/identity/claims/role',
        claims: [
          { typ: 'preferred_username', val: 'ana@example.com' },
          ...roles.map((val) => ({ typ: 'roles', val })),
        ],
        ...more,
      }),
    ).toString('base64');

  const read = async (header: string, key: string | null = null): Promise<Called> =>
    callRoute(world, 'listFailbacks', { key, headers: { 'x-ms-client-principal': header } });
  const commit = async (header: string): Promise<Called> =>
    callRoute(world, 'actOnFailback', {
      key: null,
      params: { id: 'fb-1', action: 'commit' },
      headers: { 'x-ms-client-principal': header },
    });

  const signInIsOn = (): void => {
    world = { ...aWorld(), access: { ...aWorld().access, isSignInTrusted: true } };
    world.stores.jobs.put(aJob({ phase: 'commitPending' }));
  };

  it.each([
    [['Failback.Reader'], 200, 403],
    [['Failback.Operator'], 200, 403],
    [['Failback.Reader', 'Failback.Committer'], 200, 202],
    [[], 403, 403],
    [['Reader', 'failback.committer', 'constructor'], 403, 403],
  ])('with the app roles %j reads with %i and commits with %i', async (roles, reads, commits) => {
    signInIsOn();
    expect((await read(principal(roles))).status).toBe(reads);
    expect((await commit(principal(roles))).status).toBe(commits);
  });

  it('is known by the role claim that the header itself names', async () => {
    signInIsOn();
    const claims = [{ typ: 'my/roles', val: 'Failback.Reader' }];
    expect((await read(principal([], { claims, role_typ: 'my/roles' }))).status).toBe(200);
    expect((await read(principal([], { claims }))).status).toBe(403);
  });

  it('of two people with one name has idempotency keys of its own', async () => {
    signInIsOn();
    world.stores.items.put(anItem({ id: 'a' }));
    world.stores.items.put(anItem({ id: 'b' }));
    const start = async (oid: string, protectedItemId: string): Promise<Called> => {
      const claims = [
        { typ: 'name', val: 'Ana' },
        { typ: 'roles', val: 'Failback.Operator' },
        { typ: 'http://schemas.microsoft.com/identity/claims/objectidentifier', val: oid },
      ];
      const headers = {
        'x-ms-client-principal': principal([], { claims }),
        'idempotency-key': 'one',
      };
      return callRoute(world, 'createFailback', { key: null, headers, body: { protectedItemId } });
    };
    expect((await start('oid-1', 'a')).status).toBe(202);
    expect((await start('oid-2', 'b')).status).toBe(202);
    expect(refusedAs(await start('oid-2', 'a'))).toBe('422 FB-REQ-023');
    expect(world.stores.events.all()).toContainEqual(
      expect.objectContaining({ kind: 'jobStarted', caller: 'user Ana' }),
    );
  });

  it('is logged by its name when it is refused', async () => {
    signInIsOn();
    const { warnings } = await commit(principal(['Failback.Reader']));
    expect(warnings[0]).toContain('user ana@example.com: POST /api/failbacks/fb-1/commit');
  });

  it('counts before a key that came with it', async () => {
    signInIsOn();
    expect((await read(principal([]), COMMITTER_KEY)).status).toBe(403);
  });

  it.each(['', 'no base64 of anything', Buffer.from('{"claims":1}').toString('base64')])(
    'that cannot be read ("%s") is none',
    async (header) => {
      signInIsOn();
      expect(refusedAs(await read(header))).toBe('401 FB-REQ-022');
    },
  );

  it('is a forgery where App Service does not write it: the key alone counts', async () => {
    const forged = principal(['Failback.Committer']);
    expect(refusedAs(await read(forged))).toBe('401 FB-REQ-022');
    expect((await read(forged, READER_KEY)).status).toBe(200);
    world.stores.jobs.put(aJob({ phase: 'commitPending' }));
    expect(refusedAs(await commit(forged))).toBe('401 FB-REQ-022');
    expect(world.stores.jobs.must('fb-1').intents).toEqual({});
  });
});
