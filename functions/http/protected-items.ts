import {
  protectedItemIdSchema,
  type ProtectedItemView,
  type RecoveryPointView,
  type PutProtectedItem,
  putProtectedItemSchema,
} from '../../shared/contracts/http-api.ts';
import { stageOf } from '../../shared/domain/phases.ts';
import { directionOf, type ProtectedItem, rpoSeconds } from '../../shared/domain/protected-item.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import type { AzureVmDescription } from '../../shared/ports/azure.ts';
import type { FunctionDeps } from '../support/deps.ts';
import { type Handle, readBody, type Route, validate } from '../support/http.ts';

const list: Handle = async (_request, deps) => {
  const items = await deps.stores.items.list();
  return { jsonBody: { value: items.map((item) => viewItem(item, deps)) } };
};

const get: Handle = async (request, deps) => {
  const id = request.params['id'] ?? '';
  const found = await deps.stores.items.get(id);
  if (found === null) throw new FailbackError('FB-REQ-002', { kind: 'protected item', id });
  return { jsonBody: viewItem(found.value, deps), headers: { etag: found.etag } };
};

/** Takes a VM that runs in Azure under care; its disks are read from Azure. Again: reads them in anew. */
const put: Handle = async (request, deps) => {
  const id = validate(protectedItemIdSchema, request.params['id'], ['id']);
  const body = await readBody(request, putProtectedItemSchema);
  const vm = await deps.vms.describe(body.resourceGroup, body.vmName);
  if (vm === null) throw new FailbackError('FB-REQ-002', { kind: 'Azure VM', id: body.vmName });
  const existing = await deps.stores.items.get(id);
  if (existing === null) {
    const item = newItem(id, body, vm);
    await deps.stores.items.create(item);
    return { status: 201, jsonBody: viewItem(item, deps) };
  }
  const { phase, activeJobId, name } = existing.value;
  if (activeJobId !== null) {
    throw new FailbackError('FB-REQ-003', { itemName: name, jobId: activeJobId });
  }
  if (phase !== 'failedOver') {
    throw new FailbackError('FB-REQ-005', { itemName: name, stage: stageOf(phase) });
  }
  const item = newItem(id, body, vm);
  await deps.stores.items.replace(item, existing.etag);
  return { jsonBody: viewItem(item, deps) };
};

function newItem(id: string, body: PutProtectedItem, vm: AzureVmDescription): ProtectedItem {
  const { networks, ...target } = body.target;
  return {
    id,
    name: body.name,
    origin: body.origin,
    resourceGroup: body.resourceGroup,
    vmName: body.vmName,
    osType: vm.osType,
    target: {
      ...target,
      networks: networks.map(({ name, staticIpAddress }) => ({
        name,
        ...(staticIpAddress === undefined ? {} : { staticIpAddress }),
      })),
    },
    phase: 'failedOver',
    activeJobId: null,
    base: {},
    disks: vm.disks,
    onPremisesVmId: null,
    lastRecoveryPointAt: null,
    isRehearsalEnabled: body.isRehearsalEnabled,
  };
}

/** Newest first. */
const listRecoveryPoints: Handle = async (request, { stores, clock }) => {
  const id = request.params['id'] ?? '';
  const found = await stores.items.get(id);
  if (found === null) throw new FailbackError('FB-REQ-002', { kind: 'protected item', id });
  const now = clock.now().getTime();
  const value: RecoveryPointView[] = (found.value.recoveryPoints ?? [])
    .toReversed()
    .map((point) => ({
      ...point,
      expectedDataLossSeconds: Math.max(0, (now - Date.parse(point.takenAt)) / 1000),
    }));
  return { jsonBody: { value } };
};

function viewItem(item: ProtectedItem, { clock }: FunctionDeps): ProtectedItemView {
  return {
    id: item.id,
    name: item.name,
    phase: item.phase,
    stage: stageOf(item.phase),
    direction: directionOf(item.phase),
    osType: item.osType,
    vmName: item.vmName,
    resourceGroup: item.resourceGroup,
    disks: item.disks.map((disk) => ({ ...disk })),
    rpoSeconds: rpoSeconds(item, clock.now()),
    activeJobId: item.activeJobId,
    onPremisesVmId: item.onPremisesVmId,
  };
}

export const PROTECTED_ITEM_ROUTES: readonly Route[] = [
  {
    name: 'listProtectedItems',
    method: 'GET',
    route: 'protected-items',
    authLevel: 'function',
    handle: list,
  },
  {
    name: 'getProtectedItem',
    method: 'GET',
    route: 'protected-items/{id}',
    authLevel: 'function',
    handle: get,
  },
  {
    name: 'listRecoveryPoints',
    method: 'GET',
    route: 'protected-items/{id}/recovery-points',
    authLevel: 'function',
    handle: listRecoveryPoints,
  },
  {
    name: 'putProtectedItem',
    method: 'PUT',
    route: 'protected-items/{id}',
    authLevel: 'function',
    handle: put,
  },
];
