import {
  list,
  type Moref,
  node,
  ref,
  refOf,
  text,
  type RawSoap,
  type XmlNode,
} from './raw-soap.ts';

/** What a VM's disk looks like over the API. */
export interface RawDisk {
  readonly key: string;
  readonly fileName: string;
  readonly uuid: string;
  readonly capacityBytes: number;
  readonly unit: string;
  readonly node: XmlNode;
}

const PVSCSI_KEY = 1000;

/** XML of the parts of a configuration that tests send. */
export const xml = {
  controller: (): string =>
    `<deviceChange><operation>add</operation><device xsi:type="ParaVirtualSCSIController">` +
    `<key>${PVSCSI_KEY}</key><busNumber>0</busNumber><sharedBus>noSharing</sharedBus>` +
    `</device></deviceChange>`,
  newDisk: (fileName: string, unit: number, capacityKb: number, isThin = true): string =>
    `<deviceChange><operation>add</operation><fileOperation>create</fileOperation>` +
    disk(fileName, unit, { capacityKb, extra: `<thinProvisioned>${isThin}</thinProvisioned>` }),
  existingDisk: (fileName: string, unit: number, extra = ''): string =>
    `<deviceChange><operation>add</operation>${disk(fileName, unit, { capacityKb: 0, extra })}`,
  removedDisk: (key: string, fileOperation = ''): string =>
    `<deviceChange><operation>remove</operation>${fileOperation}` +
    `<device xsi:type="VirtualDisk"><key>${key}</key><capacityInKB>0</capacityInKB></device>` +
    `</deviceChange>`,
  spec: (changes: string): string => `<spec>${changes}</spec>`,
};

function disk(
  fileName: string,
  unit: number,
  { capacityKb, extra }: { capacityKb: number; extra: string },
): string {
  return (
    `<device xsi:type="VirtualDisk"><key>${-(unit + 1)}</key>` +
    `<backing xsi:type="VirtualDiskFlatVer2BackingInfo"><fileName>${fileName}</fileName>` +
    `<diskMode>persistent</diskMode>${extra}</backing>` +
    `<controllerKey>${PVSCSI_KEY}</controllerKey><unitNumber>${unit}</unitNumber>` +
    `<capacityInKB>${capacityKb}</capacityInKB></device></deviceChange>`
  );
}

/** Creates a VM with a PVSCSI controller and gives its reference. */
export async function createRawVm(
  soap: RawSoap,
  { name, datastore, changes = '' }: { name: string; datastore: string; changes?: string },
): Promise<Moref> {
  const [dc] = await soap.all('Datacenter');
  const [pool] = await soap.all('ResourcePool');
  if (dc === undefined || pool === undefined) throw new Error('The peer has no datacenter.');
  const folder = refOf((await soap.properties(dc, ['vmFolder']))['vmFolder']);
  const config =
    `<config><name>${name}</name><guestId>otherGuest64</guestId>` +
    `<files><vmPathName>[${datastore}]</vmPathName></files>` +
    `<numCPUs>1</numCPUs><memoryMB>256</memoryMB>${xml.controller()}${changes}</config>`;
  return refOf(await soap.task('CreateVM_Task', folder, `${config}${ref('pool', pool)}`));
}

export async function disksOf(soap: RawSoap, vm: Moref): Promise<RawDisk[]> {
  const { 'config.hardware.device': devices } = await soap.properties(vm, [
    'config.hardware.device',
  ]);
  return list(node(devices)['VirtualDevice'])
    .map(node)
    .filter((device) => device['@xsi:type'] === 'VirtualDisk')
    .map((device) => {
      const backing = node(device['backing']);
      return {
        key: text(device['key']),
        fileName: text(backing['fileName']),
        uuid: text(backing['uuid']),
        capacityBytes: Number(text(device['capacityInBytes'])),
        unit: text(device['unitNumber']),
        node: device,
      };
    });
}

export async function reconfigure(soap: RawSoap, vm: Moref, changes: string): Promise<void> {
  await soap.task('ReconfigVM_Task', vm, xml.spec(changes));
}
