/**
 * Loaded first (`node --import`) into processes that must not outlive the one that started them: when
 * the channel to it closes, because it was killed, this process stops as if told to.
 */
const DRAIN_WITHIN_MS = 12_000;

process.once('disconnect', () => {
  setTimeout(() => process.exit(1), DRAIN_WITHIN_MS).unref();
  process.kill(process.pid, 'SIGTERM');
});
process.channel?.unref(); // the channel alone is no reason to stay
