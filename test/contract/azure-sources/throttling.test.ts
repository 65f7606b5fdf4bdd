import { createHttpHeaders, createPipelineRequest } from '@azure/core-rest-pipeline';
import { describe, expect, it } from '@jest/globals';
import { noLongSleep } from '../../../shared/adapters/azure/clients.ts';

/** What the SDK's own retry policy, which comes after ours, is told to wait. */
async function toldToWait(status: number, retryAfter: string): Promise<string | undefined> {
  const request = createPipelineRequest({ url: 'https://management.invalid/' });
  const headers = createHttpHeaders({ 'retry-after': retryAfter });
  const answer = await noLongSleep.sendRequest(request, async () => ({ request, status, headers }));
  return answer.headers.get('retry-after');
}

describe('a client of Azure that is told to wait', () => {
  it('waits for seconds, and does not sleep through the time that an activity has', async () => {
    expect(await toldToWait(429, '10')).toBe('10');
    expect(await toldToWait(429, '1200')).toBeUndefined();
    expect(await toldToWait(429, 'Wed, 21 Oct 2026 07:28:00 GMT')).toBeUndefined();
  });

  it('is left alone where waiting is how an operation is followed', async () => {
    expect(await toldToWait(202, '60')).toBe('60');
  });
});
