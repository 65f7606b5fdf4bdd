import { randomUUID } from 'node:crypto';
import {
  createCredential,
  createStorageClients,
  type StorageClients,
} from '../../../shared/adapters/azure/clients.ts';
import type { Azurite } from '../../../local/azurite/start-azurite.ts';
import { Secret } from '../../../shared/domain/secret.ts';

/** The product's own clients for the lab's storage account. */
export function storageOf(azurite: Azurite, account = 'failback'): StorageClients {
  const connectionString = new Secret(azurite.connectionString(account));
  return createStorageClients({ kind: 'connectionString', connectionString }, createCredential());
}

/** A name that no other test has. */
export const unique = (prefix: string): string =>
  `${prefix}${randomUUID().replaceAll('-', '').slice(0, 12)}`;
