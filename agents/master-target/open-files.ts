interface Closable {
  close(): Promise<void>;
}

/** Files that are closed together, also when not all of them could be opened: work that waits for space begins often. */
export class OpenFiles {
  readonly #files: Closable[] = [];

  async add<T extends Closable>(opening: Promise<T>): Promise<T> {
    const file = await opening;
    this.#files.push(file);
    return file;
  }

  async close(): Promise<void> {
    await Promise.all(this.#files.map(async (file) => file.close()));
  }
}
