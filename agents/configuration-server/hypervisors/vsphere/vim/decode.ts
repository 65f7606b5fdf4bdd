import { XMLParser } from 'fast-xml-parser';
import type { VimData, VimRecord } from './values.ts';

/**
 * Prefixes stay: without them `xsi:type` and `type` are one attribute. Nothing is converted, because the parser
 * takes texts as `007` and `1e5` for numbers.
 */
const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  removeNSPrefix: false,
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  htmlEntities: true,
  // The limits are meant for documents that define entities of their own; a large inventory has many apostrophes.
  processEntities: {
    enabled: true,
    maxEntityCount: 0,
    maxTotalExpansions: Number.MAX_SAFE_INTEGER,
    maxExpandedLength: Number.MAX_SAFE_INTEGER,
  },
});

export type Answer =
  | { readonly kind: 'returned'; readonly value: VimData | undefined }
  | {
      readonly kind: 'fault';
      readonly fault: string;
      readonly message: string;
      readonly detail: VimRecord;
    };

/** The answer in a SOAP message; `null` = it is none. */
export function decodeAnswer(xml: string): Answer | null {
  const body = child(child(parse(xml), 'Envelope'), 'Body');
  if (!isNode(body)) return null;
  const fault = child(body, 'Fault');
  if (fault !== undefined) return decodeFault(fault);
  const [response] = elementsOf(body);
  if (response === undefined) return null;
  const returned = child(response[1], 'returnval');
  return { kind: 'returned', value: returned === undefined ? undefined : decodeValue(returned) };
}

type Node = Readonly<Record<string, unknown>>;

function parse(xml: string): unknown {
  try {
    return parser.parse(xml) as unknown;
  } catch {
    return null;
  }
}

function decodeFault(fault: unknown): Answer {
  const message = child(fault, 'faultstring');
  const [detail] = elementsOf(child(fault, 'detail'));
  const value = detail === undefined ? '' : decodeValue(detail[1]);
  const record = typeof value === 'object' && !Array.isArray(value) ? (value as VimRecord) : {};
  const named = record['_typeName'] ?? detail?.[0].replace(/Fault$/, '');
  return {
    kind: 'fault',
    fault: textOf(named) || 'Unknown',
    message: message === undefined ? '' : textOf(decodeValue(message)),
    detail: record,
  };
}

const textOf = (value: VimData | undefined): string => (typeof value === 'string' ? value : '');

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const localName = (name: string): string => name.slice(name.indexOf(':') + 1);

/** Child elements, without attributes and the text between them. */
function elementsOf(node: unknown): [string, unknown][] {
  if (!isNode(node)) return [];
  return Object.entries(node)
    .filter(([name]) => !name.startsWith('@') && name !== '#text')
    .map(([name, value]) => [localName(name), value]);
}

function child(node: unknown, wanted: string): unknown {
  return elementsOf(node).find(([name]) => name === wanted)?.[1];
}

function decodeValue(node: unknown): VimData {
  if (Array.isArray(node)) return node.map(decodeValue);
  if (!isNode(node)) return String(node);
  const type = xsiType(node);
  const typeName = typeof type === 'string' ? localName(type) : undefined;
  const text = typeof node['#text'] === 'string' ? node['#text'] : '';
  const target = node['@type'];
  if (typeof target === 'string') return { type: target, value: text };
  const elements = elementsOf(node);
  if (typeName?.startsWith('ArrayOf') === true)
    return elements.flatMap(([, value]) => decodeValue(value));
  if (elements.length > 0) return decodeRecord(typeName, elements);
  // An enumeration has a type of vSphere's own as well; only what has no text either is an empty object.
  const isEmptyObject = text.trim() === '' && typeName !== undefined && !isXmlSchemaType(type);
  return isEmptyObject ? { _typeName: typeName } : decodeText(typeName, text);
}

function decodeRecord(
  typeName: string | undefined,
  elements: readonly [string, unknown][],
): VimRecord {
  const record: Record<string, VimData> = typeName === undefined ? {} : { _typeName: typeName };
  for (const [name, value] of elements) record[name] = decodeValue(value);
  return record;
}

/** The attribute `type` with a prefix, whichever: the server chooses it. Without one it is that of a reference. */
function xsiType(node: Node): unknown {
  const name = Object.keys(node).find((key) => key.startsWith('@') && key.endsWith(':type'));
  return name === undefined ? undefined : node[name];
}

function isXmlSchemaType(type: unknown): boolean {
  return typeof type === 'string' && type.includes(':');
}

function decodeText(typeName: string | undefined, text: string): VimData {
  if (typeName === 'boolean') return text === 'true' || text === '1';
  const isNumber = /^(?:byte|short|int|long|float|double)$/.test(typeName ?? '');
  return isNumber ? Number(text) : text;
}
