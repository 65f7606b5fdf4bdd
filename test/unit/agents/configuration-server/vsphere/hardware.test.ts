import { describe, expect, it } from '@jest/globals';
import { hardwareFor } from '../../../../../agents/configuration-server/hypervisors/vsphere/hardware.ts';

const PARAVIRTUAL = ['ParaVirtualSCSIController', 'VirtualVmxnet3'];
const SAS = ['VirtualLsiLogicSASController', 'VirtualE1000e'];
const OLD = ['VirtualLsiLogicController', 'VirtualE1000'];

describe('the devices of a new VM', () => {
  it.each([
    ['Linux', undefined, PARAVIRTUAL],
    ['Linux', 'Red Hat Enterprise Linux Server 7.9', PARAVIRTUAL],
    ['Linux', 'Red Hat Enterprise Linux Server 5.11', OLD],
    ['Linux', 'CentOS release 5', OLD],
    ['Linux', 'CentOS Stream 10', PARAVIRTUAL],
    ['Linux', 'SUSE Linux Enterprise Server 10 SP4', OLD],
    ['Linux', 'SUSE Linux Enterprise Server 15', PARAVIRTUAL],
    ['Linux', 'Debian GNU/Linux 5.0', OLD],
    ['Linux', 'Debian GNU/Linux 12', PARAVIRTUAL],
    ['Linux', 'Ubuntu 8.04.4 LTS', OLD],
    ['Linux', 'Ubuntu 18.04.6 LTS', PARAVIRTUAL],
    ['Windows', undefined, SAS],
    ['Windows', 'Windows Server 2019 Datacenter', SAS],
    ['Windows', 'Windows Server 2008 R2 SP1', ['VirtualLsiLogicSASController', 'VirtualE1000']],
    ['Windows', 'Windows Server 2003', OLD],
  ] as const)('are such that %s, %s has drivers for them', (osType, osName, devices) => {
    const { controller, nic } = hardwareFor({ osType, osName });
    expect([controller, nic]).toEqual(devices);
  });
});
