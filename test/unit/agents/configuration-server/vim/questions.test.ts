import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { answerQuestions } from '../../../../../agents/configuration-server/hypervisors/vsphere/questions.ts';
import type { VimSession } from '../../../../../agents/configuration-server/hypervisors/vsphere/vim/session.ts';
import { aSession } from '../../../../support/vim/client.ts';
import { type FakeReply, FakeVimServer } from '../../../../support/vim/fake-vim-server.ts';

const ASKED = { ref: { type: 'VirtualMachine', value: 'vm-1' }, vmName: 'web' };
const NOTHING: FakeReply = { returned: '' };

function question(text: string, labels: readonly string[]): FakeReply {
  const choices = labels.map(
    (label, key) =>
      `<choiceInfo xsi:type="ElementDescription"><label>${label}</label><summary>${label}</summary><key>${key}</key></choiceInfo>`,
  );
  return {
    returned: `<returnval><objects><obj type="VirtualMachine">vm-1</obj><propSet><name>runtime.question</name><val xsi:type="VirtualMachineQuestionInfo"><id>7</id><text>${text}</text><choice>${choices.join('')}<defaultIndex>0</defaultIndex></choice></val></propSet></objects></returnval>`,
  };
}

let server: FakeVimServer;
let session: VimSession;
beforeEach(async () => {
  server = await FakeVimServer.start();
  ({ session } = aSession(server.url));
});
afterEach(async () => {
  await session.close();
  await server.stop();
});

describe('the question of a VM that is to start', () => {
  it('whether it was moved is answered, once it is asked', async () => {
    const moved = question('Moved or copied?', ['button.uuid.cancel', 'button.uuid.movedTheVM']);
    const done = new AbortController();
    server.script('RetrievePropertiesEx', NOTHING, moved, NOTHING);
    server.on('AnswerVM', () => {
      done.abort();
      return NOTHING;
    });
    await answerQuestions(session, ASKED, done.signal, 1);
    const answers = server.calls.filter(({ method }) => method === 'AnswerVM');
    expect(answers.map(({ body }) => /<questionId>(.*)<\/answerChoice>/.exec(body)?.[1])).toEqual([
      '7</questionId><answerChoice>1',
    ]);
  });

  it('is shown to people when it is another one', async () => {
    server.script(
      'RetrievePropertiesEx',
      question('The disk is full. Retry?', ['Retry', 'Cancel']),
    );
    const { signal } = new AbortController();
    await expect(answerQuestions(session, ASKED, signal, 1)).rejects.toMatchObject({
      code: 'FB-VSPHERE-024',
      values: { vmName: 'web', question: 'The disk is full. Retry?' },
    });
    expect(server.methods()).not.toContain('AnswerVM');
  });
});
