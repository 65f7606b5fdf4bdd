import { afterAll, beforeAll } from '@jest/globals';
import { must } from '../must.ts';
import { type LabStorage, type SourceKind, startLabStorage } from './lab-disk.ts';
import { type LabSite, type SiteOptions, startLabSite } from './lab-site.ts';

interface LabOptions extends SiteOptions {
  readonly kind?: SourceKind;
  /** Ends what still uses the site's folder. */
  readonly beforeStop?: () => void;
}

/** There from the first `beforeAll` of those who use it to the last `afterAll`. */
export interface Lab {
  readonly storage: LabStorage;
  readonly site: LabSite;
}

/** Storage in Azure and a site at home for all tests of a file or of a `describe`; to be called in its first line. */
export function useLab({ kind, beforeStop, ...siteOptions }: LabOptions = {}): Lab {
  let storage: LabStorage | undefined;
  let site: LabSite | undefined;
  beforeAll(async () => {
    storage = await startLabStorage(kind);
    site = await startLabSite(siteOptions);
  });
  afterAll(async () => {
    try {
      beforeStop?.();
      await site?.stop();
    } finally {
      await storage?.stop();
    }
  });
  return {
    get storage() {
      return must(storage, 'the storage of the lab');
    },
    get site() {
      return must(site, 'the site of the lab');
    },
  };
}
