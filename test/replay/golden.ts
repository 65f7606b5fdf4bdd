import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { OrchestrationHandler } from 'durable-functions';
import { EVENT, type HistoryEvent } from '../../local/functions-host/durable/history.ts';
import type { OrchestrationName } from '../../shared/contracts/orchestrations.ts';
import { replayActions, type Replayed } from '../support/replay-actions.ts';

const FOLDER = join(import.meta.dirname ?? __dirname, 'goldens');

/** A history that a host has on disk, and what the orchestration asked for over it. */
export interface Golden {
  readonly orchestration: OrchestrationName;
  readonly instanceId: string;
  readonly input: unknown;
  readonly history: readonly HistoryEvent[];
  readonly isDone: boolean;
  readonly actions: readonly unknown[];
}

/** Events that the SDK skips when it replays; without them a golden is half as long. */
const SKIPPED: readonly number[] = [
  EVENT.taskScheduled,
  EVENT.subOrchestrationCreated,
  EVENT.timerCreated,
  EVENT.orchestratorCompleted,
];

export type Recording = Pick<Golden, 'orchestration' | 'instanceId' | 'input' | 'history'>;

/** Names of the goldens that are there, by their file names without `.json`. */
export function goldenNames(): readonly string[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -'.json'.length))
    .toSorted();
}

export function readGolden(name: string): Golden {
  // Written by writeGoldens below, so the shape is the type's.
  return JSON.parse(readFileSync(join(FOLDER, `${name}.json`), 'utf8')) as Golden;
}

/** Replaces all goldens by what the orchestrations ask for now. */
export async function writeGoldens(
  recordings: Readonly<Record<string, Recording>>,
  generators: Readonly<Record<OrchestrationName, OrchestrationHandler>>,
): Promise<void> {
  for (const name of goldenNames()) rmSync(join(FOLDER, `${name}.json`));
  for (const [name, recording] of Object.entries(recordings)) {
    const history = recording.history.filter(({ EventType }) => !SKIPPED.includes(EventType));
    const short = { ...recording, history };
    const { isDone, actions } = await replay(short, generators[recording.orchestration]);
    const golden: Golden = { ...short, isDone, actions };
    writeFileSync(join(FOLDER, `${name}.json`), `${JSON.stringify(golden, null, 2)}\n`);
  }
  const prettier = join(FOLDER, '../../../node_modules/.bin/prettier');
  execFileSync(prettier, ['--log-level', 'warn', '--write', FOLDER]);
}

/** What is different from the golden, for people; `null` when nothing is. */
export async function differenceTo(
  golden: Golden,
  generator: OrchestrationHandler,
): Promise<string | null> {
  const now = await replay(golden, generator);
  const index = firstDifference(golden.actions, now.actions);
  if (index === null && now.isDone === golden.isDone && now.error === undefined) return null;
  return explain(golden, now, index ?? golden.actions.length);
}

async function replay(
  { history, input, instanceId }: Recording,
  generator: OrchestrationHandler,
): Promise<Replayed> {
  return replayActions(generator, history, { input, instanceId });
}

function firstDifference(before: readonly unknown[], now: readonly unknown[]): number | null {
  const length = Math.max(before.length, now.length);
  for (let index = 0; index < length; index += 1) {
    if (!isDeepStrictEqual(plain(before[index]), plain(now[index]))) return index;
  }
  return null;
}

/** Objects of another realm are never strictly equal to ours; their JSON is. */
function plain(value: unknown): unknown {
  return value === undefined ? null : (JSON.parse(JSON.stringify(value)) as unknown);
}

function explain(golden: Golden, now: Replayed, index: number): string {
  const show = (action: unknown): string => JSON.stringify(action) ?? '(nothing)';
  return [
    `The orchestration "${golden.orchestration}" does not do any more what it did at its step ${index}.`,
    `  before: ${show(golden.actions[index])}`,
    `  now:    ${show(now.actions[index])}`,
    ...(now.error === undefined ? [] : [`  error:  ${now.error}`]),
    'Failbacks that are on their way while this version is deployed are replayed with the new code over',
    'their old history. The SDK does not notice the difference: they get results of other steps, or hang.',
    'Keep the order of steps for them, or register the changed orchestration under a new name and let the',
    'old ones end first. If you did, or nothing was ever deployed, record what holds from now on with',
    '  UPDATE_GOLDENS=1 npx jest --selectProjects replay',
    'and commit the goldens together with the orchestration.',
  ].join('\n');
}
