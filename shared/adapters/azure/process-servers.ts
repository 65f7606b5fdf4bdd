import type { VirtualMachine } from '@azure/arm-compute';
import type { BandwidthSchedule } from '../../domain/bandwidth-schedule.ts';
import type { Secret } from '../../domain/secret.ts';
import { FailbackError } from '../../errors/failback-error.ts';
import type { ProcessServerDeployments, ProcessServerRequest } from '../../ports/azure.ts';
import { callAzure, findInAzure } from './azure-error.ts';
import type { ArmClients } from './clients.ts';
import { cloudInit } from './cloud-init.ts';

/** How a deployed process server finds its way. */
export interface ProcessServerSettings {
  readonly controlPlaneUrl: string;
  readonly registrationToken: Secret;
  readonly passphrase: Secret;
  /** Archive of the built agents, downloaded at first boot. */
  readonly packageUrl: string;
  /** What it may send; absent = unlimited. */
  readonly bandwidth?: BandwidthSchedule | undefined;
  readonly vmSize: string;
  readonly adminSshPublicKey: string;
  readonly image: {
    readonly publisher: string;
    readonly offer: string;
    readonly sku: string;
    readonly version: string;
  };
}

const ROLE_TAG = { 'failback-role': 'process-server' };

/** A Linux VM in the subnet of the machines it serves; its own interface with a dynamic address. */
export class ArmProcessServers implements ProcessServerDeployments {
  readonly #arm: ArmClients;
  readonly #settings: ProcessServerSettings;

  constructor(arm: ArmClients, settings: ProcessServerSettings) {
    this.#arm = arm;
    this.#settings = settings;
  }

  async deploy({ name, resourceGroup, location, subnetId }: ProcessServerRequest): Promise<void> {
    const { compute, network } = this.#arm;
    const existing = await findInAzure(`read ${name}`, () =>
      compute.virtualMachines.get(resourceGroup, name),
    );
    // The machine of an earlier failback goes for minutes; what is deployed in its place must wait for that.
    if (existing?.provisioningState === 'Deleting') {
      const detail = 'the process server of an earlier failback is being deleted';
      throw new FailbackError('FB-AZ-002', {
        operation: `deploy ${name}`,
        code: 'Deleting',
        detail,
      });
    }
    if (existing !== null) return;
    await callAzure(`deploy ${name}`, async () => {
      const nic = await network.networkInterfaces.beginCreateOrUpdateAndWait(
        resourceGroup,
        `${name}-nic`,
        {
          location,
          tags: ROLE_TAG,
          ipConfigurations: [
            { name: 'primary', privateIPAllocationMethod: 'Dynamic', subnet: { id: subnetId } },
          ],
        },
      );
      await compute.virtualMachines
        .createOrUpdate(resourceGroup, name, this.#shape({ name, location, nicId: nic.id ?? '' }))
        .submitted();
    });
  }

  async remove(resourceGroup: string, name: string): Promise<void> {
    const { compute, network } = this.#arm;
    // Disk and interface were created with deleteOption Delete; the interface may be left from a broken deploy.
    await findInAzure(`delete ${name}`, () => compute.virtualMachines.delete(resourceGroup, name));
    await findInAzure(`delete ${name}-nic`, () =>
      network.networkInterfaces.beginDeleteAndWait(resourceGroup, `${name}-nic`),
    );
  }

  #shape({ name, location, nicId }: Record<'name' | 'location' | 'nicId', string>): VirtualMachine {
    const { vmSize, image, adminSshPublicKey } = this.#settings;
    const adminUsername = 'failback';
    const path = `/home/${adminUsername}/.ssh/authorized_keys`;
    return {
      location,
      tags: ROLE_TAG,
      hardwareProfile: { vmSize },
      storageProfile: {
        imageReference: image,
        osDisk: {
          createOption: 'FromImage',
          deleteOption: 'Delete',
          managedDisk: { storageAccountType: 'Premium_LRS' },
        },
      },
      osProfile: {
        computerName: name,
        adminUsername,
        customData: Buffer.from(cloudInit({ name, ...this.#settings })).toString('base64'),
        linuxConfiguration: {
          disablePasswordAuthentication: true,
          ssh: { publicKeys: [{ path, keyData: adminSshPublicKey }] },
        },
      },
      networkProfile: {
        networkInterfaces: [{ id: nicId, primary: true, deleteOption: 'Delete' }],
      },
    };
  }
}
