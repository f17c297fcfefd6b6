/** Times as people say them; the browser has the other words. */
export const enTime = {
  language: 'en',
  /** dates with the day before the month */
  dates: 'en-GB',
  soon: 'in less than a minute',
  now: 'just now',
}
