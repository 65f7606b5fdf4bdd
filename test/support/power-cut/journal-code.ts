import type * as Files from 'node:fs/promises';
import type * as Timers from 'node:timers/promises';
import { jest } from '@jest/globals';
import type * as Apply from '../../../agents/master-target/apply.ts';
import type * as Handlers from '../../../agents/master-target/handlers.ts';
import type * as Lanes from '../../../agents/master-target/lane-receiver.ts';
import type * as Manifests from '../../../agents/master-target/manifest.ts';
import type * as Folders from '../../../agents/master-target/replication-folder.ts';
import type * as Gates from '../../../agents/master-target/replication-gate.ts';
import type * as Retention from '../../../agents/master-target/retention.ts';
import type * as Rewind from '../../../agents/master-target/rewind.ts';
import type * as Seals from '../../../agents/master-target/seal.ts';
import type * as Staging from '../../../agents/master-target/staging.ts';
import type * as Verify from '../../../agents/master-target/verify.ts';
import type * as Backoff from '../../../agents/runtime/backoff.ts';
import { RecordingFiles } from './recorded-folder.ts';

/** The product's code, as it was loaded with files that are recorded. */
export interface JournalCode
  extends
    Pick<typeof Apply, 'applyPending' | 'standAtPoint'>,
    Pick<typeof Backoff, 'withBackoff'>,
    Pick<typeof Gates, 'ReplicationGate'>,
    Pick<typeof Handlers, 'createMasterTargetHandlers'>,
    Pick<typeof Lanes, 'LaneReceiver'>,
    Pick<typeof Manifests, 'Manifest' | 'isSame'>,
    Pick<typeof Folders, 'ReplicationFolder' | 'removeForgotten'>,
    Pick<typeof Rewind, 'rewindTo'>,
    Pick<typeof Retention, 'makeRoom'>,
    Pick<typeof Seals, 'sealPoint'>,
    Pick<typeof Staging, 'beginStaging' | 'diskOf'>,
    Pick<typeof Verify, 'verifyDisks'> {}

/** Between two looks at the clock: what a lane has is made durable every second. */
const STEP_MS = 300;

interface RecordedJournal {
  readonly files: RecordingFiles;
  readonly code: JournalCode;
}

/** Replaces the file system, the clock and the pauses of the test file; `jest.restoreAllMocks` gives the clock back. */
export async function recordJournal(): Promise<RecordedJournal> {
  const files = new RecordingFiles(jest.requireActual<typeof Files>('node:fs/promises'));
  jest.doMock('node:fs/promises', () => files.module);
  jest.doMock('node:timers/promises', () => ({
    ...jest.requireActual<typeof Timers>('node:timers/promises'),
    setTimeout: async () => files.pause(),
  }));
  // Loaded only now, so that it gets the files above.
  const code = await loadJournalCode();
  let now = Date.now();
  jest.spyOn(Date, 'now').mockImplementation(() => (now += STEP_MS));
  return { files, code };
}

/** To be called after `node:fs/promises` was replaced. */
export async function loadJournalCode(): Promise<JournalCode> {
  return {
    ...(await import('../../../agents/master-target/apply.ts')),
    ...(await import('../../../agents/master-target/handlers.ts')),
    ...(await import('../../../agents/master-target/lane-receiver.ts')),
    ...(await import('../../../agents/master-target/manifest.ts')),
    ...(await import('../../../agents/master-target/replication-folder.ts')),
    ...(await import('../../../agents/master-target/replication-gate.ts')),
    ...(await import('../../../agents/master-target/retention.ts')),
    ...(await import('../../../agents/master-target/rewind.ts')),
    ...(await import('../../../agents/master-target/seal.ts')),
    ...(await import('../../../agents/master-target/staging.ts')),
    ...(await import('../../../agents/master-target/verify.ts')),
    ...(await import('../../../agents/runtime/backoff.ts')),
  };
}
