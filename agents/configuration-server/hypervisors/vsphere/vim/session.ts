import { z } from 'zod';
import type { Secret } from '../../../../../shared/domain/secret.ts';
import type { FailbackError } from '../../../../../shared/errors/failback-error.ts';
import type { Logger } from '../../../../runtime/types.ts';
import { connectionError, explainFault, missingPrivilege } from './faults.ts';
import type { MethodName } from './field-orders.ts';
import { readProperties } from './properties.ts';
import { ConnectionLost, VimFault, type VimTransport } from './transport.ts';
import { understand } from './understand.ts';
import { type MethodArguments, moRefSchema, type MoRef, type VimData } from './values.ts';

const SERVICE_INSTANCE: MoRef = { type: 'ServiceInstance', value: 'ServiceInstance' };
const CALL_TIMEOUT_MS = 120_000;
/** A vCenter forgets a session after 30 idle minutes by default. */
const KEEP_ALIVE_MS = 5 * 60_000;

/** Calls that change nothing, and so may be made again when the connection broke before the answer. */
const READS: readonly MethodName[] = [
  'CurrentTime',
  'FindByUuid',
  'HasUserPrivilegeOnEntities',
  'QueryAssignedLicenses',
  'QueryVirtualDiskUuid',
  'RetrievePropertiesEx',
  'RetrieveServiceContent',
];

const managerSchema = moRefSchema.optional();
const contentSchema = z.object({
  rootFolder: moRefSchema,
  propertyCollector: moRefSchema,
  sessionManager: moRefSchema,
  viewManager: moRefSchema,
  searchIndex: moRefSchema,
  authorizationManager: managerSchema,
  licenseManager: managerSchema,
  virtualDiskManager: managerSchema,
  fileManager: managerSchema,
  guestOperationsManager: managerSchema,
  about: z.object({
    fullName: z.string(),
    version: z.string(),
    build: z.string().default(''),
    /** `VirtualCenter`, or `HostAgent` for an ESXi by itself. */
    apiType: z.string(),
    apiVersion: z.string(),
    instanceUuid: z.string().optional(),
  }),
});
export type ServiceContent = z.output<typeof contentSchema>;

interface SessionOptions {
  readonly transport: VimTransport;
  readonly username: string;
  readonly password: Secret;
  readonly log: Logger;
  readonly keepAliveMs?: number;
}

interface Live {
  readonly content: ServiceContent;
  /** As the server calls the account, with its domain. */
  readonly userName: string;
}

export interface SessionCallOptions {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number;
}

/**
 * One session on a vSphere server, opened with the first call and again whenever the server has forgotten it.
 * Everything it throws is a FailbackError, except what an aborted signal says.
 */
export class VimSession {
  readonly #options: SessionOptions;
  readonly #keepAlive: NodeJS.Timeout;
  #live: Promise<Live> | null = null;
  /** Null while it is being opened. */
  #current: Live | null = null;
  #isClosed = false;
  #outage: FailbackError | null = null;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#keepAlive = setInterval(() => void this.#touch(), options.keepAliveMs ?? KEEP_ALIVE_MS);
    this.#keepAlive.unref();
  }

  get address(): string {
    return this.#options.transport.address;
  }

  get account(): string {
    return this.#options.username;
  }

  /** Why the last call got no answer; `null` = it got one. */
  get outage(): FailbackError | null {
    return this.#outage;
  }

  async content(): Promise<ServiceContent> {
    return (await this.#session()).content;
  }

  /** As the server calls the account. */
  async userName(): Promise<string> {
    return (await this.#session()).userName;
  }

  async call<M extends MethodName>(
    method: M,
    self: MoRef,
    parameters: MethodArguments<M>,
    options: SessionCallOptions = {},
  ): Promise<VimData | undefined> {
    const used = await this.#session();
    try {
      return await this.#raw(method, self, parameters, options);
    } catch (error) {
      if (!isWorthOneRepetition(error, method)) throw await this.explain(error, method, self);
      // Of many calls that find the session gone at once, the first one renews it for all.
      if (error instanceof VimFault && this.#current === used) this.#forget();
    }
    await this.#session();
    try {
      return await this.#raw(method, self, parameters, options);
    } catch (error) {
      throw await this.explain(error, method, self);
    }
  }

  /** Ends the session on the server too, where sessions are limited. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#keepAlive);
    const live = (await this.#live?.catch(() => null)) ?? null;
    if (live !== null) {
      await this.#raw('Logout', live.content.sessionManager, {}, { timeoutMs: 5000 }).catch(
        () => undefined,
      );
    }
    this.#options.transport.close();
  }

  async #session(): Promise<Live> {
    const opening = (this.#live ??= this.#open());
    try {
      const live = await opening;
      if (this.#live === opening) this.#current = live;
      return live;
    } catch (error) {
      if (this.#live === opening) this.#forget();
      throw error;
    }
  }

  #forget(): void {
    this.#live = null;
    this.#current = null;
  }

  async #open(): Promise<Live> {
    const { transport, username, password } = this.#options;
    // A second login within a living session would be refused.
    transport.forgetSession();
    try {
      const answer = await this.#raw('RetrieveServiceContent', SERVICE_INSTANCE, {});
      const content = understand(contentSchema, answer, {
        address: this.address,
        method: 'RetrieveServiceContent',
      });
      transport.useApiVersion(content.about.apiVersion);
      const parameters = { userName: username, password, locale: 'en' };
      const session = await this.#raw('Login', content.sessionManager, parameters);
      const { userName } = understand(z.object({ userName: z.string() }), session, {
        address: this.address,
        method: 'Login',
      });
      return { content, userName };
    } catch (error) {
      throw await this.explain(error, 'Login', SERVICE_INSTANCE);
    }
  }

  async #raw<M extends MethodName>(
    method: M,
    self: MoRef,
    parameters: MethodArguments<M>,
    { signal, timeoutMs = CALL_TIMEOUT_MS }: SessionCallOptions = {},
  ): Promise<VimData | undefined> {
    const { transport } = this.#options;
    try {
      const answer = await transport.call(method, self, parameters, { signal, timeoutMs });
      this.#outage = null;
      return answer;
    } catch (error) {
      if (error instanceof ConnectionLost) this.#outage = connectionError(error, this.address);
      if (error instanceof VimFault) this.#outage = null;
      throw error;
    }
  }

  /** What a person is told about an error of a call. */
  async explain(error: unknown, method: string, self: MoRef): Promise<unknown> {
    const { address, account } = this;
    if (error instanceof ConnectionLost) return connectionError(error, address);
    if (!(error instanceof VimFault)) return error;
    const about = missingPrivilege(error)?.object ?? self;
    const object = await this.#nameOf(about);
    return explainFault(error, { address, account, method, object });
  }

  /** The name that people know an object by, if it can be read; else its id. */
  async #nameOf(object: MoRef): Promise<string> {
    const fallback = `${object.type} ${object.value}`;
    const live = this.#current;
    if (live === null || object.type === 'ServiceInstance') return fallback;
    const read = readProperties(
      {
        address: this.address,
        content: async () => live.content,
        call: async (method, self, parameters) =>
          this.#raw(method, self, parameters, { timeoutMs: 10_000 }),
      },
      object,
      ['name'],
    );
    const properties = await read.catch(() => null);
    const name = properties?.get('name');
    return typeof name === 'string' ? `${name} (${fallback})` : fallback;
  }

  /** Only an open session is kept; one that is gone is opened again by the next call that needs it. */
  async #touch(): Promise<void> {
    if (this.#live === null || this.#isClosed) return;
    await this.call('CurrentTime', SERVICE_INSTANCE, {}).catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      this.#options.log.debug('the session on the vSphere server could not be kept alive', {
        reason,
      });
    });
  }
}

/** A call that met no session was not done at all; one that met no connection may have been. */
function isWorthOneRepetition(error: unknown, method: MethodName): boolean {
  if (error instanceof VimFault) return error.kind === 'NotAuthenticated';
  return error instanceof ConnectionLost && READS.includes(method);
}
