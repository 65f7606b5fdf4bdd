import { describe, expect, it } from '@jest/globals';
import { MINUTE, useEngine } from './engine-fixture.ts';

const engine = useEngine();

describe('a host that dies', () => {
  it.each(['chain', 'retrying', 'parent', 'counter', 'parentOfBroken'])(
    'comes to the same end whichever commit of %s it dies after',
    async (name) => {
      const input = name === 'counter' ? 1 : null;
      const whole = engine.begin();
      engine.failuresLeft = 1;
      whole.start(name, 'i', input);
      await whole.advanceBy(5 * MINUTE);
      const { output, runtimeStatus } = whole.status('i');
      const commits = whole.commits;
      expect(commits).toBeGreaterThan(2);
      for (let after = 1; after < commits; after += 1) {
        const it = engine.begin();
        engine.failuresLeft = 1;
        it.crashAfter(after);
        it.start(name, 'i', input);
        await it.advanceBy(5 * MINUTE);
        expect(it.isCrashed).toBe(true);
        await it.restart();
        await it.advanceBy(5 * MINUTE);
        expect(it.status('i')).toMatchObject({ output, runtimeStatus });
      }
    },
  );
});
