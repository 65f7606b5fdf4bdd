import { FailbackError } from '../../../shared/errors/failback-error.ts';

/** At the `at`-th call of a port (from 1) the process is gone: before the call, or after it took effect. */
export interface Break {
  readonly at: number;
  readonly when: 'before' | 'after';
}

/** The last call, so that a test knows how many places there are to break at. */
export interface Counter {
  calls: number;
}

/** What cannot break off, because nothing is waited for. */
const SYNCHRONOUS: readonly PropertyKey[] = [
  'clock',
  'newJobId',
  'newAgentKey',
  'webhookSecretNames',
];

/**
 * The same ports, of which one call breaks off. The error is one that passes by itself, as the Durable
 * SDK would see it before it runs the activity again.
 */
export function breakingOff<T extends object>(ports: T, counter: Counter, broken?: Break): T {
  return new Proxy(ports, {
    get(target, property, receiver) {
      // Private fields live on the target itself, so methods must not see the proxy as `this`.
      const member: unknown = Reflect.get(target, property, receiver);
      if (SYNCHRONOUS.includes(property)) return member;
      if (typeof member === 'object' && member !== null) {
        return breakingOff(member, counter, broken);
      }
      if (typeof member !== 'function') return member;
      return async (...parameters: unknown[]) => {
        counter.calls += 1;
        const isHere = counter.calls === broken?.at;
        if (isHere && broken?.when === 'before') throw gone();
        const answer: unknown = await Reflect.apply(member, target, parameters);
        if (isHere) throw gone();
        return answer;
      };
    },
  });
}

function gone(): FailbackError {
  return new FailbackError('FB-AZ-002', { operation: 'test', code: 'Gone', detail: 'broke off' });
}
