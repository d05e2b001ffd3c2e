/** A database server that belongs to this instance. */
export interface EmbeddedServer {
  readonly url: string;
  /** The running server's process number; null while it is being started again. */
  readonly pid: number | null;
  /** Stops it in order; its data stays. */
  stop(): Promise<void>;
}

export interface EmbeddedOptions {
  /** Home of the data, kept from run to run. */
  readonly dataDir: string;
  /** TCP port on 127.0.0.1; a free one by default. */
  readonly port?: number;
  /** Told of what a person should know, such as a restart after a crash. */
  readonly notice?: (text: string) => void;
  /** Of Postgres, in place of ours: names and values as `postgres -c` takes them. */
  readonly settings?: Readonly<Record<string, string>>;
}
