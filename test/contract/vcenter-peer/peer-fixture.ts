import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from '@jest/globals';
import type { DatastoreType, VcenterPeerOptions } from '../../support/vcenter/peer-types.ts';
import { type Moref, moref, RawSoap, ref } from '../../support/vcenter/raw-soap.ts';
import { PEER_START_TIMEOUT_MS, VcenterPeer } from '../../support/vcenter/vcenter-peer.ts';

/** A peer with the datastore `ds1` in a folder of its own, and a client that is logged in as administrator. */
export interface PeerFixture {
  peer: VcenterPeer;
  soap: RawSoap;
  folder: string;
  /** Datacenter, which the methods of managers are given. */
  datacenter: Moref;
}

/** Starts the peer before the tests of the suite it is called in; the fields are there from then on. */
export function usePeer(
  options: Omit<VcenterPeerOptions, 'datastores'> & { type?: DatastoreType } = {},
): PeerFixture {
  const fixture = {} as PeerFixture;
  beforeAll(async () => {
    const { type = 'VMFS', ...others } = options;
    fixture.folder = mkdtempSync(join(tmpdir(), 'peer-test-'));
    fixture.peer = await VcenterPeer.start({
      ...others,
      datastores: [{ name: 'ds1', folder: fixture.folder, type }],
    });
    fixture.soap = await RawSoap.connect(fixture.peer.ready);
    const [datacenter] = await fixture.soap.all('Datacenter');
    fixture.datacenter = datacenter ?? moref('Datacenter', '');
  }, PEER_START_TIMEOUT_MS);
  afterAll(async () => {
    await fixture.peer.stop();
    rmSync(fixture.folder, { recursive: true, force: true });
  });
  return fixture;
}

/** The VM of this name, made by the peer itself with one disk `[ds1] <name>/<name>.vmdk`. */
export async function aVm(
  { peer }: PeerFixture,
  name: string,
  more: { isOn?: boolean; disks?: number; diskMb?: number } = {},
): Promise<Moref> {
  const made = await peer.addVms({ prefix: name, datastore: 'ds1', ...more });
  return moref('VirtualMachine', made[name] ?? '');
}

/** A call of VirtualDiskManager, waited for. */
export function diskManager(
  { soap, datacenter }: PeerFixture,
  method: string,
  { name, rest = '', prefix = '' }: { name: string; rest?: string; prefix?: string },
): Promise<unknown> {
  const [field, place] =
    prefix === '' ? ['name', 'datacenter'] : [`${prefix}Name`, `${prefix}Datacenter`];
  return soap.task(
    method,
    soap.service('virtualDiskManager'),
    `<${field}>${name}</${field}>${ref(place ?? '', datacenter)}${rest}`,
  );
}

/** What CreateVirtualDisk_Task is given besides a name. */
export function diskSpec(capacityKb: number, diskType = 'thin'): string {
  return (
    `<spec xsi:type="FileBackedVirtualDiskSpec"><diskType>${diskType}</diskType>` +
    `<adapterType>lsiLogic</adapterType><capacityKb>${capacityKb}</capacityKb></spec>`
  );
}
