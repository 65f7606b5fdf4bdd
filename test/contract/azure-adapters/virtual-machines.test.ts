import { describe, expect, it } from '@jest/globals';
import { untilTrue } from '../../support/control-plane/until.ts';
import {
  aVm,
  failOnce,
  GROUP,
  MIB,
  PASSING,
  powered,
  REFUSED,
  useAdapters,
} from './adapter-fixture.ts';

const lab = useAdapters();

describe('the VM in Azure', () => {
  it.each([
    ['powerOff', 'stopped'],
    ['deallocate', 'deallocated'],
    ['start', 'running'],
  ] as const)('takes %s twice', async (action, state) => {
    const vm = await aVm(lab);
    if (action === 'start') {
      await lab.vms.beginPowerChange(GROUP, vm, 'deallocate');
      await powered(lab, vm, 'deallocated');
    }
    await lab.vms.beginPowerChange(GROUP, vm, action);
    await powered(lab, vm, state);
    await lab.vms.beginPowerChange(GROUP, vm, action);
    await powered(lab, vm, state);
  });

  it('that is missing cannot be switched, is deleted already, and has no facts', async () => {
    await expect(lab.vms.beginPowerChange(GROUP, 'nobody', 'start')).rejects.toMatchObject(REFUSED);
    await lab.vms.beginDelete(GROUP, 'nobody', []);
    expect(await lab.vms.gatherFacts(GROUP, 'nobody', null)).toEqual({
      exists: false,
      powerState: 'absent',
      whereabouts: null,
      vmId: null,
      generation: null,
      isConfidential: null,
      locks: null,
      disks: [],
    });
  });

  it('shows the facts that preflight asks for', async () => {
    const vm = await aVm(lab);
    const plain = {
      isAdeEncrypted: false,
      isShared: false,
      isEphemeral: false,
      logicalSectorBytes: 512,
      isPrivateExportReachable: null,
    };
    expect(await lab.vms.gatherFacts(GROUP, vm, null)).toEqual({
      exists: true,
      whereabouts: { kind: 'inPlace' },
      vmId: expect.any(String) as unknown,
      generation: 'V1',
      powerState: 'running',
      isConfidential: false,
      locks: [],
      disks: [
        {
          id: 'os',
          diskName: `${vm}-os`,
          sizeBytes: 2 * MIB,
          networkAccessPolicy: 'AllowAll',
          ...plain,
        },
        {
          id: 'lun-0',
          diskName: `${vm}-data`,
          sizeBytes: MIB,
          networkAccessPolicy: 'AllowAll',
          ...plain,
        },
      ],
    });
  });

  it('does not mind the locks of its neighbours', async () => {
    const [vm, neighbour] = [await aVm(lab), await aVm(lab)];
    const lock = { resourceGroup: GROUP, name: 'keep', level: 'CanNotDelete' } as const;
    lab.azure.arm.lock({ ...lock, vmName: neighbour });
    try {
      expect((await lab.vms.gatherFacts(GROUP, vm, null)).locks).toEqual([]);
      expect((await lab.vms.gatherFacts(GROUP, neighbour, null)).locks).toEqual([
        'keep (CanNotDelete)',
      ]);
    } finally {
      lab.azure.arm.unlock('keep');
    }
  });

  it('is deleted once, also when the deletion was cut off after its first half', async () => {
    const vm = await aVm(lab);
    const disks = [`${vm}-os`, `${vm}-data`];
    failOnce(lab, 'virtualMachines.delete', [503, 'ServiceUnavailable']);
    await expect(lab.vms.beginDelete(GROUP, vm, disks)).rejects.toMatchObject(PASSING);
    await lab.vms.beginDelete(GROUP, vm, disks);
    await powered(lab, vm, 'absent');
    await lab.vms.beginDelete(GROUP, vm, disks);
    await untilTrue('its disks are gone', async () =>
      lab.azure.clients.compute.disks.get(GROUP, `${vm}-data`).then(
        () => false,
        () => true,
      ),
    );
  });

  it('leaves a disk that is not named behind, also one that was attached to go with it', async () => {
    const vm = await aVm(lab);
    const { disks } = lab.azure.clients.compute;
    failOnce(lab, 'virtualMachines.delete', [503, 'ServiceUnavailable']);
    const all = [`${vm}-os`, `${vm}-data`];
    await expect(lab.vms.beginDelete(GROUP, vm, all)).rejects.toMatchObject(PASSING);
    await lab.vms.beginDelete(GROUP, vm, [`${vm}-os`]);
    await powered(lab, vm, 'absent');
    await untilTrue('its own disk is gone', async () =>
      disks.get(GROUP, `${vm}-os`).then(
        () => false,
        () => true,
      ),
    );
    expect((await disks.get(GROUP, `${vm}-data`)).diskState).toBe('Unattached');
  });

  it.each([
    [429, 'TooManyRequests', PASSING],
    [409, 'OperationNotAllowed', PASSING],
    [503, 'ServiceUnavailable', PASSING],
    [403, 'AuthorizationFailed', REFUSED],
    [409, 'ScopeLocked', REFUSED],
    [400, 'InvalidParameter', REFUSED],
  ])(
    'that Azure answers with %s %s is told apart by whether it may pass',
    async (status, code, error) => {
      const vm = await aVm(lab);
      failOnce(lab, 'virtualMachines.powerOff', [status, code]);
      await expect(lab.vms.beginPowerChange(GROUP, vm, 'powerOff')).rejects.toMatchObject({
        ...error,
        values: { code, operation: `powerOff ${vm}` },
      });
    },
  );

  it('of a size that its region does not offer is named', async () => {
    const vm = await aVm(lab, 'Standard_Nowhere');
    await expect(lab.vms.describe(GROUP, vm)).rejects.toMatchObject({
      ...REFUSED,
      message: expect.stringContaining('Standard_Nowhere'),
    });
  });
});
