import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import type { PlanMachine, PlanRun } from '../../../../shared/domain/plan-run.ts';
import { runRecordCharacters } from '../../../../shared/domain/plan-size.ts';
import {
  actionsOf,
  machinesOf,
  type PlanAction,
  type PlanDefinition,
} from '../../../../shared/domain/recovery-plan.ts';
import { asStored, shortened } from '../../../../shared/domain/stored-size.ts';
import {
  MAX_KEPT_ERROR,
  MAX_KEPT_NOTE,
  MAX_KEPT_OUTPUT,
} from '../../../../shared/policy/limits.ts';
import { NOW } from '../../../support/memory/builders.ts';
import { aDefinition, aRun, WEBHOOK } from '../../../support/memory/plan-builders.ts';

const anyText = fc.string({ unit: 'binary', maxLength: 900 });

describe('a text that is shortened', () => {
  it('never takes more room in a table than it may', () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 100, max: 600 }), (text, max) => {
        const short = shortened(text, max);
        expect(asStored(short).length - 2).toBeLessThanOrEqual(max);
        if (asStored(text).length - 2 <= max) expect(short).toBe(text);
      }),
      { numRuns: 300, seed: 7 },
    );
  });

  it('keeps its beginning and its end, and says that it was longer', () => {
    const text = `FB-RCV-011 failed. ${'x'.repeat(500)} disk is full`;
    const short = shortened(text, 200);
    expect(short).toMatch(/^FB-RCV-011 failed\./);
    expect(short).toMatch(/disk is full$/);
    expect(short).toContain('532 characters, shortened');
  });
});

describe('the room that the record of a run needs', () => {
  const worst = (max: number): string => shortened('ü'.repeat(2_000), max);

  /** Everything failed once, and a person decided at every gate. */
  const grown = (definition: PlanDefinition, name: string): PlanRun => {
    const decision = {
      decision: 'resume',
      note: '',
      at: NOW,
      caller: `user ${'c'.repeat(60)}`,
    } as const;
    const actions = actionsOf(definition);
    const machines = machinesOf(definition).map((itemId): [string, PlanMachine] => {
      const error = { code: 'FB-VSPHERE-018', message: worst(MAX_KEPT_ERROR) };
      const jobId = 'fb-3bcdefgh1-a1b2c3';
      const state = 'rollingBack';
      return [itemId, { itemId, itemName: name, jobId, state, error, isLeftBehind: true }];
    });
    const decisions: [string, PlanRun['decisions'][string]][] = [
      ...definition.groups.map(({ id }): [string, typeof decision] => [`pause-${id}`, decision]),
      ...actions.map(({ id }): [string, typeof decision] => [`action-${id}-1`, decision]),
    ];
    for (const { id, kind } of actions) {
      const note = worst(MAX_KEPT_NOTE);
      if (kind === 'manual') decisions.push([`manual-${id}-1`, { ...decision, note }]);
    }
    return aRun({
      definition,
      machines: Object.fromEntries(machines),
      groups: Object.fromEntries(
        definition.groups.map(({ id }) => [id, { startedAt: NOW, endedAt: NOW }]),
      ),
      actions: Object.fromEntries(
        actions.map(({ id }) => [
          id,
          {
            state: 'succeeded',
            attempts: 2,
            startedAt: NOW,
            endedAt: NOW,
            detail: worst(MAX_KEPT_OUTPUT),
          },
        ]),
      ),
      decisions: Object.fromEntries(decisions),
    });
  };

  it.each([1, 5, 40])('is not underestimated with %d groups', (count) => {
    const manual: PlanAction = {
      id: 'm',
      name: 'Schalter',
      kind: 'manual',
      runsIn: ['failback'],
      instructions: 'Übergabe'.repeat(50),
    };
    const groups = Array.from({ length: count }, (_, group) => ({
      id: `group-${group}`,
      name: 'Datenbänke',
      itemIds: Array.from({ length: 10 }, (__, index) => `vm-${group}-${index}`),
      maxParallel: 10,
      preActions: [{ ...WEBHOOK, id: `hook-${group}` }],
      postActions: [{ ...manual, id: `step-${group}` }],
      pauseAfter: null,
    }));
    const definition = aDefinition({ groups });
    const name = 'Rechner für Löhne';
    const actual = asStored(grown(definition, name)).length;
    const estimated = runRecordCharacters(definition, () => name);
    expect(estimated + 2_000).toBeGreaterThanOrEqual(actual);
    expect(estimated).toBeLessThan(actual * 1.6 + 2_000);
  });
});
