/** Median times (milliseconds) of two things done in turns, and the second as a multiple of the first. */
export async function compare(
  rounds: number,
  first: (round: number) => Promise<void>,
  second: (round: number) => Promise<void>,
): Promise<{ first: number; second: number; ratio: number }> {
  const times: [number[], number[]] = [[], []]
  const warmUp = Math.ceil(rounds / 10)
  for (let round = -warmUp; round < rounds; round++) {
    for (const [i, step] of [first, second].entries()) {
      const started = performance.now()
      await step(round + warmUp)
      if (round >= 0) times[i]?.push(performance.now() - started)
    }
  }
  const [a, b] = times.map(median) as [number, number]
  return { first: a, second: b, ratio: b / a }
}

export function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

/** Rows as text, columns aligned. */
export function table(rows: string[][]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return `${rows.map((row) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('   ')).join('\n')}\n`
}
