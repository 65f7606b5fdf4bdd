import { QueueClient } from '@azure/storage-queue';
import { AnonymousCredential, BlobSASPermissions, PageBlobClient } from '@azure/storage-blob';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Azurite, startAzurite } from '../../../local/azurite/start-azurite.ts';
import { queueName, StorageAgentQueues } from '../../../shared/adapters/azure/agent-queues.ts';
import {
  createCredential,
  createStorageClients,
  type StorageClients,
} from '../../../shared/adapters/azure/clients.ts';
import { blobSas } from '../../../shared/adapters/azure/sas.ts';
import { queueMessageSchema } from '../../../shared/contracts/agent-protocol.ts';
import { storageOf, unique } from '../../support/control-plane/azure-storage.ts';
import { must } from '../../support/must.ts';

const MINUTE_MS = 60_000;
const now = (): Date => new Date();

let azurite: Azurite;
let storage: StorageClients;
beforeAll(async () => {
  azurite = await startAzurite({
    ports: { blob: 0, queue: 0, table: 0 },
    accounts: [{ name: 'failback', keyBase64: Buffer.from('a key').toString('base64') }],
    managedDiskAccounts: [],
  });
  storage = storageOf(azurite);
});
afterAll(async () => azurite.stop());

const status = async (attempt: Promise<unknown>): Promise<number | 'done'> =>
  attempt.then(
    () => 'done',
    (error: { statusCode?: number }) => error.statusCode ?? 0,
  );

describe("the queue of an agent's commands", () => {
  const queues = (clock = { now }): StorageAgentQueues =>
    new StorageAgentQueues(storage.queues, clock);

  it('gives its owner what was sent, in the form both sides agreed on', async () => {
    const agent = unique('ps-');
    const { url } = await queues().grantReceive(agent);
    await queues().send(agent, 'job-1.stopVm');
    const owner = new QueueClient(url.reveal());
    const { receivedMessageItems } = await owner.receiveMessages();
    const text = Buffer.from(receivedMessageItems[0]?.messageText ?? '', 'base64').toString();
    expect(queueMessageSchema.parse(JSON.parse(text))).toEqual({ commandId: 'job-1.stopVm' });
  });

  it('takes commands before its owner has come', async () => {
    const agent = unique('ps-');
    await queues().send(agent, 'job-1.stopVm');
    const { url } = await queues().grantReceive(agent);
    expect(
      (await new QueueClient(url.reveal()).receiveMessages()).receivedMessageItems,
    ).toHaveLength(1);
  });

  it('keeps a command until its owner comes, however late', async () => {
    const agent = unique('ps-');
    await queues().send(agent, 'job-1.stopVm');
    const [message] = (await storage.queues.getQueueClient(queueName(agent)).peekMessages())
      .peekedMessageItems;
    expect(message?.expiresOn.getFullYear()).toBeGreaterThan(9000);
  });

  it('lets its owner receive, renew and delete, and nothing else', async () => {
    const agent = unique('ps-');
    const { url } = await queues().grantReceive(agent);
    await queues().send(agent, 'job-1.stopVm');
    const owner = new QueueClient(url.reveal());
    const [message] = (await owner.receiveMessages()).receivedMessageItems;
    const { messageId, popReceipt } = must(message, 'a message in the queue');
    const renewed = await owner.updateMessage(messageId, popReceipt, undefined, 60);
    expect(await status(owner.sendMessage('x'))).toBe(403);
    expect(await status(owner.clearMessages())).toBe(403);
    expect(await status(owner.delete())).toBe(403);
    expect(await status(owner.deleteMessage(messageId, renewed.popReceipt ?? ''))).toBe('done');
  });

  it('is not that of another agent', async () => {
    const { url } = await queues().grantReceive(unique('ps-'));
    const other = unique('ps-');
    await queues().send(other, 'job-1.stopVm');
    const elsewhere = new URL(url.reveal());
    elsewhere.pathname = `/failback/${queueName(other)}`;
    expect(await status(new QueueClient(elsewhere.href).receiveMessages())).toBe(403);
  });

  it('is closed to a URL that is out of date, and tells when that will be', async () => {
    const past = new Date(Date.now() - 25 * 60 * MINUTE_MS);
    const agent = unique('ps-');
    const old = await queues({ now: () => past }).grantReceive(agent);
    expect(old.expiresAt.getTime()).toBeLessThan(Date.now());
    expect(await status(new QueueClient(old.url.reveal()).receiveMessages())).toBe(403);
    const fresh = await queues().grantReceive(agent);
    expect(fresh.expiresAt.getTime()).toBeGreaterThan(Date.now() + 60 * MINUTE_MS);
    expect(await status(new QueueClient(fresh.url.reveal()).receiveMessages())).toBe('done');
  });

  it('has a URL that nobody prints by accident', async () => {
    const grant = await queues().grantReceive(unique('ps-'));
    expect(JSON.stringify(grant)).not.toContain('sig=');
    expect(String(grant.url)).not.toContain('sig=');
  });

  it('cannot be opened without the key of the account, and says which setting to change', async () => {
    const settings = {
      kind: 'identity',
      accountName: 'failback',
      endpointSuffix: 'invalid',
    } as const;
    const identity = createStorageClients(settings, createCredential());
    const attempt = new StorageAgentQueues(identity.queues, { now }).grantReceive('ps-1');
    await expect(attempt).rejects.toMatchObject({
      code: 'FB-AZ-001',
      message: expect.stringContaining('connection string'),
    });
  });
});

describe('a SAS for one blob', () => {
  async function aBlob(): Promise<{ container: string; blob: string; client: PageBlobClient }> {
    const [container, blob] = [unique('c'), 'web-01/os.vhd'];
    const containerClient = storage.blobs.getContainerClient(container);
    await containerClient.create();
    const client = containerClient.getPageBlobClient(blob);
    await client.create(512);
    return { container, blob, client };
  }
  const times = (fromMinutes: number, toMinutes: number) => ({
    startsAt: new Date(Date.now() + fromMinutes * MINUTE_MS),
    expiresAt: new Date(Date.now() + toMinutes * MINUTE_MS),
  });
  const open = (url: string): PageBlobClient =>
    new PageBlobClient(url, new AnonymousCredential(), { retryOptions: { maxTries: 1 } });

  it('reads when it is for reading, and does not write or delete', async () => {
    const { container, blob } = await aBlob();
    const permissions = BlobSASPermissions.parse('r');
    const request = { container, blob, permissions, ...times(-5, 5) };
    const reader = open(await blobSas(storage.blobs, request));
    expect(await reader.downloadToBuffer(0, 512)).toHaveLength(512);
    expect(await status(reader.uploadPages(Buffer.alloc(512), 0, 512))).toBe(403);
    expect(await status(reader.delete())).toBe(403);
  });

  it('is for that blob only', async () => {
    const { container, blob } = await aBlob();
    const permissions = BlobSASPermissions.parse('r');
    const request = { container, blob, permissions, ...times(-5, 5) };
    const url = new URL(await blobSas(storage.blobs, request));
    await storage.blobs.getContainerClient(container).getPageBlobClient('other').create(512);
    url.pathname = `/failback/${container}/other`;
    expect(await status(open(url.href).getProperties())).toBe(403);
  });

  it.each([
    ['before it begins', 5, 10],
    ['after it has ended', -10, -5],
  ])('does not hold %s', async (_name, fromMinutes, toMinutes) => {
    const { container, blob } = await aBlob();
    const permissions = BlobSASPermissions.parse('r');
    const request = { container, blob, permissions, ...times(fromMinutes, toMinutes) };
    const attempt = open(await blobSas(storage.blobs, request)).getProperties();
    expect(await status(attempt)).toBe(403);
  });

  it('leads to HTTPS where the account is a real one', async () => {
    const connectionString = `DefaultEndpointsProtocol=https;AccountName=real;AccountKey=${Buffer.from('k').toString('base64')};EndpointSuffix=core.windows.net`;
    const { Secret } = await import('../../../shared/domain/secret.ts');
    const settings = {
      kind: 'connectionString',
      connectionString: new Secret(connectionString),
    } as const;
    const { blobs } = createStorageClients(settings, createCredential());
    const permissions = BlobSASPermissions.parse('r');
    const url = await blobSas(blobs, { container: 'c', blob: 'b', permissions, ...times(-5, 5) });
    expect(url).toMatch(/^https:\/\/real\.blob\.core\.windows\.net\/c\/b\?/);
  });
});
