import {
  type BlobSASPermissions,
  type BlobServiceClient,
  generateBlobSASQueryParameters,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';

interface SasRequest {
  readonly container: string;
  readonly blob: string;
  /** Signs for this snapshot only; absent: for the blob itself. */
  readonly snapshot?: string;
  readonly permissions: BlobSASPermissions;
  readonly startsAt: Date;
  readonly expiresAt: Date;
}

/** A SAS URL for one blob: signed with the account key, or with a user delegation key under an identity. */
export async function blobSas(service: BlobServiceClient, request: SasRequest): Promise<string> {
  const { container, blob, snapshot, permissions, startsAt, expiresAt } = request;
  const values = {
    containerName: container,
    blobName: blob,
    ...(snapshot === undefined ? {} : { snapshotTime: snapshot }),
    permissions,
    startsOn: startsAt,
    expiresOn: expiresAt,
  };
  const { credential } = service;
  const query =
    credential instanceof StorageSharedKeyCredential
      ? generateBlobSASQueryParameters(values, credential)
      : generateBlobSASQueryParameters(
          values,
          await service.getUserDelegationKey(startsAt, expiresAt),
          service.accountName,
        );
  const client = service.getContainerClient(container).getBlobClient(blob);
  if (snapshot === undefined) return `${client.url}?${query.toString()}`;
  return `${client.withSnapshot(snapshot).url}&${query.toString()}`;
}
