import { beforeEach, describe, expect, it } from '@jest/globals';
import type { CommandOutput } from '../../../shared/contracts/commands.ts';
import { errorRecord, FailbackError } from '../../../shared/errors/failback-error.ts';
import { failure, success } from '../../../shared/errors/result.ts';
import { aCommand, AGENT_KEY, anAgent } from '../../support/memory/builders.ts';
import { type Called, callRoute } from '../../support/memory/call-route.ts';
import { aWorld, type MemoryWorld } from '../../support/memory/memory-world.ts';

let world: MemoryWorld;

beforeEach(() => {
  world = aWorld();
});

describe('agents that read a disk in Azure', () => {
  const call = (name: string, body: unknown, commandId: string): Promise<Called> =>
    callRoute(world, name, {
      params: { agentId: 'mt-mt1', commandId },
      headers: { authorization: `Bearer ${AGENT_KEY}` },
      body,
    });

  /** A disk is on its way, and another one beside it. Gives what its agent will answer. */
  async function replicating(): Promise<CommandOutput<'replicateDisk'>> {
    world.stores.agents.put(anAgent());
    const input = {
      replicationId: 'web-01',
      pointId: 'fb-1-p0002',
      diskId: 'os',
      sizeBytes: 512,
      snapshotName: 'p2-os',
      baseSnapshotName: 'p1-os',
      masterTarget: { host: 'mt1', port: 9443 },
    };
    world.stores.commands.put(aCommand({ id: 'fb-1.disk-os', name: 'replicateDisk', input }));
    for (const name of ['p1-os', 'p2-os', 'p2-lun-0']) world.snapshots.put(name);
    await world.snapshots.grantRead('rg-dr', { snapshot: 'p2-lun-0', base: null });
    await world.snapshots.grantRead('rg-dr', { snapshot: 'p2-os', base: 'p1-os' });
    return {
      mode: 'delta',
      modeReason: 'the base fits',
      changedBytes: 512,
      zeroBytes: 0,
      readBytes: 512,
      sentBytes: 512,
      wireBytes: 100,
      durationMs: 10,
      resumeCount: 0,
    };
  }

  it('give up with their result what they could read, once', async () => {
    const replicated = await replicating();
    await call('agentResult', success(replicated), 'fb-1.disk-os');
    expect([...world.snapshots.openReads]).toEqual(['p2-lun-0']);
    expect(world.orchestrator.woken).toEqual(['fb-1-replication command:fb-1.disk-os']);
    // By now the snapshot may be open again, as the base of the next command.
    await world.snapshots.grantRead('rg-dr', { snapshot: 'p2-os', base: null });
    await call('agentResult', success(replicated), 'fb-1.disk-os');
    expect(world.snapshots.released).toEqual(['p2-os', 'p1-os']);
    expect([...world.snapshots.openReads]).toEqual(['p2-lun-0', 'p2-os']);
  });

  it('give up what they could read also when they failed', async () => {
    await replicating();
    await call('agentResult', failure(errorRecord('FB-DATA-008')), 'fb-1.disk-os');
    expect([...world.snapshots.openReads]).toEqual(['p2-lun-0']);
  });

  it('keep their access when their result is refused: they go on', async () => {
    await replicating();
    expect((await call('agentResult', success({}), 'fb-1.disk-os')).status).toBe(400);
    expect(world.snapshots.released).toEqual([]);
  });

  it('have their result kept and their waiter woken although the access cannot be ended', async () => {
    const replicated = await replicating();
    const busy = new FailbackError('FB-AZ-002', { operation: 'read the job' });
    world.stores.jobs.get = () => Promise.reject(busy);
    const answer = await call('agentResult', success(replicated), 'fb-1.disk-os');
    expect(answer.status).toBe(204);
    expect(world.stores.commands.must('fb-1.disk-os').result).toEqual(success(replicated));
    expect(world.orchestrator.woken).toEqual(['fb-1-replication command:fb-1.disk-os']);
  });
});
