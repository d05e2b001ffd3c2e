/** Who may have an account (UC-01). */
export const ADULT_YEARS = 18;
/** Older than anybody ever was: a slip of the pen. */
export const OLDEST_YEARS = 120;

/**
 * Whole years of life, by the calendar: one more on each birthday, for those born on 29 February on
 * 1 March in other years.
 * @param birth `YYYY-MM-DD`
 * @param today `YYYY-MM-DD`
 * @returns negative when `birth` is after today
 */
export function ageOn(birth: string, today: string): number {
  const years = Number(today.slice(0, 4)) - Number(birth.slice(0, 4));
  return today.slice(4) < birth.slice(4) ? years - 1 : years;
}

/** What is wrong with a client's date of birth; null when nothing is. */
export function birthFault(birth: string, today: string): string | null {
  if (birth > today) return 'is in the future';
  const age = ageOn(birth, today);
  if (age < ADULT_YEARS) return `makes you younger than ${ADULT_YEARS} years`;
  return age > OLDEST_YEARS ? `is more than ${OLDEST_YEARS} years ago` : null;
}
