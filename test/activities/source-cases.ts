import { errorRecord } from '../../shared/errors/failback-error.ts';
import { aJob, anItem } from '../support/memory/builders.ts';
import type { ActivityCase } from './cases.ts';

const ref = { jobId: 'fb-1', itemId: 'web-01' } as const;

type SourceActivity =
  | 'changeVmPower'
  | 'noteSourcePower'
  | 'readSource'
  | 'noteSourceLoss'
  | 'noteLeftSnapshots'
  | 'readVmPower';

/** The activities that look at the Azure VM or switch it. */
export const SOURCE_CASES: { readonly [N in SourceActivity]: ActivityCase<N> } = {
  changeVmPower: { input: { ...ref, action: 'powerOff' }, answers: null },
  noteSourcePower: { input: ref, answers: { state: 'there', reason: '' } },
  readSource: { input: ref, answers: { state: 'there', reason: '' } },
  noteSourceLoss: {
    arrange: ({ stores }) => {
      stores.jobs.put(aJob({ phase: 'replicating' }));
      stores.items.put(anItem({ activeJobId: 'fb-1', phase: 'replicating', base: { os: 's1' } }));
    },
    input: { ...ref, kind: 'gone', error: errorRecord('FB-AZ-004', { snapshotName: 's2' }) },
    answers: { base: { os: 's1' } },
  },
  noteLeftSnapshots: {
    arrange: ({ stores }) => stores.jobs.put(aJob({ phase: 'replicating' })),
    input: { ...ref, pointId: 'fb-1-p0001', error: errorRecord('FB-AZ-002') },
    answers: null,
  },
  readVmPower: { input: ref, answers: { powerState: 'running' } },
};
