import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ControlPlaneClient } from '../../../agents/runtime/control-plane-client.ts';
import type { AgentKind } from '../../../shared/contracts/agent-protocol.ts';
import { Secret } from '../../../shared/domain/secret.ts';
import { ControlPlane, REGISTRATION_TOKEN } from '../../support/control-plane/control-plane.ts';
import { must } from '../../support/must.ts';

let plane: ControlPlane;
beforeAll(async () => {
  plane = await ControlPlane.start();
});
afterAll(async () => plane.stop());

const stopping = new AbortController();
async function idOf(name: string, kind: AgentKind = 'masterTarget'): Promise<string> {
  const client = new ControlPlaneClient(plane.url, stopping.signal);
  const agent = { kind, name, version: '1' };
  const { agentId } = await client.register(agent, new Secret(REGISTRATION_TOKEN));
  return agentId;
}

describe('the id of an agent', () => {
  it('is its name where that can be one', async () => {
    expect(await idOf('site-2')).toBe('mt-site-2');
    expect(await idOf('x'.repeat(54))).toBe(`mt-${'x'.repeat(54)}`);
  });

  it('is its own, and that of a queue, whatever the name is', async () => {
    const names = [
      'a-b',
      'a_b',
      'A-b',
      'A-B',
      'a--b',
      'a_-b',
      `${'x'.repeat(60)}1`,
      `${'x'.repeat(60)}2`,
      `${'y'.repeat(53)}-z`,
      `${'y'.repeat(40)}-${'z'.repeat(30)}`,
      `${'y'.repeat(40)}_${'z'.repeat(30)}`,
    ];
    const ids = await Promise.all(names.map(async (name) => idOf(name)));
    // A name that pretends to be what another one became.
    const pretender = await idOf(must(ids[1], 'the second identity').replace(/^mt-/, ''));
    expect(new Set([...ids, pretender]).size).toBe(names.length + 1);
    for (const id of ids) expect(`agent-${id}`).toMatch(/^(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*$/);
  });

  it('is the same whenever the agent registers', async () => {
    expect(await idOf('Site_1')).toBe(await idOf('Site_1'));
  });

  it('is sent again when the answer was cut in its body', async () => {
    let cuts = 0;
    plane.fault = () => (cuts++ === 0 ? 'cutInBody' : null);
    expect(await idOf('cut')).toBe('mt-cut');
    plane.fault = () => null;
  });
});
