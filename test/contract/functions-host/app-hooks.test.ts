import { describe, expect, it } from '@jest/globals';
import { app } from '@azure/functions';
import { useHost } from './host-fixture.ts';

const host = useHost();

describe('hooks of the app', () => {
  it('see each invocation and may change its input and its result', async () => {
    const before = app.hook.preInvocation((context) => {
      if (context.invocationContext.functionName === 'ping') context.inputs = ['changed'];
    });
    const after = app.hook.postInvocation((context) => {
      if (context.invocationContext.functionName === 'ping')
        context.result = `${String(context.result)} twice`;
    });
    try {
      const { durable, idle } = await host.start();
      durable.start('pingOnce', 'p', '"given"');
      await idle();
      expect(durable.status('p')).toMatchObject({ output: 'changed twice' });
    } finally {
      before.dispose();
      after.dispose();
    }
  });
});
