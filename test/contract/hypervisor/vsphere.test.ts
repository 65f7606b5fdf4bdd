import { describeWith } from '../../peers/peers.ts';
import { describeHypervisor } from './conformance.ts';
import { VsphereFixture } from './vsphere-fixture.ts';

describeWith('vcenter', 'with the vCenter peer', () => {
  describeHypervisor('The vSphere driver', {
    start: async () => VsphereFixture.start(),
    hasGuests: false,
  });

  describeHypervisor('The vSphere driver on an ESXi host by itself', {
    start: async () =>
      VsphereFixture.start({ peer: { mode: 'esxi' }, config: { siteKind: 'esxi' } }),
    hasGuests: false,
  });
});
