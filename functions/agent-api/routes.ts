import type { Handle, Route } from '../support/http.ts';
import { certificate } from './certificate.ts';
import { getCommand, reportProgress, reportResult } from './commands.ts';
import { grantDataAccess } from './data-access.ts';
import { heartbeat, listAgents, register } from './registration.ts';

const agentRoute = (name: string, route: string, handle: Handle): Route => ({
  name,
  method: 'POST',
  route: `agents/{agentId}/${route}`,
  authLevel: 'anonymous',
  handle,
});

/** The agents' side of the API: shared/contracts/agent-protocol.ts. */
export const AGENT_ROUTES: readonly Route[] = [
  { name: 'listAgents', method: 'GET', route: 'agents', authLevel: 'function', handle: listAgents },
  {
    name: 'registerAgent',
    method: 'POST',
    route: 'agents',
    authLevel: 'anonymous',
    handle: register,
  },
  agentRoute('agentHeartbeat', 'heartbeat', heartbeat),
  agentRoute('agentCertificate', 'certificate', certificate),
  {
    ...agentRoute('agentCommand', 'commands/{commandId}', getCommand),
    method: 'GET',
  },
  agentRoute('agentProgress', 'commands/{commandId}/progress', reportProgress),
  agentRoute('agentResult', 'commands/{commandId}/result', reportResult),
  agentRoute('agentDataAccess', 'commands/{commandId}/data-access', grantDataAccess),
];
