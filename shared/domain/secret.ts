/** Stands where a secret stood. */
export const REDACTED = '[secret]';

/**
 * A value that must never be printed: SAS URL, key, passphrase.
 * Every implicit way out (template strings, JSON, inspect) gives a mask; only `reveal()` gives the value.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** Call this only where the value leaves for the peer it is meant for. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return REDACTED;
  }
}

/** Also as they look inside XML (`&amp;`) or inside another URL (`%26sig%3D`). */
const SECRET_QUERY_PARAMETERS =
  /((?:[?&;]|%3F|%26)(?:sig|code|skoid|sktid|key|token)(?:=|%3D))[^&\s"']+/gi;
const SECRET_FIELDS =
  /((?:authorization|x-functions-key|x-identity-header|x-registration-token|agentKey|registrationToken|passphrase|accountKey|privateKey)["']?\s*[:=]\s*["']?)[^\s"',}]+(?: [^\s"',}]+)?/gi;
const BEARER_TOKENS = /(\bBearer\s+)[\w.~+/=-]+/gi;
const SECRET_CONNECTION_PARTS = /((?:AccountKey|SharedAccessSignature|Password)=)[^;\s"']+/gi;

/** Masks what looks like a secret in a text that came from a library and goes to a log or an error. */
export function redact(text: string): string {
  return text
    .replaceAll(SECRET_QUERY_PARAMETERS, `$1${REDACTED}`)
    .replaceAll(SECRET_FIELDS, `$1${REDACTED}`)
    .replaceAll(BEARER_TOKENS, `$1${REDACTED}`)
    .replaceAll(SECRET_CONNECTION_PARTS, `$1${REDACTED}`);
}
