export interface Generations {
  even: number
  odd: number
}

/**
 * Two secrets take turns, one quarter each: on a change of quarter only the one that is not in use is made anew.
 * Whoever deploys at least once in two quarters never has a moment in which CloudFront and the app know no common one.
 */
export function generations(now: Date): Generations {
  const quarter = now.getUTCFullYear() * 4 + Math.floor(now.getUTCMonth() / 3)
  return quarter % 2 ? { even: quarter - 1, odd: quarter } : { even: quarter, odd: quarter - 1 }
}

export const currentSecret = ({ even, odd }: Generations): keyof Generations => (even > odd ? 'even' : 'odd')
