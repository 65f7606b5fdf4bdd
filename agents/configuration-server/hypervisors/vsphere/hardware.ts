import type { VmShape } from '../../../../shared/contracts/commands.ts';
import type { VmRecord } from './discovery/records.ts';
import type { TypeName } from './vim/field-orders.ts';

const CONTROLLERS = [
  'ParaVirtualSCSIController',
  'VirtualLsiLogicSASController',
  'VirtualLsiLogicController',
] as const satisfies readonly TypeName[];
export type ControllerType = (typeof CONTROLLERS)[number];

/** Devices for which the guest brings drivers: whoever boots for the first time on VMware can install none. */
export interface Hardware {
  readonly controller: ControllerType;
  readonly nic: 'VirtualVmxnet3' | 'VirtualE1000e' | 'VirtualE1000';
  readonly guestId: string;
}

const LINUX: Hardware = {
  controller: 'ParaVirtualSCSIController',
  nic: 'VirtualVmxnet3',
  guestId: 'otherLinux64Guest',
};
/** Windows has no drivers for paravirtual devices until VMware Tools are installed. */
const WINDOWS: Hardware = {
  controller: 'VirtualLsiLogicSASController',
  nic: 'VirtualE1000e',
  guestId: 'windows9Server64Guest',
};
const OLD: Pick<Hardware, 'controller' | 'nic'> = {
  controller: 'VirtualLsiLogicController',
  nic: 'VirtualE1000',
};

/** Of old systems by their name: Linux before 2.6.33 lacks the paravirtual drivers, Windows before 2012 the newer Intel card. */
const EXCEPTIONS: readonly { readonly name: RegExp; readonly hardware: Hardware }[] = [
  {
    name: /(?:red hat|rhel|centos|oracle)\D*[1-5](?:\.|\D|$)/i,
    hardware: { ...LINUX, ...OLD },
  },
  { name: /suse\D*(?:[1-9]|10)(?:\.|\D|$)/i, hardware: { ...LINUX, ...OLD } },
  { name: /debian\D*[1-5](?:\.|\D|$)/i, hardware: { ...LINUX, ...OLD } },
  { name: /ubuntu\D*[4-9]\./i, hardware: { ...LINUX, ...OLD } },
  {
    name: /windows.*2003/i,
    hardware: { ...WINDOWS, ...OLD, guestId: 'winNetEnterprise64Guest' },
  },
  {
    name: /windows.*(?:2008|vista|windows 7)/i,
    hardware: { ...WINDOWS, nic: 'VirtualE1000', guestId: 'windows7Server64Guest' },
  },
];

export function hardwareFor({ osType, osName = '' }: Pick<VmShape, 'osType' | 'osName'>): Hardware {
  const exception = EXCEPTIONS.find(({ name }) => name.test(osName));
  if (exception !== undefined) return exception.hardware;
  return osType === 'Windows' ? WINDOWS : LINUX;
}

/** More controllers of a VM are as those it has; a guest boots from them, so that it has their driver. */
export function controllerLike({ controllers, guestId }: VmRecord): ControllerType {
  const known = CONTROLLERS.find((type) => controllers.some((each) => each.type === type));
  if (known !== undefined) return known;
  const isWindows = guestId?.toLowerCase().startsWith('win') === true;
  return (isWindows ? WINDOWS : LINUX).controller;
}
