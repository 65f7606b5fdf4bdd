import { describe, expect, it } from '@jest/globals';
import { InvariantViolation } from '../../../../shared/domain/assert.ts';
import {
  allowedIntents,
  assertCanEnter,
  BEYOND_RETURN,
  canEnter,
  type Intent,
  type Phase,
  PHASES,
  SOURCE_IS_DOWN,
  type Stage,
  stageOf,
  STAGES,
  STARTABLE,
  STATE_MACHINE,
} from '../../../../shared/domain/phases.ts';
import { directionOf } from '../../../../shared/domain/protected-item.ts';

/** The life of a failback as docs/architecture.md draws it: the one after, and whether it can go back. */
const LIFE: readonly {
  readonly phase: Phase;
  readonly next: readonly Phase[];
  readonly canRollBack: boolean;
  readonly stage: Stage;
  readonly intents: readonly Intent[];
}[] = [
  {
    phase: 'failedOver',
    next: ['preparing'],
    canRollBack: false,
    stage: 'Running in Azure',
    intents: ['failover', 'cancel'],
  },
  {
    phase: 'preparing',
    next: ['initialReplication'],
    canRollBack: true,
    stage: 'Preparing',
    intents: ['failover', 'cancel'],
  },
  {
    phase: 'initialReplication',
    next: ['replicating'],
    canRollBack: true,
    stage: 'Copying disks',
    intents: ['failover', 'cancel'],
  },
  {
    phase: 'replicating',
    next: ['shuttingDownSource'],
    canRollBack: true,
    stage: 'Ready to fail back',
    intents: ['failover', 'cancel'],
  },
  {
    phase: 'shuttingDownSource',
    next: ['finalDelta'],
    canRollBack: true,
    stage: 'Failing back',
    intents: ['cancel'],
  },
  {
    phase: 'finalDelta',
    next: ['booting'],
    canRollBack: true,
    stage: 'Failing back',
    intents: ['cancel'],
  },
  {
    phase: 'booting',
    next: ['commitPending', 'bootFailed'],
    canRollBack: true,
    stage: 'Failing back',
    intents: ['cancel'],
  },
  {
    phase: 'bootFailed',
    next: ['booting'],
    canRollBack: true,
    stage: 'Boot failed',
    intents: ['resume', 'cancel'],
  },
  {
    phase: 'commitPending',
    next: ['committing'],
    canRollBack: true,
    stage: 'Waiting for commit',
    intents: ['commit', 'cancel'],
  },
  {
    phase: 'committing',
    next: ['waitingForAgent'],
    canRollBack: false,
    stage: 'Committing',
    intents: [],
  },
  {
    phase: 'waitingForAgent',
    next: ['reverseReplicating'],
    canRollBack: false,
    stage: 'Re-protecting',
    intents: [],
  },
  {
    phase: 'reverseReplicating',
    next: ['protected'],
    canRollBack: false,
    stage: 'Re-protecting',
    intents: [],
  },
  { phase: 'protected', next: [], canRollBack: false, stage: 'Protected', intents: [] },
  {
    phase: 'rollingBack',
    next: ['failedOver'],
    canRollBack: false,
    stage: 'Rolling back',
    intents: [],
  },
];

const nextOf = (phase: Phase): readonly Phase[] => STATE_MACHINE[phase].next;

const pairs = LIFE.flatMap((from) =>
  LIFE.map(({ phase: to }) => ({
    from: from.phase,
    to,
    isAllowed:
      from.phase === to || from.next.includes(to) || (from.canRollBack && to === 'rollingBack'),
  })),
);

describe('phases', () => {
  it('are all drawn in the life of a failback', () => {
    expect(LIFE.map(({ phase }) => phase)).toEqual([...PHASES]);
    expect(pairs).toHaveLength(PHASES.length ** 2);
  });

  it.each(pairs)('$from → $to: $isAllowed', ({ from, to, isAllowed }) => {
    expect(canEnter(from, to)).toBe(isAllowed);
    if (isAllowed) expect(() => assertCanEnter(from, to)).not.toThrow();
    else expect(() => assertCanEnter(from, to)).toThrow(InvariantViolation);
  });

  it.each(LIFE)('$phase is shown as $stage and allows $intents', ({ phase, stage, intents }) => {
    expect(stageOf(phase)).toBe(stage);
    expect(allowedIntents(phase)).toEqual(intents);
  });

  it('uses every stage that the API promises', () => {
    expect(new Set(LIFE.map(({ stage }) => stage))).toEqual(new Set(STAGES));
  });

  it('ends at home or back in Azure: every phase reaches one of the two', () => {
    const reached = (from: Phase, seen: readonly Phase[] = []): readonly Phase[] =>
      seen.includes(from)
        ? seen
        : nextOf(from).reduce<readonly Phase[]>((all, next) => reached(next, all), [...seen, from]);
    for (const phase of PHASES) expect(reached(phase)).toContain('protected');
    expect(nextOf('protected')).toEqual([]);
  });
});

describe('the point of no return', () => {
  it('lies before committing', () => {
    expect(BEYOND_RETURN).toEqual([
      'committing',
      'waitingForAgent',
      'reverseReplicating',
      'protected',
    ]);
  });

  it('is never crossed backwards: from beyond it no way leads before it', () => {
    for (const phase of BEYOND_RETURN) {
      for (const next of nextOf(phase)) expect(BEYOND_RETURN).toContain(next);
    }
  });

  it('is crossed at one place only, which asks an operator', () => {
    const before = PHASES.filter((phase) => !BEYOND_RETURN.includes(phase));
    const crossing = before.filter((phase) =>
      nextOf(phase).some((next: Phase) => BEYOND_RETURN.includes(next)),
    );
    expect(crossing).toEqual(['commitPending']);
    expect(allowedIntents('commitPending')).toContain('commit');
  });

  it.each(PHASES.map((phase) => [phase] as const))(
    '%s: cancelling is offered exactly where going back is possible',
    (phase) => {
      const canGoBack =
        phase === 'failedOver' || nextOf(phase).some((next: Phase) => next === 'rollingBack');
      expect(allowedIntents(phase).includes('cancel')).toBe(canGoBack);
    },
  );
});

describe('groups of phases', () => {
  it('has the source down from the shutdown until the commit, never beyond', () => {
    expect(SOURCE_IS_DOWN).toEqual([
      'shuttingDownSource',
      'finalDelta',
      'booting',
      'bootFailed',
      'commitPending',
    ]);
    expect(SOURCE_IS_DOWN.filter((phase) => BEYOND_RETURN.includes(phase))).toEqual([]);
  });

  it('can go back, starting the source again, from every phase in which it is down', () => {
    for (const phase of SOURCE_IS_DOWN) expect(canEnter(phase, 'rollingBack')).toBe(true);
  });

  it('reaches a phase with the source down only from another, or from replicating', () => {
    const entered = PHASES.filter((phase) => !SOURCE_IS_DOWN.includes(phase)).filter((phase) =>
      nextOf(phase).some((next: Phase) => SOURCE_IS_DOWN.includes(next)),
    );
    expect(entered).toEqual(['replicating']);
  });

  it('starts a failback from everywhere but from home', () => {
    expect(new Set([...STARTABLE, 'protected'])).toEqual(new Set(PHASES));
    expect(STARTABLE).not.toContain('protected');
  });
});

describe('the direction of replication', () => {
  it.each([
    ['failedOver', 'none'],
    ['preparing', 'azureToOnPremises'],
    ['initialReplication', 'azureToOnPremises'],
    ['replicating', 'azureToOnPremises'],
    ['shuttingDownSource', 'azureToOnPremises'],
    ['finalDelta', 'azureToOnPremises'],
    ['booting', 'azureToOnPremises'],
    ['commitPending', 'azureToOnPremises'],
    ['committing', 'azureToOnPremises'],
    ['waitingForAgent', 'onPremisesToAzure'],
    ['reverseReplicating', 'onPremisesToAzure'],
    ['protected', 'onPremisesToAzure'],
    ['rollingBack', 'azureToOnPremises'],
  ] as const satisfies readonly (readonly [Phase, string])[])('in %s is %s', (phase, direction) => {
    expect(directionOf(phase)).toBe(direction);
  });
});
