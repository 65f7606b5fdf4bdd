import type { ActivityHandler } from '../shared/contracts/activities.ts';
import { MAX_REPORT_TEXT } from '../shared/policy/limits.ts';
import type { StoreDeps } from './support/deps.ts';
import { updateJob } from './support/records.ts';

/** Adds figures to the job's report. Idempotent: the same figures overwrite themselves. */
export const createRecordReport = ({ stores }: StoreDeps): ActivityHandler<'recordReport'> =>
  async function recordReport({ jobId, report }) {
    const evidence = report.bootEvidence?.slice(0, MAX_REPORT_TEXT);
    const patch = evidence === undefined ? report : { ...report, bootEvidence: evidence };
    await updateJob(stores, jobId, (job) => ({ ...job, report: { ...job.report, ...patch } }));
    return null;
  };
