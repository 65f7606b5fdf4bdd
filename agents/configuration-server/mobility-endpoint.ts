import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import type { Secret } from '../../shared/domain/secret.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { isProofRight, proofOf } from '../runtime/enrolment.ts';
import type { Logger } from '../runtime/types.ts';
import { type SiteDatabase, VMWARE_TOOLS_STATES } from './database.ts';
import { canonicalId } from './guest-ids.ts';

const MAX_BODY_BYTES = 16 * 1024;

const registrationSchema = z.object({
  vmId: z.string().min(1).max(200),
  hostName: z.string().min(1).max(255),
  version: z.string().max(40),
  /** hex HMAC-SHA256(passphrase, "mobility:" + vmId) */
  proof: z.string(),
  /** What came of starting them; absent where it was not tried. */
  vmwareTools: z.enum(VMWARE_TOOLS_STATES).optional(),
});

interface EndpointOptions {
  readonly listen: { readonly host: string; readonly port: number };
  readonly passphrase: Secret;
  readonly database: SiteDatabase;
  readonly log: Logger;
}

export interface MobilityEndpoint {
  readonly url: string;
  readonly port: number;
  stop(): Promise<void>;
}

/** `POST /mobility/register`: where agents in the guests of this site make themselves known. */
export async function startMobilityEndpoint(options: EndpointOptions): Promise<MobilityEndpoint> {
  const server = createServer((request, response) => {
    answer(options, request, response).catch((error: unknown) => {
      // Who hung up in the middle hears nothing of it any more; what else can fail is our own database.
      options.log.warn('a mobility agent could not register', { reason: String(error) });
      if (response.headersSent) response.destroy();
      else response.writeHead(500).end();
    });
  });
  await listen(server, options.listen);
  const { address, port } = server.address() as AddressInfo;
  return {
    url: `http://${address}:${port}/mobility/register`,
    port,
    stop: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

async function listen(
  server: Server,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const isTaken = error.code === 'EADDRINUSE';
      reject(isTaken ? new FailbackError('FB-AGENT-011', { port }, { cause: error }) : error);
    });
    server.listen(port, host, resolve);
  });
}

async function answer(
  { passphrase, database, log }: EndpointOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== 'POST' || request.url !== '/mobility/register') {
    response.writeHead(404).end();
    return;
  }
  const parsed = registrationSchema.safeParse(await readJson(request));
  if (!parsed.success) {
    response.writeHead(400).end('the registration is not complete\n');
    return;
  }
  const { vmId, hostName, version, proof, vmwareTools } = parsed.data;
  if (!isProofRight(proof, proofOf(passphrase, 'mobility', vmId))) {
    log.warn('a mobility agent with a wrong proof was refused', { vmId, hostName });
    response.writeHead(403).end('the proof does not fit the passphrase of this site\n');
    return;
  }
  const registeredAt = new Date().toISOString();
  database.putMobilityAgent({
    vmId: canonicalId(vmId),
    hostName,
    version,
    vmwareTools,
    registeredAt,
  });
  log.info('a mobility agent registered', { vmId, hostName, vmwareTools });
  response.writeHead(204).end();
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const chunk of request as AsyncIterable<Buffer>) {
    text += chunk.toString('utf8');
    if (text.length > MAX_BODY_BYTES) return null;
  }
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
