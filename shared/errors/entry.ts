/** What a person is told about one kind of failure. The fields follow Site Recovery's HealthError. */
export interface CatalogueEntry {
  readonly severity: 'warning' | 'critical';
  readonly category:
    | 'azure'
    | 'site'
    | 'dataPlane'
    | 'agent'
    | 'request'
    | 'preflight'
    | 'orchestration'
    | 'health'
    | 'recovery';
  /** One sentence; `{name}` is replaced by the value of that name. */
  readonly message: string;
  readonly possibleCauses: readonly string[];
  readonly recommendedAction: string;
  /** True when the same call may succeed later without anybody changing anything. */
  readonly isRetryable: boolean;
  /** False when only the makers of this software can help. */
  readonly isCustomerResolvable: boolean;
}

export type Catalogue = Readonly<Record<string, CatalogueEntry>>;
