import { describe, expect, it } from '@jest/globals';
import { managedDiskName } from '../../../../shared/adapters/azure/vm-disks.ts';
import { type AttachedDisk, refusalOfDisks } from '../../../../shared/domain/attached-disks.ts';

const managed = (...names: readonly string[]): readonly AttachedDisk[] =>
  names.map((diskName) => ({ diskName, kind: 'managedDisk' }));

const blob = (diskName: string): AttachedDisk => ({ diskName, kind: 'pageBlob' });

const idOf = (group: string, name: string): string =>
  `/subscriptions/s/resourceGroups/${group}/providers/Microsoft.Compute/disks/${name}`;

describe('the disks of the Azure VM', () => {
  it.each([
    ['the same, in another order', managed('os', 'data'), managed('data', 'os'), null],
    ['written in another case', managed('web-os'), managed('WEB-OS'), null],
    ['of records without a kind', [{ diskName: 'os' }], managed('os'), null],
    ['one more', managed('os'), managed('os', 'late'), 'FB-AZ-009'],
    ['another one', managed('os', 'data'), managed('os', 'data-2'), 'FB-AZ-009'],
    ['one less', managed('os', 'data'), managed('os'), 'FB-AZ-010'],
    ['a blob by its URL', [blob('https://a/v/o')], [blob('https://a/v/o')], null],
    ['another blob, by case', [blob('https://a/v/o')], [blob('https://a/v/O')], 'FB-AZ-009'],
    ['a managed disk named as the blob', [blob('os')], managed('os'), 'FB-AZ-009'],
  ] as const)('%s', (_what, carried, attached, code) => {
    expect(refusalOfDisks('web', carried, attached)?.code ?? null).toBe(code);
  });

  it('are named with what is not carried and what is not there any more', () => {
    const refusal = refusalOfDisks('web', managed('os', 'data'), managed('os-new', 'data', 'late'));
    expect(refusal?.message).toContain(
      'it has os-new, late, which is not carried, and not os any more',
    );
  });
});

describe('a managed disk that is attached', () => {
  it.each([
    ['by its id', { name: 'stale', managedDisk: { id: idOf('RG-DR', 'web-os') } }, 'web-os'],
    ['by its name where there is no id', { name: 'web-os' }, 'web-os'],
    [
      'by its whole id in another resource group, where one of that name is another disk',
      { name: 'web-os', managedDisk: { id: idOf('restored', 'web-os') } },
      idOf('restored', 'web-os'),
    ],
    ['by nothing where Azure says nothing', {}, undefined],
  ] as const)('is known %s', (_how, disk, name) => {
    expect(managedDiskName('rg-dr', disk)).toBe(name);
  });
});
