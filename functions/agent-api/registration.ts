import { createHash } from 'node:crypto';
import { z } from 'zod';
import {
  agentKindSchema,
  type AgentKind,
  heartbeatAnswerSchema,
  heartbeatSchema,
  type RegisteredAgent,
  registeredAgentSchema,
  registerAgentSchema,
} from '../../shared/contracts/agent-protocol.ts';
import { type AgentView, agentViewSchema } from '../../shared/contracts/http-api.ts';
import { pageQuery, pageSchema } from '../../shared/contracts/http/paging.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import type { AgentRecord } from '../../shared/ports/stores.ts';
import { recordEvent } from '../../shared/services/record-event.ts';
import { updateRecord } from '../../shared/services/update-record.ts';
import { Refused } from '../security/refused.ts';
import { pageBody, pageRequest } from '../support/paging.ts';
import { agentRoute, apiRoute, openRoute } from '../support/route.ts';
import { hashKey } from './authenticate.ts';

const PREFIX: Record<AgentKind, string> = {
  configurationServer: 'cs',
  processServer: 'ps',
  masterTarget: 'mt',
};

/** A queue's name has at most 63 characters, of which `agent-` takes six. */
const MAX_ID_CHARACTERS = 57;

const HASH_CHARACTERS = 12;
/** The end of a name that would look as if it had been given a hash. */
const LIKE_A_HASH = new RegExp(`-[0-9a-f]{${HASH_CHARACTERS}}$`);

/**
 * Also a queue's name behind `agent-`: small letters, digits, single hyphens. A name that has to be changed for
 * that gets a hash of what it was, so that no two names get one id.
 */
function agentIdOf(kind: AgentKind, name: string): string {
  const plain = name.toLowerCase().replaceAll(/[_-]+/g, '-');
  const id = `${PREFIX[kind]}-${plain}`;
  if (plain === name && id.length <= MAX_ID_CHARACTERS && !LIKE_A_HASH.test(name)) return id;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, HASH_CHARACTERS);
  const kept = id.slice(0, MAX_ID_CHARACTERS - HASH_CHARACTERS - 1).replace(/-$/, '');
  return `${kept}-${hash}`;
}

/** Name and kind make the identity: registering again keeps it and replaces the key. */
export const registerRoute = openRoute({
  name: 'registerAgent',
  method: 'POST',
  path: 'agents',
  summary: 'Registers an agent',
  access: 'registrationToken',
  body: registerAgentSchema,
  responses: { 201: { description: 'Its identity.', schema: registeredAgentSchema } },
  handle: async ({ body: { kind, name, version, address = null } }, deps) => {
    const id = agentIdOf(kind, name);
    const agentKey = deps.newAgentKey();
    const now = deps.clock.now().toISOString();
    const keyHash = hashKey(agentKey);
    const fresh: AgentRecord = {
      id,
      kind,
      name,
      version,
      address,
      keyHash,
      registeredAt: now,
      heartbeatAt: now,
    };
    const known = await updateRecord(deps.stores.agents, id, (agent) => {
      const { isReportedSilent: _heard, isRetired: _alive, ...rest } = agent;
      return { ...rest, ...fresh };
    });
    if (known === null) await deps.stores.agents.create(fresh);
    const event = { at: now, caller: id, message: `${name} ${version} has registered` };
    await recordEvent(deps.stores, deps.newEventKey(), { ...event, kind: 'agentRegistered' });
    const { url, expiresAt } = await deps.queues.grantReceive(id);
    const answer: RegisteredAgent = {
      agentId: id,
      agentKey,
      queueUrl: url.reveal(),
      queueUrlExpiresAt: expiresAt.toISOString(),
    };
    return { status: 201, jsonBody: answer };
  },
});

/** Shows that the agent lives; tells it a fresh queue URL and which of its commands were given up. */
export const heartbeatRoute = agentRoute({
  name: 'agentHeartbeat',
  method: 'POST',
  path: 'agents/{agentId}/heartbeat',
  summary: 'Says that the agent lives',
  params: z.object({ agentId: z.string() }),
  body: heartbeatSchema,
  responses: {
    200: { description: 'Its queue, and what was given up.', schema: heartbeatAnswerSchema },
  },
  handle: async ({ agent: { id }, body }, deps) => {
    const { version, address = null, runningCommandIds, load } = body;
    const heartbeatAt = deps.clock.now().toISOString();
    let wasSilent = false;
    const agent = await updateRecord(deps.stores.agents, id, (current) => {
      if (current.isRetired === true) throw new FailbackError('FB-REQ-033', { agentId: id });
      const { isReportedSilent = false, load: _before, ...known } = current;
      wasSilent = isReportedSilent;
      const told = load === undefined ? {} : { load };
      return { ...known, version, heartbeatAt, address: address ?? current.address, ...told };
    });
    if (agent === null) throw new Refused('FB-REQ-006', `agent ${id}`);
    if (wasSilent) {
      const event = { at: heartbeatAt, caller: id, message: `${agent.name} is heard of again` };
      await recordEvent(deps.stores, deps.newEventKey(), { ...event, kind: 'agentBack' });
    }
    const running = await Promise.all(
      runningCommandIds.map((commandId) => deps.stores.commands.get(commandId)),
    );
    const cancelledCommandIds = running.flatMap((command) =>
      command !== null && command.value.result !== null ? [command.value.id] : [],
    );
    const { url, expiresAt } = await deps.queues.grantReceive(id);
    const answer: z.infer<typeof heartbeatAnswerSchema> = {
      queueUrl: url.reveal(),
      queueUrlExpiresAt: expiresAt.toISOString(),
      cancelledCommandIds,
    };
    return { jsonBody: answer };
  },
});

/** All agents, for people; without keys. */
export const listAgentsRoute = apiRoute({
  name: 'listAgents',
  method: 'GET',
  path: 'agents',
  summary: 'The agents, and when they were last heard of',
  role: 'reader',
  query: z.strictObject({ ...pageQuery, kind: agentKindSchema.optional() }),
  responses: { 200: { description: 'By id.', schema: pageSchema(agentViewSchema) } },
  handle: async ({ request, query }, deps) => {
    const where = ({ kind }: AgentRecord): boolean => kind === (query.kind ?? kind);
    const { values, next } = await deps.stores.agents.listPage({ ...pageRequest(query), where });
    const views = values.map(viewAgent);
    return { jsonBody: pageBody(request, next, views) };
  },
});

function viewAgent(agent: AgentRecord): AgentView {
  const { keyHash: _secret, isReportedSilent: _noted, isRetired: _meant, ...view } = agent;
  return view;
}
