import { z } from 'zod';
import {
  itemFilter,
  protectedItemIdSchema,
  protectedItemViewSchema,
  type PutProtectedItem,
  putProtectedItemSchema,
} from '../../shared/contracts/http-api.ts';
import { pageQuery, pageSchema } from '../../shared/contracts/http/paging.ts';
import { refuseStart } from '../../shared/domain/protected-item-operations.ts';
import type {
  FailoverRecord,
  OnPremisesTarget,
  ProtectedItem,
} from '../../shared/domain/protected-item.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import type { AzureVmDescription } from '../../shared/ports/azure.ts';
import type { Versioned } from '../../shared/ports/stores.ts';
import { recordEvent } from '../../shared/services/record-event.ts';
import { letGo } from '../jobs/let-go.ts';
import type { FunctionDeps } from '../support/deps.ts';
import { assertIfMatch, etagOf, isCreateOnly } from '../support/etag.ts';
import { pageBody, pageRequest } from '../support/paging.ts';
import { type Answer, apiRoute, type Route } from '../support/route.ts';
import { viewItem } from '../views/item-view.ts';
import { listItems } from '../views/list-items.ts';

/** In place of the name of a master target. */
const AUTO = 'auto';

const idParams = z.object({ id: z.string() });

const listRoute = apiRoute({
  name: 'listProtectedItems',
  method: 'GET',
  path: 'protected-items',
  summary: 'The machines under care',
  role: 'reader',
  query: z.strictObject({ ...pageQuery, ...itemFilter }),
  responses: { 200: { description: 'By id.', schema: pageSchema(protectedItemViewSchema) } },
  handle: async ({ request, query }, deps) => {
    const { phase, origin, health, name = '' } = query;
    const begin = name.toLowerCase();
    const where = (item: ProtectedItem): boolean =>
      (phase === undefined || item.phase === phase) &&
      (origin === undefined || item.origin === origin) &&
      item.name.toLowerCase().startsWith(begin);
    const page = await listItems(deps, { ...pageRequest(query), where }, health);
    return { jsonBody: pageBody(request, page.next, page.values) };
  },
});

const getRoute = apiRoute({
  name: 'getProtectedItem',
  method: 'GET',
  path: 'protected-items/{id}',
  summary: 'One machine under care',
  role: 'reader',
  params: idParams,
  responses: { 200: { description: 'The machine.', schema: protectedItemViewSchema } },
  hasETag: true,
  handle: async ({ params: { id } }, deps) => answer(await find(deps, id), deps),
});

const EXAMPLE: z.input<typeof putProtectedItemSchema> = {
  name: 'web-01',
  origin: 'VMware',
  resourceGroup: 'rg-dr',
  vmName: 'web-01',
  target: {
    configurationServer: 'cs1',
    masterTarget: 'mt1',
    vmName: 'web-01',
    networks: [
      {
        name: 'VM Network',
        staticIpAddress: '10.0.0.15',
        prefixLength: 24,
        gateway: '10.0.0.1',
        dnsServers: ['10.0.0.2'],
      },
    ],
  },
  failover: { vcenterId: 'none', isMigrationCompleted: false },
};

/** Takes a VM that runs in Azure under care; its disks are read from Azure. Again: reads them in anew. */
const putRoute = apiRoute({
  name: 'putProtectedItem',
  method: 'PUT',
  path: 'protected-items/{id}',
  summary: 'Takes a VM that runs in Azure under care, or reads it in anew',
  role: 'operator',
  params: z.object({ id: protectedItemIdSchema }),
  body: putProtectedItemSchema,
  example: EXAMPLE,
  responses: {
    200: { description: 'Read in anew.', schema: protectedItemViewSchema },
    201: { description: 'Taken under care.', schema: protectedItemViewSchema },
  },
  hasETag: true,
  handle: async ({ request, params: { id }, body, caller: { name: caller } }, deps) => {
    const existing = await deps.stores.items.get(id);
    assertIfMatch(request, existing);
    if (existing !== null && isCreateOnly(request)) {
      throw new FailbackError('FB-REQ-025', { kind: 'protected item', id });
    }
    const vm = await deps.vms.describe(body.resourceGroup, body.vmName);
    if (vm === null) throw new FailbackError('FB-REQ-002', { kind: 'Azure VM', id: body.vmName });
    const failoverRecord = await recordOf(deps, body, existing?.value.failoverRecord);
    const item = newItem(id, { ...body, failoverRecord }, vm);
    if (existing === null) {
      await deps.stores.items.create(item);
      await noteSaved(deps, item, { caller, what: 'was taken under care' });
      return { ...(await answer(await find(deps, id), deps)), status: 201 };
    }
    const { activeJobId, name } = existing.value;
    if (activeJobId !== null) {
      throw new FailbackError('FB-REQ-003', { itemName: name, jobId: activeJobId });
    }
    const refusal = refuseStart('update', existing.value);
    if (refusal !== null) throw new FailbackError(refusal.code, refusal.values);
    const remembered = rememberedOf(existing.value, item.target);
    await deps.stores.items.replace({ ...item, ...remembered }, existing.etag);
    await noteSaved(deps, item, { caller, what: 'was described anew' });
    return answer(await find(deps, id), deps);
  },
});

/**
 * Lets a machine go. What there is of it stays where it is: VM, disks, replicas. The loop that replicates towards
 * Azure sees that the item is gone and ends.
 */
const deleteRoute = apiRoute({
  name: 'deleteProtectedItem',
  method: 'DELETE',
  path: 'protected-items/{id}',
  summary: 'Stops caring for a machine; nothing of it is deleted',
  role: 'committer',
  params: idParams,
  responses: { 204: { description: 'No longer under care.' } },
  hasETag: true,
  handle: async ({ request, params: { id }, caller: { name: caller } }, deps) => {
    const found = await find(deps, id);
    assertIfMatch(request, found);
    await letGo(deps, found);
    await noteSaved(deps, found.value, { caller, what: 'was let go' });
    return { status: 204 };
  },
});

/** Who is named first counts as the configuration server of the failover, at the address it has then. */
async function recordOf(
  { stores }: FunctionDeps,
  { failover, target }: PutProtectedItem,
  before: FailoverRecord | undefined,
): Promise<FailoverRecord> {
  const { configurationServer = before?.configurationServer ?? target.configurationServer } =
    failover;
  const isSame = configurationServer === before?.configurationServer;
  const known = isSame ? before.configurationServerAddress : undefined;
  const agents = await stores.agents.list();
  const registered = agents.find(
    ({ kind, name }) => kind === 'configurationServer' && name === configurationServer,
  );
  const { configurationServerAddress = known ?? registered?.address?.host } = failover;
  // Who leaves it out does not say that a machine which is to stay in Azure may come home after all.
  const { isMigrationCompleted = before?.isMigrationCompleted } = failover;
  return { ...failover, configurationServer, configurationServerAddress, isMigrationCompleted };
}

/** What earlier failbacks and rehearsals left, which no description tells. */
function rememberedOf(
  { target, onPremisesVmId, lastJobId, bootSeconds, changeBytesPerDay }: ProtectedItem,
  described: OnPremisesTarget,
): Partial<ProtectedItem> {
  return {
    ...(isSameVm(target, described) ? { onPremisesVmId } : {}),
    ...(lastJobId === undefined ? {} : { lastJobId }),
    ...(bootSeconds === undefined ? {} : { bootSeconds }),
    ...(changeBytesPerDay === undefined ? {} : { changeBytesPerDay }),
  };
}

/**
 * By its name alone another VM could be taken for the machine's own, and be written over. Who leaves the id out does
 * not say that it is another one.
 */
function isSameVm(before: OnPremisesTarget, described: OnPremisesTarget): boolean {
  const { configurationServer, vmName, vmId = before.vmId } = described;
  return (
    configurationServer === before.configurationServer &&
    vmName === before.vmName &&
    vmId === before.vmId
  );
}

function newItem(
  id: string,
  body: PutProtectedItem & { readonly failoverRecord: FailoverRecord },
  vm: AzureVmDescription,
): ProtectedItem {
  const { kind, datastore, masterTarget = AUTO, vmId, disks, ...target } = body.target;
  return {
    id,
    name: body.name,
    origin: body.origin,
    resourceGroup: body.resourceGroup,
    vmName: body.vmName,
    osType: vm.osType,
    target: {
      ...target,
      ...(kind === 'virtualMachine' ? {} : { kind }),
      ...(masterTarget === AUTO ? {} : { masterTarget }),
      ...(datastore === undefined ? {} : { datastore }),
      ...(vmId === undefined ? {} : { vmId }),
      ...(disks === undefined ? {} : { disks }),
    },
    phase: 'failedOver',
    activeJobId: null,
    base: {},
    disks: vm.disks,
    onPremisesVmId: null,
    lastRecoveryPointAt: null,
    isRehearsalEnabled: body.isRehearsalEnabled,
    ...(vm.vmId === null ? {} : { azureVmId: vm.vmId }),
    failoverRecord: body.failoverRecord,
    ...(body.rpoThresholdMinutes === undefined
      ? {}
      : { rpoThresholdMinutes: body.rpoThresholdMinutes }),
  };
}

async function find({ stores }: FunctionDeps, id: string): Promise<Versioned<ProtectedItem>> {
  const found = await stores.items.get(id);
  if (found === null) throw new FailbackError('FB-REQ-002', { kind: 'protected item', id });
  return found;
}

async function answer(
  { value, etag }: Versioned<ProtectedItem>,
  deps: FunctionDeps,
): Promise<Answer> {
  const view = await viewItem(deps, value);
  return { jsonBody: view, headers: { etag: etagOf(etag, view) } };
}

async function noteSaved(
  deps: FunctionDeps,
  { id: itemId, name }: ProtectedItem,
  { caller, what }: { readonly caller: string; readonly what: string },
): Promise<void> {
  await recordEvent(deps.stores, deps.newEventKey(), {
    kind: 'itemSaved',
    at: deps.clock.now().toISOString(),
    caller,
    itemId,
    message: `${name} ${what}`,
  });
}

export const PROTECTED_ITEM_ROUTES: readonly Route[] = [listRoute, getRoute, putRoute, deleteRoute];
