import { expect, it } from '@jest/globals';
import { useHost } from './host-fixture.ts';

const host = useHost();

it('a data folder that another host uses is refused', async () => {
  await host.start();
  await expect(host.start()).rejects.toThrow(
    /Another host uses .*durable\.sqlite\. Stop it, or choose another folder/,
  );
});
