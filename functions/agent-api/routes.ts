import type { Route } from '../support/route.ts';
import { certificateRoute } from './certificate.ts';
import { getCommandRoute, reportProgressRoute, reportResultRoute } from './commands.ts';
import { dataAccessRoute } from './data-access.ts';
import { heartbeatRoute, listAgentsRoute, registerRoute } from './registration.ts';

/** The agents' side of the API: shared/contracts/agent-protocol.ts. */
export const AGENT_ROUTES: readonly Route[] = [
  listAgentsRoute,
  registerRoute,
  heartbeatRoute,
  certificateRoute,
  getCommandRoute,
  reportProgressRoute,
  reportResultRoute,
  dataAccessRoute,
];
