/** What is used of saxes; its own declarations do not compile when libraries are checked (`skipLibCheck` is off). */
export interface SaxesTag {
  readonly name: string;
}

export declare class SaxesParser {
  constructor(options?: { readonly position?: boolean });
  on(event: 'error', handler: (error: Error) => void): void;
  on(event: 'opentag' | 'closetag', handler: (tag: SaxesTag) => void): void;
  on(event: 'text', handler: (text: string) => void): void;
  /** Emits what the text holds; never throws by itself. */
  write(text: string): this;
  /** The end of the document. */
  close(): this;
}
