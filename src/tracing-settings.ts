import Joi from 'joi';

/** Where traces go, and how many of them. */
export interface TracingConfig {
  readonly tracing: {
    readonly exporter: 'off' | 'otlp';
    /** The part of the requests that begin a trace here, 0 to 1. A caller's own decision comes before it. */
    readonly sampleRatio: number;
    /** Of the receiver, without a slash at its end and without `/v1/traces`. */
    readonly endpoint: string;
  };
}

/** After validation: defaults filled in, numbers read. */
export interface TracingSettings {
  TRACING: 'off' | 'otlp';
  TRACING_SAMPLE_RATIO: number;
  OTEL_EXPORTER_OTLP_ENDPOINT: string;
}

export const tracingSettings: Joi.StrictSchemaMap<TracingSettings> = {
  TRACING: Joi.string().valid('off', 'otlp').default('off'),
  TRACING_SAMPLE_RATIO: Joi.number().min(0).max(1).default(0.01),
  OTEL_EXPORTER_OTLP_ENDPOINT: Joi.string()
    .uri({ scheme: ['http', 'https'] })
    .default('http://127.0.0.1:4318'),
};

export const tracingConfigOf = (value: TracingSettings): TracingConfig => ({
  tracing: {
    exporter: value.TRACING,
    sampleRatio: value.TRACING_SAMPLE_RATIO,
    endpoint: value.OTEL_EXPORTER_OTLP_ENDPOINT.replace(/\/+$/, ''),
  },
});
