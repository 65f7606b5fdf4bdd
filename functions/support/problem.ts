import type { ProblemDetails } from '../../shared/contracts/http/problem.ts';
import type { ErrorCode } from '../../shared/errors/catalogue.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import type { Answer } from './route.ts';

/** A request with everything that is wrong in it, named by path. */
export class InvalidRequest extends FailbackError {
  readonly problems: readonly { readonly path: string; readonly message: string }[];

  constructor(issues: readonly { path: readonly PropertyKey[]; message: string }[]) {
    const problems = issues.map(({ path, message }) => ({ path: path.join('.'), message }));
    const text = problems.map(({ path, message }) => `${path || 'body'}: ${message}`).join('; ');
    super('FB-REQ-001', { problems: text });
    this.problems = problems;
  }
}

const STATUS_OF: Partial<Record<ErrorCode, number>> = {
  'FB-REQ-001': 400,
  'FB-REQ-002': 404,
  'FB-REQ-003': 409,
  'FB-REQ-004': 409,
  'FB-REQ-005': 409,
  'FB-REQ-006': 401,
  'FB-REQ-007': 409,
  'FB-REQ-008': 412,
  'FB-REQ-010': 409,
  'FB-REQ-020': 400,
  'FB-REQ-021': 403,
  'FB-REQ-022': 401,
  'FB-REQ-023': 422,
  'FB-REQ-024': 409,
  'FB-REQ-025': 412,
  'FB-REQ-026': 409,
  'FB-REQ-030': 409,
  'FB-REQ-031': 409,
  'FB-REQ-032': 409,
  'FB-REQ-033': 409,
  'FB-AZ-001': 502,
  'FB-AZ-002': 503,
  'FB-AZ-004': 409,
  'FB-AZ-006': 503,
  'FB-SRC-003': 409,
  'FB-SRC-004': 409,
  'FB-SRC-008': 409,
  'FB-ORC-010': 409,
  'FB-RCV-001': 409,
  'FB-RCV-002': 409,
  'FB-RCV-003': 400,
  'FB-RCV-004': 409,
  'FB-RCV-005': 409,
  'FB-RCV-009': 409,
  'FB-RCV-012': 409,
  'FB-RCV-015': 409,
  'FB-RCV-017': 400,
  'FB-RCV-018': 400,
};

/** The failure as a problem document (RFC 9457). */
export function problem(error: FailbackError): Answer {
  const record = error.toRecord();
  const status = STATUS_OF[error.code] ?? 500;
  const document: ProblemDetails = {
    type: `urn:azure-failback:${record.code}`,
    title: record.message,
    status,
    detail: record.message,
    code: record.code,
    possibleCauses: record.possibleCauses,
    recommendedAction: record.recommendedAction,
    values: record.values,
    ...(error instanceof InvalidRequest ? { problems: error.problems } : {}),
  };
  const headers = { 'content-type': 'application/problem+json' };
  return { status, headers, body: JSON.stringify(document) };
}
