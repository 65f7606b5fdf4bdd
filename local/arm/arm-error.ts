/** An error as Azure Resource Manager answers it: `{error: {code, message}}`. */
export class ArmError extends Error {
  override readonly name = 'ArmError';
  readonly status: number;
  readonly code: string;
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, code: string, message: string, retryAfterSeconds?: number) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

export function notFound(kind: string, name: string): ArmError {
  return new ArmError(404, 'ResourceNotFound', `The Resource '${kind}/${name}' was not found.`);
}
