import { BlobServiceClient, type PageBlobClient } from '@azure/storage-blob';
import { FailbackError } from '../../errors/failback-error.ts';

/** A page blob with the client of its account, which can sign for it. */
export interface PageBlob {
  readonly service: BlobServiceClient;
  readonly container: string;
  readonly name: string;
  readonly client: PageBlobClient;
}

/**
 * Finds page blobs by their URL. With an account key only those of our own account; with an identity
 * those of every account on which it has a role.
 */
export class PageBlobs {
  readonly #own: BlobServiceClient;

  constructor(own: BlobServiceClient) {
    this.#own = own;
  }

  /** Throws FB-AZ-007 when the account is not ours to sign for. */
  at(url: string): PageBlob {
    const ownUrl = this.#own.url.replace(/\/$/, '');
    if (url.startsWith(`${ownUrl}/`)) return open(this.#own, url.slice(ownUrl.length + 1));
    const { credential } = this.#own;
    if (!('getToken' in credential)) throw new FailbackError('FB-AZ-007', { diskName: url });
    const { origin, pathname } = new URL(url);
    return open(new BlobServiceClient(origin, credential), pathname.slice(1));
  }
}

function open(service: BlobServiceClient, path: string): PageBlob {
  const slash = path.indexOf('/');
  const container = path.slice(0, slash);
  const name = decodeURIComponent(path.slice(slash + 1));
  const client = service.getContainerClient(container).getPageBlobClient(name);
  return { service, container, name, client };
}
