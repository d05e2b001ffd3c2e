/** What a kind of mail says: a subject, and paragraphs in the order in which they are read. */
export type Template = (
  data: Readonly<Record<string, string>>,
  secret: string | null,
) => { readonly subject: string; readonly paragraphs: readonly string[] };

/** A code and a token as a mail's one secret. */
export const codeSecret = ({ code, token }: { code: string; token: string }): string =>
  `${code} ${token}`;

/** The paragraphs that tell a code, and the link that does the same. */
export function codeParagraphs(
  { link }: Readonly<Record<string, string>>,
  secret: string | null,
): string[] {
  const [code, token] = (secret ?? '').split(' ');
  return [`Your code is ${code!}. Or open this page:`, `${link!}?token=${token!}`];
}

const ONCE = 'Code and link work once, and for';

/** @param time such as `24 hours` */
export const lifetime = (time: string): string => `${ONCE} ${time}.`;
