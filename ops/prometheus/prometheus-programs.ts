import { join } from 'node:path';
import { findProgram, type Program } from '../../src/embedded/packaged-program.js';

/** By program: the names that it has on PATH, its path in Debian's package, and the package. */
const PROGRAMS = {
  prometheus: { names: ['prometheus'], path: 'usr/bin/prometheus', package: 'prometheus' },
  promtool: { names: ['promtool'], path: 'usr/bin/promtool', package: 'prometheus' },
  alertmanager: {
    names: ['alertmanager', 'prometheus-alertmanager'],
    path: 'usr/bin/prometheus-alertmanager',
    package: 'prometheus-alertmanager',
  },
  amtool: { names: ['amtool'], path: 'usr/bin/amtool', package: 'prometheus-alertmanager' },
} as const;

/**
 * Finds a program of Prometheus' packages: on PATH, or from Debian's archive.
 * @param folder where a copy of our own is kept
 * @throws Error that says how to get it
 */
export const findOfPrometheus = (name: keyof typeof PROGRAMS, folder: string): Promise<Program> =>
  findProgram(
    {
      names: PROGRAMS[name].names,
      path: PROGRAMS[name].path,
      packages: [PROGRAMS[name].package],
      missing: `There is no ${name} on PATH. Install it (apt install ${PROGRAMS[name].package})`,
    },
    join(folder, PROGRAMS[name].package),
    () => undefined,
  );
