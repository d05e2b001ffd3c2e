const FIELD = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/y;

/** Reads CSV as RFC 4180 has it: rows by the names in the first one. */
export function readCsv(text: string): Record<string, string>[] {
  const rows: string[][] = [[]];
  FIELD.lastIndex = 0;
  while (FIELD.lastIndex < text.length) {
    const at = FIELD.lastIndex;
    const [, quoted, plain, end] = FIELD.exec(text) ?? [];
    if (end === undefined) throw new Error(`not CSV: ${text.slice(at, at + 40)}`);
    rows.at(-1)!.push(quoted?.replaceAll('""', '"') ?? plain ?? '');
    if (end !== ',') rows.push([]);
  }
  const [names, ...others] = rows.filter((row) => row.length > 0);
  return others.map((row) => {
    if (row.length !== names!.length) throw new Error(`a row of ${row.length}: ${row.join()}`);
    return Object.fromEntries(names!.map((name, index) => [name, row[index]!]));
  });
}
