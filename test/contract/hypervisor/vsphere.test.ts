import { VSPHERE_PRIVILEGES } from '../../../shared/policy/preflight-limits.ts';
import { describeWith } from '../../peers/peers.ts';
import { describeHypervisor } from './conformance.ts';
import { CLOUD_ADMIN } from './cloud-admin.ts';
import { VsphereFixture } from './vsphere-fixture.ts';

/** In every role. */
const SYSTEM = ['System.Anonymous', 'System.Read', 'System.View'];

describeWith('vcenter', 'with the vCenter peer', () => {
  describeHypervisor(
    'The vSphere driver with the privileges that are documented, on the datacenter, and no others',
    {
      start: async () =>
        VsphereFixture.start({
          privilegesOnDatacenter: [...SYSTEM, ...Object.values(VSPHERE_PRIVILEGES).flat()],
        }),
      hasGuests: false,
    },
  );

  describeHypervisor('The vSphere driver on an ESXi host by itself', {
    start: async () =>
      VsphereFixture.start({ peer: { mode: 'esxi' }, config: { siteKind: 'esxi' } }),
    hasGuests: false,
  });

  describeHypervisor('The vSphere driver in a private cloud of Azure VMware Solution', {
    start: async () =>
      VsphereFixture.start({
        datastoreType: 'vsan',
        privileges: CLOUD_ADMIN,
        config: { siteKind: 'avs' },
      }),
    hasGuests: false,
  });
});

describeWith(['vcenter', 'qemu'], 'with the vCenter peer and guests in QEMU', () => {
  describeHypervisor('The vSphere driver', {
    start: async () => VsphereFixture.start({ peer: { qemu: true } }),
    hasGuests: true,
    onlyBoots: true,
  });
});
