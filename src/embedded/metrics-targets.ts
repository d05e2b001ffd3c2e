import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where the metrics of the processes of an instance are. */
export class MetricsTargets {
  private readonly targets: { targets: [string]; labels: { job: string } }[] = [];

  /** @param firstPort METRICS_PORT; null: the processes serve none */
  constructor(
    private readonly host: string,
    private readonly firstPort: number | null,
  ) {}

  /**
   * Gives a process the next port.
   * @param job as the service is called in containers, such as `web`
   * @returns its environment
   */
  add(job: string): NodeJS.ProcessEnv {
    if (this.firstPort === null) return {};
    const port = this.firstPort + this.targets.length;
    this.targets.push({ targets: [`${this.host}:${port}`], labels: { job } });
    return { METRICS_PORT: String(port) };
  }

  /** Writes them for Prometheus (`file_sd_configs`). */
  write(dataDir: string): void {
    if (this.firstPort === null) return;
    const file = join(dataDir, 'metrics-targets.json');
    writeFileSync(file, `${JSON.stringify(this.targets, null, 2)}\n`);
  }
}
