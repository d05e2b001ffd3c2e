import type { Job, Worker } from 'bullmq';
import type { Logger } from '../src/log.js';
import { jobDuration, jobsStalled, jobWait } from '../src/metrics.js';

/** Metrics and log lines of one queue's jobs: wait, run, failures, stalls. */
export function observeWorker(worker: Worker, log: Logger): void {
  const queue = worker.name;
  // From the start, or nothing would have increased at the first one.
  for (const status of ['completed', 'failed']) jobDuration.zero({ queue, status });
  jobsStalled.inc({ queue }, 0);
  const finished = (job: Job, status: 'completed' | 'failed') => {
    if (!job.processedOn) return;
    jobWait.observe({ queue }, Math.max(0, job.processedOn - job.timestamp - job.delay) / 1_000);
    jobDuration.observe({ queue, status }, (Date.now() - job.processedOn) / 1_000);
  };
  worker.on('completed', (job) => finished(job, 'completed'));
  worker.on('failed', (job, error) => {
    if (job) finished(job, 'failed');
    log.warn('job failed', { queue, job_id: job?.id, error });
  });
  worker.on('stalled', (jobId) => {
    jobsStalled.inc({ queue });
    log.warn('job stalled and runs again', { queue, job_id: jobId });
  });
  worker.on('lockRenewalFailed', (jobIds) => {
    log.warn('lost the lock of a running job', { queue, job_ids: jobIds });
  });
  worker.on('error', () => undefined); // connection errors are logged by the connection
}
