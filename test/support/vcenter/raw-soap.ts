import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { XMLParser } from 'fast-xml-parser';
import type { PeerReady } from './peer-types.ts';

/** A SOAP fault of the API, with the name it has in the schema. */
export class RawFault extends Error {
  readonly kind: string;
  readonly detail: XmlNode;
  constructor(kind: string, message: string, detail: XmlNode) {
    super(`${kind}: ${message}`);
    this.kind = kind;
    this.detail = detail;
  }
}

/** An element as fast-xml-parser gives it: attributes behind `@`, texts as strings. */
export type XmlNode = {
  readonly [name: string]: XmlNode | readonly XmlNode[] | string | undefined;
};
export interface Moref {
  readonly type: string;
  readonly value: string;
}

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  htmlEntities: true,
});

const TASK_POLL_MS = 10;

/** Writes XML by hand, so that the peer is proved without the product's own client. */
export class RawSoap {
  readonly #ready: PeerReady;
  cookie: string | null = null;
  content: XmlNode = {};

  constructor(ready: PeerReady) {
    this.#ready = ready;
  }

  static async connect(
    ready: PeerReady,
    user = ready.user,
    password = ready.password,
  ): Promise<RawSoap> {
    const soap = new RawSoap(ready);
    soap.content = node(
      await soap.call('RetrieveServiceContent', moref('ServiceInstance', 'ServiceInstance')),
    );
    await soap.login(user, password);
    return soap;
  }

  async login(user: string, password: string): Promise<void> {
    await this.call(
      'Login',
      this.service('sessionManager'),
      `<userName>${user}</userName><password>${password}</password>`,
    );
  }

  /** A manager named in the service content. */
  service(name: string): Moref {
    const found = node(this.content[name]);
    return moref(text(found['@type']), text(found['#text']));
  }

  /** Gives `returnval`, as text, node or list; throws `RawFault`. */
  async call(method: string, self: Moref, inner = ''): Promise<unknown> {
    const xml =
      `<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope ` +
      `xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" ` +
      `xmlns:xsd="http://www.w3.org/2001/XMLSchema" ` +
      `xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>` +
      `<${method} xmlns="urn:vim25">${ref('_this', self)}${inner}</${method}>` +
      `</soapenv:Body></soapenv:Envelope>`;
    const answer = await this.#post(xml);
    const parsed = node(parser.parse(answer));
    const body = node(node(parsed['soapenv:Envelope'])['soapenv:Body']);
    const fault = body['soapenv:Fault'];
    if (fault !== undefined) throw faultOf(node(fault));
    return node(body[`${method}Response`])['returnval'];
  }

  /** Starts a task and waits until it ends; gives its result, throws the fault it ended with. */
  async task(method: string, self: Moref, inner = ''): Promise<unknown> {
    return this.ended(refOf(await this.call(method, self, inner)));
  }

  async ended(task: Moref): Promise<unknown> {
    for (;;) {
      const info = node((await this.properties(task, ['info']))['info']);
      if (info['state'] === 'success') return info['result'];
      if (info['state'] === 'error') {
        const error = node(info['error']);
        const fault = node(error['fault']);
        throw new RawFault(text(fault['@xsi:type']), text(error['localizedMessage']), fault);
      }
      await sleep(TASK_POLL_MS);
    }
  }

  /** Properties of one object by their paths. */
  async properties(self: Moref, paths: readonly string[]): Promise<Record<string, unknown>> {
    const answer = node(
      await this.call(
        'RetrievePropertiesEx',
        this.service('propertyCollector'),
        `<specSet><propSet><type>${self.type}</type>` +
          paths.map((path) => `<pathSet>${path}</pathSet>`).join('') +
          `</propSet><objectSet>${ref('obj', self)}</objectSet></specSet><options></options>`,
      ),
    );
    const [object] = list(answer['objects']);
    return Object.fromEntries(
      list(node(object)['propSet']).map((entry) => [text(node(entry)['name']), node(entry)['val']]),
    );
  }

  /** All objects of a type below the root, as reference and name. */
  async all(type: string): Promise<(Moref & { name: string })[]> {
    const answer = node(
      await this.call(
        'RetrievePropertiesEx',
        this.service('propertyCollector'),
        await this.#viewSpec(type),
      ),
    );
    return list(answer['objects']).map((object) => {
      const [name] = list(node(object)['propSet']);
      return { ...refOf(node(object)['obj']), name: text(node(name)['val']) };
    });
  }

  /** The body of a RetrievePropertiesEx that gives names through a container view. */
  async #viewSpec(type: string): Promise<string> {
    return `${await this.viewOf(type)}<options></options>`;
  }

  async viewOf(type: string): Promise<string> {
    const view = refOf(
      await this.call(
        'CreateContainerView',
        this.service('viewManager'),
        `${ref('container', this.service('rootFolder'))}<type>${type}</type><recursive>true</recursive>`,
      ),
    );
    return (
      `<specSet><propSet><type>${type}</type><pathSet>name</pathSet></propSet>` +
      `<objectSet>${ref('obj', view)}<skip>true</skip>` +
      `<selectSet xsi:type="TraversalSpec"><type>ContainerView</type><path>view</path>` +
      `<skip>false</skip></selectSet></objectSet></specSet>`
    );
  }

  #post(xml: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const headers = {
        'content-type': 'text/xml; charset=utf-8',
        soapaction: '"urn:vim25/7.0"',
        ...(this.cookie === null ? {} : { cookie: this.cookie }),
      };
      const outgoing = request(
        this.#ready.url,
        { method: 'POST', headers, rejectUnauthorized: false, agent: false },
        (incoming: IncomingMessage) => {
          const [cookie] = incoming.headers['set-cookie'] ?? [];
          if (cookie !== undefined) this.cookie = cookie.split(';')[0] ?? null;
          const parts: Buffer[] = [];
          incoming.on('data', (part: Buffer) => parts.push(part));
          incoming.on('error', reject);
          incoming.on('end', () => resolve(Buffer.concat(parts).toString('utf8')));
        },
      );
      outgoing.on('error', reject);
      outgoing.end(xml);
    });
  }
}

export function moref(type: string, value: string): Moref {
  return { type, value };
}

export function ref(name: string, { type, value }: Moref): string {
  return `<${name} type="${type}">${value}</${name}>`;
}

export function refOf(value: unknown): Moref {
  const element = node(value);
  return moref(text(element['@type']), text(element['#text']));
}

export function node(value: unknown): XmlNode {
  return typeof value === 'object' && value !== null ? (value as XmlNode) : {};
}

export function text(value: unknown): string {
  if (typeof value === 'string') return value;
  const inner = node(value)['#text'];
  return typeof inner === 'string' ? inner : '';
}

/** One element and several look different once parsed; none is undefined. */
export function list(value: unknown): readonly unknown[] {
  if (value === undefined || value === '') return [];
  return Array.isArray(value) ? value : [value];
}

/** The name of the fault that a call or task ends with. */
export async function faultKindOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    if (error instanceof RawFault) return error.kind;
    throw error;
  }
  return 'none';
}

function faultOf(fault: XmlNode): RawFault {
  const detail = node(fault['detail']);
  const [kind = ''] = Object.keys(detail);
  return new RawFault(kind.replace(/Fault$/, ''), text(fault['faultstring']), node(detail[kind]));
}
