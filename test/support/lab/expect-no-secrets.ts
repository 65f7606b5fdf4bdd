import { expect } from '@jest/globals';
import { scanForSecrets } from './secrets.ts';

/** After a whole run: no secret in logs, histories and answers. Shows first that the scan would find one. */
export async function expectNoSecrets(
  labFolder: string,
  answers: readonly string[],
): Promise<void> {
  const planted = await scanForSecrets(labFolder, [
    'https://disk.invalid/a.vhd?sv=1&sig=QUJDREVGR0g',
  ]);
  expect(planted.found).toContain('SAS signature in answer 0');

  const scan = await scanForSecrets(labFolder, answers);
  // Storage key, token, passphrase, keys of the host, agents and authority: each by name.
  const wanted = [
    'secrets.json#storageKey',
    'secrets.json#registrationToken',
    'secrets.json#passphrase',
    'keys.json#host#default',
    'keys.json#master',
    'authority.json#',
    'identity.json#agentKey',
    'tls.json#',
    'identity.key',
  ];
  const missed = wanted.filter((name) => !scan.lookedFor.some((known) => known.includes(name)));
  expect(missed).toEqual([]);
  const files = ['host/durable.sqlite', 'logs/functions-host.log', 'logs/master-target.log'];
  expect(scan.lookedAt).toEqual(expect.arrayContaining(files));
  expect(answers.length).toBeGreaterThan(10);
  expect(scan.found).toEqual([]);
}
