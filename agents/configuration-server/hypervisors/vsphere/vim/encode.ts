import { type FieldKind, type Fields, type MethodName, METHODS, TYPES } from './field-orders.ts';
import { Secret } from '../../../../../shared/domain/secret.ts';
import type { MethodArguments, MoRef, VimObject } from './values.ts';

const ENVELOPE_START =
  '<?xml version="1.0" encoding="UTF-8"?>' +
  '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"' +
  ' xmlns:xsd="http://www.w3.org/2001/XMLSchema"' +
  ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>';
const ENVELOPE_END = '</soapenv:Body></soapenv:Envelope>';

/** The SOAP message of one call. Throws for a field that the order tables do not know. */
export function encodeCall<M extends MethodName>(
  method: M,
  self: MoRef,
  parameters: MethodArguments<M>,
): string {
  const body = encodeFields(method, METHODS[method], parameters);
  const target = encodeValue('_this', 'ref', self);
  return `${ENVELOPE_START}<${method} xmlns="urn:vim25">${target}${body}</${method}>${ENVELOPE_END}`;
}

function encodeFields(owner: string, fields: Fields, values: object): string {
  const given = new Map<string, unknown>(Object.entries(values));
  given.delete('_typeName');
  let text = '';
  for (const [name, kind] of Object.entries(fields)) {
    const value = given.get(name);
    given.delete(name);
    if (value === undefined) continue;
    const items = Array.isArray(value) ? (value as unknown[]) : [value];
    for (const item of items) text += encodeValue(name, kind, item);
  }
  const unknown = [...given.keys()];
  if (unknown.length > 0) {
    throw new Error(`The order table of ${owner} has no field ${unknown.join(', ')}`);
  }
  return text;
}

function encodeValue(name: string, kind: FieldKind, value: unknown): string {
  switch (kind) {
    case 'ref':
    case 'ref[]': {
      const ref = value as MoRef;
      return `<${name} type="${escapeXml(ref.type)}">${escapeXml(ref.value)}</${name}>`;
    }
    case 'data':
    case 'data[]':
      return encodeObject(name, value as VimObject);
    case 'any':
      return `<${name} xsi:type="${xsdType(value)}">${escapeXml(String(value))}</${name}>`;
    case 'secret': {
      if (!(value instanceof Secret)) throw new Error(`${name} must be a Secret`);
      return `<${name}>${escapeXml(value.reveal())}</${name}>`;
    }
    default:
      return `<${name}>${escapeXml(String(value))}</${name}>`;
  }
}

function encodeObject(name: string, value: VimObject): string {
  const { _typeName: type } = value;
  if (!Object.hasOwn(TYPES, type)) throw new Error(`There is no order table of ${type}`);
  return `<${name} xsi:type="${type}">${encodeFields(type, TYPES[type], value)}</${name}>`;
}

function xsdType(value: unknown): string {
  if (typeof value === 'boolean') return 'xsd:boolean';
  return typeof value === 'number' ? 'xsd:long' : 'xsd:string';
}

function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\r', '&#13;');
}
