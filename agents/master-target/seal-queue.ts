import { statfs } from 'node:fs/promises';
import type { CommandInput, CommandOutput } from '../../shared/contracts/commands.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { Mutex } from '../runtime/mutex.ts';
import type { ReplicationFolder } from './replication-folder.ts';
import { makeRoom } from './retention.ts';
import { type SealOptions, sealPoint } from './seal.ts';
import { type StorageWait, waitingForStorage } from './storage-error.ts';

/** Less than that is as good as nothing. */
const MARGIN_BYTES = 1024 * 1024;

/**
 * Seals of all replications on one retention volume. They run side by side while there is room. One that found none
 * gives back what it took, and goes on in turn with the others that wait: several that fill the volume together, each
 * with a part of what it needs, would all wait for ever.
 */
export class SealQueue {
  readonly #turn = new Mutex();

  async seal(
    options: SealOptions,
    input: CommandInput<'sealRecoveryPoint'>,
    wait: Omit<StorageWait, 'makeRoom'>,
  ): Promise<CommandOutput<'sealRecoveryPoint'>> {
    const { folder, retention } = options;
    const { pointId, keepPointId } = input;
    let tooFewBytes = 0;
    const seal = async (): ReturnType<typeof sealPoint> => {
      await expectMoreThan(tooFewBytes, folder);
      return sealPoint(options, input);
    };
    const giveBack = async (): Promise<void> => {
      const { points } = await folder.journal();
      // Sealed: what is missing now is missing elsewhere.
      if (points.at(-1)?.pointId === pointId) return;
      tooFewBytes = Math.max(tooFewBytes, await folder.pointBytes(pointId));
      // The new point takes the place of one of those that are kept.
      const maxPoints = retention.maxPoints - 1;
      await makeRoom(folder, { ...retention, maxPoints, keepPointId });
    };
    const inTurn = async (attempt: number): ReturnType<typeof sealPoint> =>
      attempt === 0 ? seal() : this.#turn.run(seal);
    return waitingForStorage(inTurn, { ...wait, makeRoom: giveBack });
  }
}

/** What was too little before is too little again; filling the volume with it would only hold up everybody else. */
async function expectMoreThan(bytes: number, { folder }: ReplicationFolder): Promise<void> {
  if (bytes === 0) return;
  const { bavail, bsize } = await statfs(folder);
  const isTooLittle = bavail * bsize < bytes + MARGIN_BYTES;
  if (isTooLittle) throw new FailbackError('FB-JRN-004', { volume: folder });
}
