import { createHmac, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

const TOKEN_LIFETIME_SECONDS = 24 * 3600;

/**
 * Managed identity as App Service offers it (api-version 2019-08-01): the SDK's own credential gets its
 * tokens here by IDENTITY_ENDPOINT and IDENTITY_HEADER.
 */
export class IdentityEndpoint {
  readonly header = randomBytes(16).toString('hex');
  /** Signs tokens, so that those given out before a restart stay valid, as real ones do. */
  readonly #key: Buffer;
  #server: Server | undefined;

  constructor(dataFolder: string) {
    const file = join(dataFolder, 'identity.key');
    if (!existsSync(file)) writeFileSync(file, randomBytes(32), { mode: 0o600 });
    this.#key = readFileSync(file);
  }

  async start(): Promise<string> {
    const server = createServer((request, response) => {
      const url = new URL(request.url ?? '/', 'http://127.0.0.1');
      const isRight = request.headers['x-identity-header'] === this.header;
      const resource = url.searchParams.get('resource');
      response.setHeader('content-type', 'application/json');
      if (!isRight || resource === null) {
        response.writeHead(isRight ? 400 : 403).end('{}');
        return;
      }
      const token = this.#sign(randomBytes(24).toString('base64url'));
      const expiresOn = Math.floor(Date.now() / 1000) + TOKEN_LIFETIME_SECONDS;
      const body = {
        access_token: token,
        expires_on: String(expiresOn),
        resource,
        token_type: 'Bearer',
      };
      response.end(JSON.stringify(body));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.#server = server;
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/msi/token`;
  }

  isValid(authorization: string | undefined): boolean {
    const token = /^Bearer (.+)$/.exec(authorization ?? '')?.[1];
    const body = token?.split('.', 1)[0];
    return token !== undefined && body !== undefined && token === this.#sign(body);
  }

  #sign(body: string): string {
    return `${body}.${createHmac('sha256', this.#key).update(body).digest('base64url')}`;
  }

  async stop(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise<void>((resolve) => this.#server?.close(() => resolve()) ?? resolve());
  }
}
