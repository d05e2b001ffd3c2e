import { findProgram, type Program } from '../../src/embedded/packaged-program.js';

/**
 * Finds a program of Prometheus' package: on PATH, or from Debian's archive.
 * @param folder where a copy of our own is kept
 * @throws Error that says how to get it
 */
export const findOfPrometheus = (
  name: 'prometheus' | 'promtool',
  folder: string,
): Promise<Program> =>
  findProgram(
    {
      names: [name],
      path: `usr/bin/${name}`,
      packages: ['prometheus'],
      missing: `There is no ${name} on PATH. Install Prometheus (apt or brew install prometheus)`,
    },
    folder,
    () => undefined,
  );
