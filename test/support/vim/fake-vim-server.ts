import { createServer as createHttp, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { PemPair } from '../../../local/tls/create-certificate.ts';

export const ACCOUNT = 'failback@vsphere.local';
export const PASSWORD = 'Pa<ss>&"1';

export interface FakeCall {
  readonly method: string;
  /** The whole message. */
  readonly body: string;
  readonly session: string | null;
}

/** XML inside the response element, a fault, or a connection that ends without an answer. */
export type FakeReply =
  | { readonly returned: string }
  | { readonly fault: string; readonly text?: string; readonly detail?: string }
  | { readonly raw: string; readonly status?: number }
  | 'cut';
export type FakeMethod = (call: FakeCall) => FakeReply | Promise<FakeReply>;

const NEEDS_NO_SESSION = ['RetrieveServiceContent', 'Login'];

const ref = (field: string, type: string): string => `<${field} type="${type}">${type}</${field}>`;
const CONTENT = `<returnval>${ref('rootFolder', 'Folder')}${ref('propertyCollector', 'PropertyCollector')}
  ${ref('viewManager', 'ViewManager')}${ref('searchIndex', 'SearchIndex')}
  <about><name>x</name><fullName>Fake vCenter &#39;8&#39;</fullName><version>8.0.3</version><build>1</build>
  <apiType>VirtualCenter</apiType><apiVersion>8.0.3.0</apiVersion></about>
  ${ref('sessionManager', 'SessionManager')}${ref('licenseManager', 'LicenseManager')}</returnval>`;

/** A server of vim25 messages whose answers the test writes; knows sessions like a vCenter. */
export class FakeVimServer {
  readonly calls: FakeCall[] = [];
  readonly headers: IncomingMessage['headers'][] = [];
  logins = 0;
  url = '';
  readonly #methods = new Map<string, FakeMethod>();
  readonly #sessions = new Set<string>();
  #server: ReturnType<typeof createHttp> | null = null;

  static async start(tls?: PemPair): Promise<FakeVimServer> {
    const fake = new FakeVimServer();
    const listener = (request: IncomingMessage, response: ServerResponse): void => {
      void fake.#answer(request, response);
    };
    const server =
      tls === undefined
        ? createHttp(listener)
        : createHttps({ key: tls.keyPem, cert: tls.certificatePem }, listener);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    fake.url = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`;
    fake.#server = server;
    fake.on('RetrieveServiceContent', () => ({ returned: CONTENT }));
    fake.on('CurrentTime', () => ({ returned: '<returnval>2026-01-01T00:00:00Z</returnval>' }));
    fake.on('Logout', ({ session }) => {
      fake.#sessions.delete(session ?? '');
      return { returned: '' };
    });
    fake.on('CreatePropertyCollector', ({ session }) => ({
      returned: `<returnval type="PropertyCollector">collector-${session}</returnval>`,
    }));
    fake.on('CreateFilter', () => ({ returned: '<returnval type="PropertyFilter">f</returnval>' }));
    fake.on('DestroyPropertyCollector', () => ({ returned: '' }));
    return fake;
  }

  on(method: string, reply: FakeMethod): void {
    this.#methods.set(method, reply);
  }

  /** The answers in order; the last one stays. */
  script(method: string, ...replies: readonly FakeReply[]): void {
    let next = 0;
    this.on(method, () => {
      const reply = replies[Math.min(next, replies.length - 1)] ?? 'cut';
      next += 1;
      return reply;
    });
  }

  methods(): readonly string[] {
    return this.calls.map(({ method }) => method);
  }

  forgetSessions(): void {
    this.#sessions.clear();
  }

  async stop(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((resolve) => this.#server?.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request).catch(() => '');
    const method = /<soapenv:Body><(\w+)/.exec(body)?.[1] ?? '';
    const session = /vmware_soap_session=([^;]+)/.exec(request.headers.cookie ?? '')?.[1] ?? null;
    this.headers.push(request.headers);
    const call = { method, body, session };
    this.calls.push(call);
    const reply = await this.#replyTo(call, response);
    if (reply === 'cut') request.socket.destroy();
    else this.#send(method, reply, response);
  }

  async #replyTo(call: FakeCall, response: ServerResponse): Promise<FakeReply> {
    const { method, session } = call;
    const isKnown = session !== null && this.#sessions.has(session);
    if (!isKnown && !NEEDS_NO_SESSION.includes(method)) return { fault: 'NotAuthenticated' };
    const scripted = this.#methods.get(method);
    if (scripted !== undefined) return scripted(call);
    if (method !== 'Login') return { fault: 'InvalidRequest', text: `There is no ${method}.` };
    return this.#login(call, response);
  }

  #login({ body, session }: FakeCall, response: ServerResponse): FakeReply {
    if (session !== null || !body.includes('<password>Pa&lt;ss&gt;&amp;&quot;1</password>')) {
      return { fault: 'InvalidLogin', text: 'Cannot complete login.' };
    }
    this.logins += 1;
    const key = `s-${this.logins}`;
    this.#sessions.add(key);
    response.setHeader('set-cookie', `vmware_soap_session=${key}; Path=/; HttpOnly`);
    return {
      returned: `<returnval><key>${key}</key><userName>VSPHERE.LOCAL\\failback</userName></returnval>`,
    };
  }

  #send(method: string, reply: Exclude<FakeReply, 'cut'>, response: ServerResponse): void {
    if ('raw' in reply) {
      response.writeHead(reply.status ?? 200, { 'content-type': 'text/xml' }).end(reply.raw);
      return;
    }
    const inner =
      'returned' in reply
        ? `<${method}Response xmlns="urn:vim25">${reply.returned}</${method}Response>`
        : `<soapenv:Fault><faultcode>ServerFaultCode</faultcode><faultstring>${reply.text ?? ''}</faultstring><detail><${reply.fault}Fault xmlns="urn:vim25" xsi:type="${reply.fault}">${reply.detail ?? ''}</${reply.fault}Fault></detail></soapenv:Fault>`;
    const envelope = `<?xml version="1.0" encoding="UTF-8"?>\n<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"><soapenv:Body>\n${inner}\n</soapenv:Body></soapenv:Envelope>`;
    response.writeHead('fault' in reply ? 500 : 200, { 'content-type': 'text/xml' }).end(envelope);
  }
}
