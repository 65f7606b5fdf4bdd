import type { CommandInput } from '../../shared/contracts/commands.ts';
import {
  type Hello,
  type LaneState,
  PROTOCOL_VERSION,
} from '../../shared/contracts/transfer-protocol.ts';
import {
  BLOCK_BYTES,
  clip,
  type PageRange,
  widenToBlocks,
  withGapsAsZeros,
} from '../../shared/domain/page-ranges.ts';
import type { ProgressMeter } from '../runtime/progress-meter.ts';
import type { CommandContext } from '../runtime/types.ts';
import { sendLane, type SendFigures } from './lane-sender.ts';
import { planTransfer, reconsider, type TransferPlan } from './plan.ts';
import type { ReplicateParts } from './replicate-disk.ts';
import type { SourceAccess } from './source-access.ts';
import { SnapshotSource } from './snapshot-source.ts';
import { Survey } from './survey.ts';
import { TargetConnection } from './target-connection.ts';

/** Below this a lane more costs more than it brings. */
const MIN_LANE_BYTES = 32 * 1024 * 1024;

interface AttemptOptions extends ReplicateParts {
  readonly attemptId: string;
  readonly input: CommandInput<'replicateDisk'>;
  readonly context: CommandContext;
  readonly access: SourceAccess;
  readonly meter: ProgressMeter;
  readonly figures: SendFigures;
  readonly refusedBase: string | null;
  readonly onAck: () => void;
}

/** One attempt to bring a disk over: from wherever the master target stands to the end of every lane. */
export class TransferAttempt {
  readonly #options: AttemptOptions;
  readonly #source: SnapshotSource;
  readonly #connections = new Set<TargetConnection>();
  readonly #key: string;
  readonly #ended = new AbortController();
  readonly #signal: AbortSignal;

  constructor(options: AttemptOptions) {
    this.#options = options;
    const { context, input, throttle, access } = options;
    this.#key = `${input.replicationId}/${input.diskId}`;
    this.#signal = AbortSignal.any([context.signal, this.#ended.signal]);
    this.#source = new SnapshotSource({ access, signal: this.#signal, throttle, key: this.#key });
    context.signal.addEventListener('abort', this.#closeConnections);
  }

  async run(): Promise<TransferPlan> {
    const { input } = this.#options;
    await this.#source.open(input.sizeBytes);
    const first = await this.#connect();
    const { plan, survey } = await this.#plan(first);
    const begun = first.answer.resume;
    const lanes = begun?.mode === plan.mode ? begun.lanes : newLanes(survey, this.#options);
    this.#showProgress(survey, lanes);
    const open = lanes.flatMap((lane, index) => (lane.isFinished ? [] : [index]));
    await this.#together(
      this.#workers(first, open, (connection, index) =>
        this.#send(connection, { plan, lanes, index }),
      ),
    );
    return plan;
  }

  /** The disk's own connection takes lane after lane; others help as long as the process has some to spare. */
  #workers(
    first: TargetConnection,
    lanes: readonly number[],
    send: (connection: TargetConnection, lane: number) => Promise<void>,
  ): readonly Promise<void>[] {
    const left = [...lanes];
    const allTaken = new AbortController();
    const take = (): number | undefined => {
      const lane = left.shift();
      if (left.length === 0) allTaken.abort();
      return lane;
    };
    const work = async (given?: TargetConnection): Promise<void> => {
      let connection = given;
      for (let lane = take(); lane !== undefined; lane = take()) {
        await send(connection ?? (await this.#connect()), lane);
        connection = undefined;
      }
    };
    const help = async (): Promise<void> => {
      const { throttle } = this.#options;
      const signal = AbortSignal.any([this.#signal, allTaken.signal]);
      // Aborted: there is nothing left to help with, or the attempt is over, which the first worker tells.
      const release = await throttle.connection(this.#key, signal).catch(() => null);
      if (release === null) return;
      try {
        await work();
      } finally {
        release();
      }
    };
    const helpers = lanes.slice(1).map(async () => help());
    return [work(first), ...helpers];
  }

  async close(): Promise<void> {
    this.#options.context.signal.removeEventListener('abort', this.#closeConnections);
    this.#ended.abort();
    this.#closeConnections();
  }

  readonly #closeConnections = (): void => {
    for (const connection of this.#connections) connection.close();
  };

  async #connect(): Promise<TargetConnection> {
    const { transport, attemptId, input } = this.#options;
    const { replicationId, pointId, diskId, sizeBytes, snapshotName, keepPointId } = input;
    const hello: Hello = {
      protocolVersion: PROTOCOL_VERSION,
      attemptId,
      replicationId,
      pointId,
      diskId,
      sizeBytes,
      blockBytes: BLOCK_BYTES,
      snapshotName,
      ...(keepPointId === undefined ? {} : { keepPointId }),
    };
    const connection = await TargetConnection.open(transport, input.masterTarget, hello);
    this.#connections.add(connection);
    return connection;
  }

  async #plan({ answer }: TargetConnection): Promise<{ plan: TransferPlan; survey: Survey }> {
    const { input, refusedBase } = this.#options;
    const { mode: asked, baseSnapshotName, repair, sizeBytes } = input;
    if (repair !== undefined) {
      const plan: TransferPlan = { mode: 'delta', reason: `repair of ${repair.length} blocks` };
      return { plan, survey: await this.#survey(plan, answer.isBlank) };
    }
    const base = await this.#source.base();
    const plan = planTransfer({ answer, asked, baseSnapshotName, sizeBytes, base, refusedBase });
    const survey = await this.#survey(plan, answer.isBlank);
    const share = { asked, changedBytes: survey.bytes, sizeBytes, nowMs: Date.now() };
    const better = reconsider(plan, { ...share, baseTakenAt: answer.sealed?.takenAt });
    if (better === plan) return { plan, survey };
    return { plan: better, survey: await this.#survey(better, answer.isBlank) };
  }

  async #survey(plan: TransferPlan, isBlank: boolean): Promise<Survey> {
    const { sizeBytes } = this.#options.input;
    const whole = { start: 0, end: sizeBytes };
    return Survey.of(this.#ranges({ plan, isBlank, window: whole }), sizeBytes);
  }

  /** What is to be sent of a stretch of the disk. */
  #ranges(request: {
    readonly plan: TransferPlan;
    readonly isBlank: boolean;
    readonly window: { readonly start: number; readonly end: number };
  }): AsyncIterable<PageRange> {
    const { plan, isBlank, window } = request;
    const { repair, sizeBytes } = this.#options.input;
    if (repair !== undefined) return repairRanges(repair, window);
    const isDelta = plan.mode === 'delta';
    const listed = this.#source.ranges({ from: window.start, to: window.end, isDelta });
    if (isDelta) return listed;
    const widened = widenToBlocks(listed, sizeBytes);
    // What a full listing does not name is zero; a disk that was just made is zero there already.
    return isBlank ? widened : withGapsAsZeros(widened, window);
  }

  /** A lane has a connection of its own, which costs both ends memory: it is closed with the lane. */
  async #send(
    connection: TargetConnection,
    work: {
      readonly plan: TransferPlan;
      readonly lanes: readonly LaneState[];
      readonly index: number;
    },
  ): Promise<void> {
    const { plan, lanes, index } = work;
    const { context, meter, figures, throttle, onAck } = this.#options;
    const lane = lanes[index];
    if (lane === undefined) return;
    const { mode } = plan;
    const borders = lanes.map(({ start, end }) => ({ start, end }));
    await connection.begin({ mode, lanes: borders, lane: index }, onAck);
    await sendLane({
      source: this.#source,
      connection,
      mode,
      throttle,
      key: this.#key,
      signal: this.#signal,
      lane,
      rangesOf: (window) => this.#ranges({ plan, isBlank: connection.answer.isBlank, window }),
      meter,
      figures,
      onProgress: () => context.reportProgress(meter.read('sending')),
    });
    connection.close();
    this.#connections.delete(connection);
  }

  #showProgress(survey: Survey, lanes: readonly LaneState[]): void {
    const { meter, context } = this.#options;
    meter.expect(survey.bytes, survey.ranges);
    const done = lanes.map(({ start, watermark }) => survey.between(start, watermark));
    const sum = (pick: (part: { bytes: number; ranges: number }) => number): number =>
      done.reduce((total, part) => total + pick(part), 0);
    meter.resumeAt(
      sum(({ bytes }) => bytes),
      sum(({ ranges }) => ranges),
    );
    context.reportProgress(meter.read('sending'));
  }

  /** Ends all lanes with the first failure, and waits until none is left running. */
  async #together(lanes: readonly Promise<void>[]): Promise<void> {
    try {
      await Promise.all(lanes);
    } catch (error) {
      this.#ended.abort();
      this.#closeConnections();
      await Promise.allSettled(lanes);
      throw error;
    }
  }
}

function newLanes(
  survey: Survey,
  { connectionsPerDisk, minLaneBytes = MIN_LANE_BYTES }: ReplicateParts,
): readonly LaneState[] {
  return survey
    .lanes(connectionsPerDisk, minLaneBytes)
    .map(({ start, end }) => ({ start, end, watermark: start, isFinished: false }));
}

async function* repairRanges(
  repair: readonly { readonly offset: number; readonly length: number }[],
  { start, end }: { readonly start: number; readonly end: number },
): AsyncGenerator<PageRange> {
  for (const { offset, length } of repair) {
    const inside = clip({ offset, length, kind: 'data' }, start, end);
    if (inside !== null) yield inside;
  }
}
