import type { DataAccess } from '../../shared/contracts/agent-protocol.ts';

/** Access that ends sooner is renewed before it is used. */
const MIN_LEFT_MS = 5 * 60_000;

/**
 * The present access to one snapshot. It outlives the attempts of a transfer: while the line is down, nobody
 * has to ask Azure for a new SAS every few seconds.
 */
export class SourceAccess {
  readonly #ask: () => Promise<DataAccess>;
  #current: DataAccess | undefined;
  #renewal: Promise<DataAccess> | undefined;
  /** The snapshot was found to be what the transfer was told. It never changes. */
  isChecked = false;

  constructor(ask: () => Promise<DataAccess>) {
    this.#ask = ask;
  }

  /** What was given last, however old; `undefined` before the first time. */
  get latest(): DataAccess | undefined {
    return this.#current;
  }

  /** Access that is good for a while yet. */
  async current(): Promise<DataAccess> {
    const access = this.#current;
    const isGood = access !== undefined && Date.parse(access.expiresAt) - Date.now() > MIN_LEFT_MS;
    return isGood ? access : this.#renewed();
  }

  /** After `refused` was refused. Of many that were refused together the first one asks; later ones find it done. */
  async replace(refused: DataAccess): Promise<void> {
    if (this.#current === refused) await this.#renewed();
  }

  /** One question to the control plane, however many wait for its answer. */
  async #renewed(): Promise<DataAccess> {
    this.#renewal ??= this.#ask()
      .then((access) => {
        this.#current = access;
        return access;
      })
      .finally(() => {
        this.#renewal = undefined;
      });
    return this.#renewal;
  }
}
