/** The options of all commands; each takes what concerns it. */
export interface Options {
  readonly stack?: string;
  readonly engine?: boolean;
  readonly refresh?: boolean;
  readonly build?: boolean;
  readonly delete?: boolean;
  readonly json?: boolean;
  readonly only?: string;
  readonly images?: string;
  readonly repeat?: string;
  readonly write?: boolean;
  /** What is given without a name. */
  readonly args?: readonly string[];
}
