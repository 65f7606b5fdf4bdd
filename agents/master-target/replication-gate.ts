import { FrameFault, type Hello } from '../../shared/contracts/transfer-protocol.ts';
import { Mutex } from '../runtime/mutex.ts';

interface Session {
  readonly attemptId: string;
  readonly diskId: string;
  readonly close: () => void;
  readonly ended: Promise<void>;
  lane: number | null;
}

/** What a connection may do while it lasts. */
export interface SessionRights {
  /** Runs what must not happen for two lanes at once. */
  critical<T>(work: () => Promise<T>): Promise<T>;
  /** Throws FrameFault when another connection of the attempt serves the lane. */
  claimLane(lane: number): void;
}

interface SessionRequest {
  readonly hello: Pick<Hello, 'replicationId' | 'diskId' | 'attemptId'>;
  readonly close: () => void;
  readonly work: (rights: SessionRights) => Promise<void>;
}

interface Replication {
  /** Held while the disks or the journal are changed as a whole; sessions pass through it. */
  readonly exclusive: Mutex;
  /** Between lanes: beginning a point anew must not happen twice. */
  readonly staging: Mutex;
  readonly sessions: Set<Session>;
}

/**
 * Who may touch a replication: either the connections of one attempt a disk, or one command. A command ends
 * the connections first; a connection of a newer attempt ends those of the older one.
 */
export class ReplicationGate {
  readonly #replications = new Map<string, Replication>();

  /** Runs a command's work alone. */
  async alone<T>(replicationId: string, work: () => Promise<T>): Promise<T> {
    const replication = this.#of(replicationId);
    return replication.exclusive.run(async () => {
      await end([...replication.sessions]);
      return work();
    });
  }

  async session({ hello, close, work }: SessionRequest): Promise<void> {
    const replication = this.#of(hello.replicationId);
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const { attemptId, diskId } = hello;
    const session: Session = { attemptId, diskId, close, ended, lane: null };
    try {
      await replication.exclusive.run(async () => {
        const older = [...replication.sessions].filter(
          (each) => each.diskId === diskId && each.attemptId !== attemptId,
        );
        await end(older);
        replication.sessions.add(session);
      });
      await work({
        critical: async (part) => replication.staging.run(part),
        claimLane: (lane) => {
          const isTaken = [...replication.sessions].some(
            (each) => each.diskId === diskId && each.lane === lane,
          );
          if (isTaken) throw new FrameFault('a lane that another connection serves');
          session.lane = lane;
        },
      });
    } finally {
      replication.sessions.delete(session);
      resolve();
    }
  }

  #of(replicationId: string): Replication {
    const known = this.#replications.get(replicationId);
    if (known !== undefined) return known;
    const made = { exclusive: new Mutex(), staging: new Mutex(), sessions: new Set<Session>() };
    this.#replications.set(replicationId, made);
    return made;
  }
}

async function end(sessions: readonly Session[]): Promise<void> {
  for (const { close } of sessions) close();
  await Promise.all(sessions.map(({ ended }) => ended));
}
