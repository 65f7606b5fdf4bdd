import type * as Apply from '../../../agents/master-target/apply.ts';
import type * as Lanes from '../../../agents/master-target/lane-receiver.ts';
import type * as Manifests from '../../../agents/master-target/manifest.ts';
import type * as Folders from '../../../agents/master-target/replication-folder.ts';
import type * as Rewind from '../../../agents/master-target/rewind.ts';
import type * as Seal from '../../../agents/master-target/seal.ts';
import type * as Staging from '../../../agents/master-target/staging.ts';
import type * as Verify from '../../../agents/master-target/verify.ts';

/** The product's code, as it was loaded with files that are recorded. */
export interface JournalCode
  extends
    Pick<typeof Apply, 'applyPending'>,
    Pick<typeof Lanes, 'LaneReceiver'>,
    Pick<typeof Manifests, 'Manifest' | 'isSame'>,
    Pick<typeof Folders, 'ReplicationFolder' | 'removeForgotten'>,
    Pick<typeof Rewind, 'rewindTo'>,
    Pick<typeof Seal, 'sealPoint'>,
    Pick<typeof Staging, 'beginStaging' | 'diskOf'>,
    Pick<typeof Verify, 'verifyDisks'> {}

/** To be called after `node:fs/promises` was replaced. */
export async function loadJournalCode(): Promise<JournalCode> {
  return {
    ...(await import('../../../agents/master-target/apply.ts')),
    ...(await import('../../../agents/master-target/lane-receiver.ts')),
    ...(await import('../../../agents/master-target/manifest.ts')),
    ...(await import('../../../agents/master-target/replication-folder.ts')),
    ...(await import('../../../agents/master-target/rewind.ts')),
    ...(await import('../../../agents/master-target/seal.ts')),
    ...(await import('../../../agents/master-target/staging.ts')),
    ...(await import('../../../agents/master-target/verify.ts')),
  };
}
