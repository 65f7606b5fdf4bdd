import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { FailbackError } from '../../../../shared/errors/failback-error.ts';
import { readProperties } from './vim/properties.ts';
import type { VimSession } from './vim/session.ts';
import { listSchema, type MoRef } from './vim/values.ts';

const LOOK_MS = 2000;
const QUESTION = 'runtime.question';
/** Files that lie elsewhere than before: the machine is the same, and keeps its identity. */
const MOVED = /movedTheVM/i;

const questionSchema = z.object({
  id: z.string(),
  text: z.string(),
  choice: z.object({
    choiceInfo: listSchema(z.object({ key: z.string(), label: z.string().default('') })),
  }),
});

/**
 * Looks until the signal comes whether the VM asks something, because its start waits for the answer. Whether it was
 * moved is answered; any other question is for people: throws FB-VSPHERE-024.
 */
export async function answerQuestions(
  session: VimSession,
  { ref, vmName }: { readonly ref: MoRef; readonly vmName: string },
  signal: AbortSignal,
  lookMs = LOOK_MS,
): Promise<void> {
  while (!signal.aborted) {
    await delay(lookMs, undefined, { signal }).catch(() => undefined);
    const question = signal.aborted ? null : await questionOf(session, ref);
    if (question === null) continue;
    const moved = question.choice.choiceInfo.find(({ label }) => MOVED.test(label));
    if (moved === undefined) {
      throw new FailbackError('FB-VSPHERE-024', { vmName, question: question.text });
    }
    const answer = { questionId: question.id, answerChoice: moved.key };
    await session.call('AnswerVM', ref, answer);
  }
}

async function questionOf(
  session: VimSession,
  ref: MoRef,
): Promise<z.output<typeof questionSchema> | null> {
  // Whoever waits for the start tells what is wrong with the server, and knows how long to wait for it.
  const properties = await readProperties(session, ref, [QUESTION]).catch(() => null);
  return questionSchema.safeParse(properties?.get(QUESTION)).data ?? null;
}
