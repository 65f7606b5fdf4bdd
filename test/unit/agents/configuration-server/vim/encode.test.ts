import { describe, expect, it } from '@jest/globals';
import { decodeAnswer } from '../../../../../agents/configuration-server/hypervisors/vsphere/vim/decode.ts';
import { encodeCall } from '../../../../../agents/configuration-server/hypervisors/vsphere/vim/encode.ts';
import type { VimObject } from '../../../../../agents/configuration-server/hypervisors/vsphere/vim/values.ts';
import { Secret } from '../../../../../shared/domain/secret.ts';

const VM = { type: 'VirtualMachine', value: 'vm-1' };
const bodyOf = (xml: string): string => /<soapenv:Body>(.*)<\/soapenv:Body>/.exec(xml)?.[1] ?? '';
const answer = (inner: string): string =>
  `<?xml version="1.0"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body><XResponse xmlns="urn:vim25">${inner}</XResponse></soapenv:Body></soapenv:Envelope>`;
const decoded = (inner: string): unknown => {
  const found = decodeAnswer(answer(inner));
  return found?.kind === 'returned' ? found.value : found;
};

describe('a call to vSphere', () => {
  it('has its fields in the order of the tables, in whichever order they are given', () => {
    const spec: VimObject<'VirtualMachineConfigSpec'> = {
      firmware: 'efi',
      memoryMB: 4096,
      numCPUs: 2,
      name: 'web-01',
      _typeName: 'VirtualMachineConfigSpec',
    };
    expect(bodyOf(encodeCall('ReconfigVM_Task', VM, { spec }))).toBe(
      '<ReconfigVM_Task xmlns="urn:vim25"><_this type="VirtualMachine">vm-1</_this>' +
        '<spec xsi:type="VirtualMachineConfigSpec"><name>web-01</name><numCPUs>2</numCPUs>' +
        '<memoryMB>4096</memoryMB><firmware>efi</firmware></spec></ReconfigVM_Task>',
    );
  });

  it('repeats the element of a list, and leaves out what is not given', () => {
    const xml = encodeCall('HasUserPrivilegeOnEntities', VM, {
      entities: [VM, { type: 'Folder', value: 'f' }],
      userName: 'u',
      privId: [],
    });
    expect(bodyOf(xml)).toContain(
      '<entities type="VirtualMachine">vm-1</entities><entities type="Folder">f</entities><userName>u</userName></',
    );
  });

  it('refuses a field that no order table has, instead of sending it somewhere', () => {
    const spec = { _typeName: 'VirtualMachineConfigSpec', nmae: 'web-01' };
    const call = { spec } as unknown as { spec: VimObject };
    expect(() => encodeCall('ReconfigVM_Task', VM, call)).toThrow(
      'VirtualMachineConfigSpec has no field nmae',
    );
    const stranger = { spec: { _typeName: 'Nonsense' } } as unknown as { spec: VimObject };
    expect(() => encodeCall('ReconfigVM_Task', VM, stranger)).toThrow('order table of Nonsense');
    expect(() => encodeCall('Logout', VM, { why: 'x' } as object)).toThrow(
      'Logout has no field why',
    );
  });

  it('escapes texts, and gives values of any type their type', () => {
    const extraConfig = [
      { _typeName: 'OptionValue', key: 'a<b>&"c"', value: 'x&y' },
      { _typeName: 'OptionValue', key: 'n', value: 7 },
      { _typeName: 'OptionValue', key: 'b', value: true },
    ] as const;
    const xml = encodeCall('ReconfigVM_Task', VM, {
      spec: { _typeName: 'VirtualMachineConfigSpec', extraConfig },
    });
    expect(xml).toContain(
      '<key>a&lt;b&gt;&amp;&quot;c&quot;</key><value xsi:type="xsd:string">x&amp;y</value>',
    );
    expect(xml).toContain('<value xsi:type="xsd:long">7</value>');
    expect(xml).toContain('<value xsi:type="xsd:boolean">true</value>');
  });

  it('takes passwords only as secrets', () => {
    const login = { userName: 'u', password: new Secret('p<1') };
    expect(encodeCall('Login', VM, login)).toContain('<password>p&lt;1</password>');
    const plain = { userName: 'u', password: 'p' } as unknown as typeof login;
    expect(() => encodeCall('Login', VM, plain)).toThrow('password must be a Secret');
  });
});

describe('an answer of vSphere', () => {
  it.each([
    ['a text that looks like a number', '<returnval>007</returnval>', '007'],
    ['an exponent', '<returnval>1e5</returnval>', '1e5'],
    ['spaces', '<returnval> a </returnval>', ' a '],
    ['entities of Go', '<returnval>it&#39;s &#xe9;&amp;&lt;</returnval>', "it's é&<"],
    ['an empty text', '<returnval/>', ''],
    ['nothing', '', undefined],
    ['several', '<returnval>a</returnval><returnval>b</returnval>', ['a', 'b']],
    [
      'a reference',
      '<returnval type="Folder">group-d1</returnval>',
      { type: 'Folder', value: 'group-d1' },
    ],
    [
      'a reference of any type',
      '<returnval xsi:type="ManagedObjectReference" type="Folder">group-d1</returnval>',
      { type: 'Folder', value: 'group-d1' },
    ],
    [
      'an enumeration of any type',
      '<returnval xsi:type="VirtualMachinePowerState">poweredOn</returnval>',
      'poweredOn',
    ],
    ['a number of any type', '<returnval xsi:type="xsd:long">42</returnval>', 42],
    ['a truth of any type', '<returnval xsi:type="xsd:boolean">false</returnval>', false],
    ['a text of any type', '<returnval xsi:type="xsd:string">007</returnval>', '007'],
    ['a list of one', '<returnval xsi:type="ArrayOfString"><string>a</string></returnval>', ['a']],
    [
      'a list whose type has the prefix that Go gives it',
      '<returnval xmlns:XMLSchema-instance="x" XMLSchema-instance:type="ArrayOfString"><string>a</string></returnval>',
      ['a'],
    ],
    ['an empty list', '<returnval xsi:type="ArrayOfString"></returnval>', []],
    ['an object without fields', '<returnval xsi:type="NotFound"/>', { _typeName: 'NotFound' }],
    [
      'an object with white space around its fields',
      '<returnval xsi:type="A">\n <b>1</b>\n <c xsi:type="D"><e type="X">y</e></c>\n</returnval>',
      { _typeName: 'A', b: '1', c: { _typeName: 'D', e: { type: 'X', value: 'y' } } },
    ],
  ])('is read: %s', (_name, xml, expected) => {
    expect(decoded(xml)).toEqual(expected);
  });

  it('may have any number of apostrophes', () => {
    const many = '&#39;&amp;'.repeat(200_000);
    expect(decoded(`<returnval>${many}</returnval>`)).toBe("'&".repeat(200_000));
  });

  it.each([
    '',
    'plain text',
    '<html><body>502</body></html>',
    '<a',
    '<Envelope><Body></Body></Envelope>',
  ])('is not one: %j', (xml) => {
    expect(decodeAnswer(xml)).toBeNull();
  });

  it('may be a fault, with or without its type', () => {
    const fault = (detail: string): unknown =>
      decodeAnswer(
        `<Envelope><Body><Fault><faultcode>x</faultcode><faultstring>No.</faultstring><detail>${detail}</detail></Fault></Body></Envelope>`,
      );
    expect(
      fault(
        '<NoPermissionFault xsi:type="NoPermission"><privilegeId>A.B</privilegeId></NoPermissionFault>',
      ),
    ).toEqual({
      kind: 'fault',
      fault: 'NoPermission',
      message: 'No.',
      detail: { _typeName: 'NoPermission', privilegeId: 'A.B' },
    });
    expect(fault('<RuntimeFaultFault/>')).toMatchObject({ fault: 'RuntimeFault' });
    expect(fault('')).toMatchObject({ fault: 'Unknown' });
  });
});
