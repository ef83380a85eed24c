/**
 * Does a full archive answer as fast as a small one, how fast is filing, how much memory does it take.
 *
 * Both archives are measured in turns within one run, so that what else the machine does weighs on both alike.
 * `npm run bench -- --small` uses a tenth of the documents, to see that the benchmark still runs.
 */
import { parseArgs } from 'node:util'
import { fillArchive, openBenchArchive } from './archive.ts'
import { measureFiling } from './filing.ts'
import { compare, table } from './measure.ts'

const { values } = parseArgs({ options: { small: { type: 'boolean', default: false } } })
const LARGE = values.small ? { documents: 10_000, customers: 100 } : { documents: 100_000, customers: 1_000 }
const SMALL = { documents: 1_000, customers: 10 }
const BAR = 1.3

const few = await openBenchArchive()
const many = await openBenchArchive()
try {
  const started = performance.now()
  const small = await fillArchive(few, SMALL)
  const large = await fillArchive(many, LARGE)
  const count = (n: number) => n.toLocaleString('en')
  console.log(`Filled in ${((performance.now() - started) / 1000).toFixed(1)} s, rows through Table.transact\n`)

  const rounds = 300
  const rows = []
  for (const [name, path] of [
    ['open customer file', (folder: { customer: string }) => `/customers/${folder.customer}/folders`],
    [
      'list folder of 200',
      ({ customer, folder }: { customer: string; folder: string }) =>
        `/customers/${customer}/documents?folder=${folder}&limit=200`,
    ],
  ] as const) {
    const result = await compare(
      rounds,
      (i) => few.get(path(small[i % small.length] ?? fail())),
      (i) => many.get(path(large[i % large.length] ?? fail())),
    )
    rows.push([
      name,
      ms(result.first),
      ms(result.second),
      result.ratio.toFixed(2),
      result.ratio < BAR ? 'met' : 'MISSED',
    ])
  }
  const head = [
    'median of 300',
    `${count(SMALL.documents)} documents`,
    `${count(LARGE.documents)} documents`,
    'ratio',
    `bar < ${BAR}`,
  ]
  console.log(table([head, ...rows]))

  const filing = await measureFiling(many, { documents: values.small ? 100 : 1000, bytes: 50_000, atOnce: 4 })
  globalThis.gc?.()
  const rss = process.memoryUsage().rss / 1024 ** 2
  console.log(
    table([
      ['filing, 50 kB each, 4 at once', `${filing.perSecond.toFixed(0)} documents/s`],
      ['resident memory, both archives', `${rss.toFixed(0)} MiB`],
    ]),
  )
} finally {
  await few.close()
  await many.close()
}

function ms(milliseconds: number): string {
  return `${milliseconds.toFixed(2)} ms`
}

function fail(): never {
  throw new Error('The archive has no folder to measure')
}
