import { CATALOGUE, type ErrorCode } from './catalogue.ts';
import type { CatalogueEntry } from './entry.ts';

export type ErrorValues = Readonly<Record<string, string | number | boolean>>;

/** The form in which an error is stored, sent between programs and shown to people. Plain JSON. */
export interface ErrorRecord {
  readonly code: ErrorCode;
  readonly severity: CatalogueEntry['severity'];
  readonly category: CatalogueEntry['category'];
  readonly message: string;
  readonly possibleCauses: readonly string[];
  readonly recommendedAction: string;
  readonly isRetryable: boolean;
  readonly isCustomerResolvable: boolean;
  readonly values: ErrorValues;
}

/** The only error our own code throws, apart from broken invariants. `values` never hold secrets. */
export class FailbackError extends Error {
  override readonly name = 'FailbackError';
  readonly code: ErrorCode;
  readonly values: ErrorValues;

  constructor(code: ErrorCode, values: ErrorValues = {}, options?: { cause?: unknown }) {
    super(`${code}: ${renderMessage(code, values)}`, options);
    this.code = code;
    this.values = values;
  }

  get isRetryable(): boolean {
    return CATALOGUE[this.code].isRetryable;
  }

  toRecord(): ErrorRecord {
    return errorRecord(this.code, this.values);
  }
}

/** Builds the record without throwing: permanent failures travel as values. */
export function errorRecord(code: ErrorCode, values: ErrorValues = {}): ErrorRecord {
  const entry: CatalogueEntry = CATALOGUE[code];
  return {
    code,
    severity: entry.severity,
    category: entry.category,
    message: renderMessage(code, values),
    possibleCauses: entry.possibleCauses,
    recommendedAction: render(entry.recommendedAction, values),
    isRetryable: entry.isRetryable,
    isCustomerResolvable: entry.isCustomerResolvable,
    values,
  };
}

function renderMessage(code: ErrorCode, values: ErrorValues): string {
  return render(CATALOGUE[code].message, values);
}

function render(template: string, values: ErrorValues): string {
  return template.replaceAll(/\{(\w+)\}/g, (whole, name: string) =>
    Object.hasOwn(values, name) ? String(values[name]) : whole,
  );
}
