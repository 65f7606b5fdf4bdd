import { z } from 'zod';
import { followTask } from './tasks.ts';
import { retrieve } from './properties.ts';
import type { VimSession } from './session.ts';
import type { MoRef, VimObject } from './values.ts';

const reasonSchema = z.object({ userName: z.string() });
const openSchema = z.enum(['queued', 'running']);

/**
 * Waits until no task of our account changes the object any more. A call whose answer was
 * lost, or whose caller died, may still be at work: what is read before it ends is not what it leaves.
 */
export async function waitForOwnTasks(session: VimSession, object: MoRef): Promise<void> {
  const tasks = await retrieve(session, selectTasks(object));
  const account = await session.userName();
  const open = tasks.filter(({ properties }) => {
    const by = reasonSchema.safeParse(properties.get('info.reason')).data?.userName;
    return by === account && openSchema.safeParse(properties.get('info.state')).success;
  });
  for (const { ref } of open) await followTask(session, ref);
}

function selectTasks(object: MoRef): VimObject<'PropertyFilterSpec'> {
  const selectSet: VimObject<'TraversalSpec'>[] = [
    { _typeName: 'TraversalSpec', type: object.type, path: 'recentTask', skip: false },
  ];
  return {
    _typeName: 'PropertyFilterSpec',
    propSet: [
      {
        _typeName: 'PropertySpec',
        type: 'Task',
        all: false,
        pathSet: ['info.state', 'info.reason'],
      },
    ],
    objectSet: [{ _typeName: 'ObjectSpec', obj: object, skip: true, selectSet }],
  };
}
