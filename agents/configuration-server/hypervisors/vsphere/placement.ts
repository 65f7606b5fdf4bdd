import { FailbackError } from '../../../../shared/errors/failback-error.ts';
import type { VsphereHypervisorConfig } from '../../config.ts';
import { chooseOne } from './choose-one.ts';
import type { NetworkTarget } from './device-specs.ts';
import type { VmRecord } from './discovery/records.ts';
import { idOf, idsOf, isTrue, numberOr, readName, textOr } from './discovery/property-readers.ts';
import { isFault } from './vim/faults.ts';
import { type ManagedObject, type Properties, readProperties } from './vim/properties.ts';
import type { VimSession } from './vim/session.ts';
import { moRefSchema, type MoRef } from './vim/values.ts';
import type { Vm, VmAccess } from './vm-access.ts';

/** Folders within folders; there is no loop, but a limit. */
const MAX_DEPTH = 50;
const COMPUTE = ['ComputeResource', 'ClusterComputeResource'];
const NETWORK = ['name', 'key', 'config.distributedVirtualSwitch'];

type Config = Pick<VsphereHypervisorConfig, 'datacenter' | 'datastore' | 'siteKind'>;

/** Where a new VM goes. */
export interface Place {
  readonly host: MoRef;
  /** Its name. */
  readonly datastore: string;
  readonly datacenter: MoRef;
  readonly folder: MoRef;
  readonly pool: MoRef;
}

interface Wish {
  readonly vmName: string;
  /** The VM of the master target that is to hold the disks. */
  readonly masterTarget: Vm;
  readonly datastore?: string | undefined;
}

type FormerPlace = Pick<VmRecord, 'hostId' | 'parentId' | 'resourcePoolId'>;

/** A private cloud has no VMFS of its own. */
const TYPES_OF_AVS: readonly string[] = ['VMFS', 'vsan', 'NFS', 'NFS41'];

/** Finds what the configuration names; each name that is not there is an error that says what is. */
export class Placement {
  readonly #session: VimSession;
  readonly #vms: VmAccess;
  readonly #config: Config;

  constructor(session: VimSession, vms: VmAccess, config: Config) {
    this.#session = session;
    this.#vms = vms;
    this.#config = config;
  }

  /**
   * On the host of its master target, which has to reach the datastore. Throws FB-VSPHERE-018 for what can be no place
   * for a new VM.
   */
  async place({ vmName, masterTarget, datastore = this.#config.datastore }: Wish): Promise<Place> {
    const objects = await this.#vms.objects({
      Datacenter: ['name', 'vmFolder'],
      ComputeResource: ['name', 'resourcePool', 'host'],
      ClusterComputeResource: ['name', 'resourcePool', 'host'],
      Datastore: ['name', 'summary.type'],
    });
    const refuse = (reason: string): FailbackError =>
      new FailbackError('FB-VSPHERE-018', {
        vmName,
        masterTarget: masterTarget.record.name,
        reason,
      });
    const ofType = (...types: readonly string[]): readonly ManagedObject[] =>
      objects.filter(({ ref }) => types.includes(ref.type));
    const { hostId } = masterTarget.record;
    const around = ofType(...COMPUTE).filter(({ properties }) =>
      idsOf(properties.get('host')).some((id) => id === hostId),
    );
    const [compute] = around;
    if (hostId === null || compute === undefined) throw refuse('its host is not known');
    const reached = await this.datastoresOf(hostId);
    const wanted = this.#pick('datastore', ofType('Datastore'), datastore, reached);
    const type = textOr(wanted.properties.get('summary.type'), 'unknown');
    const allowed = this.#config.siteKind === 'avs' ? TYPES_OF_AVS : ['VMFS'];
    if (!allowed.includes(type)) {
      throw refuse(`the datastore ${datastore} is ${type}, not ${allowed.join(' or ')}`);
    }
    if (!reached.includes(wanted.ref.value)) {
      throw refuse(`its host does not reach the datastore ${datastore}`);
    }
    const host = { type: 'HostSystem', value: hostId };
    const own = await this.datacenterOf(host);
    const datacenters = ofType('Datacenter').filter(({ ref }) => ref.value === own.value);
    const datacenter = this.#pick('datacenter', datacenters, this.#config.datacenter);
    return {
      host,
      datastore,
      datacenter: datacenter.ref,
      folder: { type: 'Folder', value: idOf(datacenter.properties.get('vmFolder')) ?? '' },
      pool: { type: 'ResourcePool', value: idOf(compute.properties.get('resourcePool')) ?? '' },
    };
  }

  /** Where a VM that left the inventory was. What is not there any more is as for a new VM of that master target. */
  async formerPlace(former: FormerPlace, masterTarget: Vm): Promise<Omit<Place, 'datastore'>> {
    const objects = await this.#vms.objects({
      Datacenter: ['name', 'vmFolder'],
      Folder: ['name'],
      HostSystem: ['runtime.connectionState', 'runtime.inMaintenanceMode'],
      ResourcePool: ['name'],
      ComputeResource: ['resourcePool', 'host'],
      ClusterComputeResource: ['resourcePool', 'host'],
    });
    const find = (type: string, id: string | null): ManagedObject | undefined =>
      objects.find(({ ref }) => ref.type === type && ref.value === id);
    const isThere = isAvailable(find('HostSystem', former.hostId));
    const hostId = (isThere ? former.hostId : masterTarget.record.hostId) ?? '';
    const host = { type: 'HostSystem', value: hostId };
    const compute = objects.find(
      ({ ref, properties }) =>
        COMPUTE.includes(ref.type) && idsOf(properties.get('host')).some((id) => id === hostId),
    );
    const ownPool = isThere ? find('ResourcePool', former.resourcePoolId) : undefined;
    const own = await this.datacenterOf(host);
    const datacenter = this.#pick(
      'datacenter',
      objects.filter(({ ref }) => ref.value === own.value),
      undefined,
    );
    const folder = idOf(datacenter.properties.get('vmFolder')) ?? '';
    const pool = idOf(compute?.properties.get('resourcePool')) ?? '';
    return {
      host,
      datacenter: datacenter.ref,
      folder: find('Folder', former.parentId)?.ref ?? { type: 'Folder', value: folder },
      pool: ownPool?.ref ?? { type: 'ResourcePool', value: pool },
    };
  }

  /** The file browser of a datastore; `null` when there is no datastore of that name. */
  async browserOf(name: string): Promise<MoRef | null> {
    const objects = await this.#vms.objects({ Datastore: ['name', 'browser'] });
    const found = objects.find(({ properties }) => readName(properties.get('name')) === name);
    const value = idOf(found?.properties.get('browser'));
    return value === null ? null : { type: 'HostDatastoreBrowser', value };
  }

  /** The one that an object lies in; where it cannot be followed there, the one that is configured or the only one. */
  async datacenterOf(object: MoRef): Promise<MoRef> {
    let at: MoRef | undefined = object;
    for (let depth = 0; at !== undefined && depth < MAX_DEPTH; depth += 1) {
      if (at.type === 'Datacenter') return at;
      const read = readProperties(this.#session, at, ['parent']);
      const properties: Properties | null = await read.catch(ifGone);
      at = moRefSchema.safeParse(properties?.get('parent')).data;
    }
    const objects = await this.#vms.objects({ Datacenter: ['name'] });
    return this.#pick('datacenter', objects, this.#config.datacenter).ref;
  }

  /** Of the datastore for new disks; `null` when the server does not tell, or has several of that name. */
  async freeBytes(name = this.#config.datastore): Promise<number | null> {
    const objects = await this.#vms.objects({ Datastore: ['name', 'summary.freeSpace'] });
    const named = objects.filter((each) => readName(each.properties.get('name')) === name);
    if (named.length > 1) return null;
    const { properties } = this.#pick('datastore', objects, name);
    return numberOr(properties.get('summary.freeSpace'), null);
  }

  /** Those that the host has, where several have one name. */
  async networks(names: readonly string[], host: MoRef): Promise<readonly NetworkTarget[]> {
    if (names.length === 0) return [];
    const objects = await this.#vms.objects({
      Network: ['name'],
      DistributedVirtualPortgroup: NETWORK,
    });
    const reached = idsOf((await readProperties(this.#session, host, ['network'])).get('network'));
    return Promise.all(
      names.map(async (name) => {
        const { ref, properties } = this.#pick('network', objects, name, reached);
        return { name, ref, port: await this.#port(properties) };
      }),
    );
  }

  /** The datastores that a host reaches. */
  async datastoresOf(hostId: string): Promise<readonly string[]> {
    const host = { type: 'HostSystem', value: hostId };
    return idsOf((await readProperties(this.#session, host, ['datastore'])).get('datastore'));
  }

  /** Ask before the VM is read: nothing is to come between that and its change. */
  async datastoresWithoutNewDisks(): Promise<readonly { readonly name: string }[]> {
    return this.#config.siteKind === 'avs' ? [] : this.vsanDatastores();
  }

  async vsanDatastores(): Promise<readonly { readonly id: string; readonly name: string }[]> {
    const objects = await this.#vms.objects({ Datastore: ['name', 'summary.type'] });
    return objects
      .filter(({ properties }) => textOr(properties.get('summary.type'), '') === 'vsan')
      .map(({ ref, properties }) => ({ id: ref.value, name: readName(properties.get('name')) }));
  }

  /** Throws FB-VSPHERE-016 for a server of another kind, or for a host that a vCenter manages. */
  async checkSiteKind(): Promise<void> {
    const { about } = await this.#session.content();
    const isEsxi = this.#config.siteKind === 'esxi';
    const { address } = this.#session;
    if ((about.apiType === 'HostAgent') !== isEsxi) {
      const expected = isEsxi ? 'an ESXi host by itself' : 'a vCenter';
      throw new FailbackError('FB-VSPHERE-016', { address, actual: about.fullName, expected });
    }
    if (!isEsxi) return;
    const [host] = await this.#vms.objects({ HostSystem: ['summary.managementServerIp'] });
    const manager = textOr(host?.properties.get('summary.managementServerIp'), null);
    if (manager === null) return;
    const actual = `managed by the vCenter ${manager}`;
    throw new FailbackError('FB-VSPHERE-016', {
      address,
      actual,
      expected: 'an ESXi host by itself',
    });
  }

  async #port(properties: ManagedObject['properties']): Promise<NetworkTarget['port']> {
    const portgroupKey = textOr(properties.get('key'), null);
    const value = idOf(properties.get('config.distributedVirtualSwitch'));
    if (portgroupKey === null || value === null) return null;
    const owner = { type: 'DistributedVirtualSwitch', value };
    const switchUuid = (await readProperties(this.#session, owner, ['uuid'])).get('uuid');
    return { portgroupKey, switchUuid: textOr(switchUuid, '') };
  }

  #pick(
    kind: string,
    all: readonly ManagedObject[],
    name: string | undefined,
    within: readonly string[] = [],
  ): ManagedObject {
    return chooseOne(all, { kind, name, address: this.#session.address, within });
  }
}

/** In maintenance mode a host starts no VM. */
function isAvailable(host: ManagedObject | undefined): boolean {
  const isConnected = host?.properties.get('runtime.connectionState') === 'connected';
  return isConnected && !isTrue(host.properties.get('runtime.inMaintenanceMode'));
}

function ifGone(error: unknown): null {
  if (isFault(error, 'ManagedObjectNotFound')) return null;
  throw error;
}
