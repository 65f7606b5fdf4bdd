import { expect, it } from '@jest/globals';
import { describeWith } from '../../peers/peers.ts';
import { faultKindOf, RawFault } from '../../support/vcenter/raw-soap.ts';
import { aVm, usePeer } from './peer-fixture.ts';

describeWith('vcenter', 'The vCenter peer reads a data object as its schema orders it', () => {
  const site = usePeer();
  let count = 0;
  const named = '<name>renamed</name>';
  const cpus = '<numCPUs>2</numCPUs>';

  it('and takes what is in order', async () => {
    const vm = await aVm(site, 'ordered');
    await site.soap.task('ReconfigVM_Task', vm, `<spec>${named}${cpus}</spec>`);
  });

  it.each([
    ['fields of one object', `<spec>${cpus}${named}</spec>`, 'out of the order'],
    [
      'a base type after its extension',
      `<spec><deviceChange><operation>add</operation><device xsi:type="VirtualDisk">` +
        `<capacityInKB>1024</capacityInKB><key>-1</key></device></deviceChange></spec>`,
      'expected "key"',
    ],
    [
      'an element that does not exist',
      `<spec><nope>1</nope></spec>`,
      'unexpected element tag "nope"',
    ],
    [
      'an object that lacks what is required',
      `<spec><files></files><deviceChange><operation>add</operation></deviceChange></spec>`,
      'required property device is missing',
    ],
    ['a single field that comes twice', `<spec>${named}${named}</spec>`, 'out of the order'],
  ])('and refuses %s', async (_what, spec, message) => {
    count += 1;
    const vm = await aVm(site, `refused-${count}`);
    const call = site.soap.call('ReconfigVM_Task', vm, spec);
    await expect(call).rejects.toBeInstanceOf(RawFault);
    await expect(call).rejects.toMatchObject({
      kind: 'InvalidRequest',
      message: expect.stringContaining(message),
    });
  });

  it('also among the arguments of a method, and not at all when a test lets it', async () => {
    const vm = await aVm(site, 'arguments');
    const swapped = '<memory>false</memory><quiesce>false</quiesce><name>late</name>';
    const snapshot = (): Promise<unknown> => site.soap.call('CreateSnapshot_Task', vm, swapped);
    expect(await faultKindOf(snapshot())).toBe('InvalidRequest');
    await site.peer.setStrict(false);
    expect(await faultKindOf(snapshot())).toBe('none');
    await site.peer.setStrict(true);
  });
});
