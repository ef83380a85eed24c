/** Do something with every item, a few at a time, until the signal is aborted. @returns how many were begun */
export async function inParallel<T>(
  items: readonly T[],
  width: number,
  step: (item: T) => Promise<void>,
  signal?: AbortSignal,
): Promise<number> {
  let begun = 0
  const rest = items.values()
  await Promise.all(
    Array.from({ length: width }, async () => {
      while (!signal?.aborted) {
        const { done, value } = rest.next()
        if (done) return
        begun += 1
        await step(value)
      }
    }),
  )
  return begun
}
