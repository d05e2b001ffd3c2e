import Joi from 'joi';

/** How a process tells of itself. */
export interface MetricsConfig {
  /** Where it serves its own metrics and health; null: nowhere. */
  readonly metricsPort: number | null;
  /** What was built into it. */
  readonly buildCommit: string;
}

/** After validation: defaults filled in, numbers read. */
export interface MetricsSettings {
  METRICS_PORT?: number;
  BUILD_COMMIT: string;
}

export const metricsSettings: Joi.StrictSchemaMap<MetricsSettings> = {
  METRICS_PORT: Joi.number().port().min(1),
  BUILD_COMMIT: Joi.string()
    .pattern(/^[\w.-]{1,64}$/)
    .default('unknown'),
};

export const metricsConfigOf = (value: MetricsSettings): MetricsConfig => ({
  metricsPort: value.METRICS_PORT ?? null,
  buildCommit: value.BUILD_COMMIT,
});
