import { table } from '../measure.ts'
import type { Measured, Operations } from './operations.ts'

const STOCKS = [1_000, 100_000, 10_000_000]

/** How an archive is used. Assumed: put your own here. Months have 30 days. */
const USE = {
  /** Documents filed a month, as a share of the stock: a stock of five and a half years. */
  filed: 0.015,
  /** Versions of a document. */
  versions: 1.1,
  /** Bytes of a version. */
  size: 400_000,
  /** Documents opened by staff a month, as a share of the stock; before each, a file is opened and a folder listed. */
  opened: 0.05,
  /** Visits of contacts a month, as a share of the stock; each signs in, sees the home page and downloads one document. */
  visits: 0.01,
  /** Time a request takes in `web`, and a job or a run in the others, seconds. */
  webSeconds: 0.1,
  jobSeconds: 0.3,
  /** Bytes of an answer, and of its lines in the log. */
  answer: 30_000,
  log: 1_000,
} as const

/** List prices in eu-central-1 in US dollars, without free tiers, discounts and tax. See docs/cost.md on their source. */
const PRICE = {
  writeUnits: 0.7625 / 1e6,
  readUnits: 0.1525 / 1e6,
  tableGb: 0.306,
  pitrGb: 0.2448,
  backupGb: 0.1224,
  s3: { standardGb: 0.0245, infrequentGb: 0.0135, glacierGb: 0.005 },
  s3Writes: 0.0054 / 1000,
  s3Reads: 0.00043 / 1000,
  transitions: { infrequent: 0.01 / 1000, glacier: 0.02 / 1000 },
  retrieval: { infrequentGb: 0.01, glacierGb: 0.03 },
  s3OutGb: 0.09,
  edgeOutGb: 0.085,
  edgeRequests: 0.012 / 10_000,
  lambdaRequests: 0.2 / 1e6,
  lambdaGbSeconds: 0.0000133334,
  mails: 0.1 / 1000,
  logGb: 0.63,
  traces: 5 / 1e6,
  alarm: 0.1,
  key: 1,
} as const

/** As infra/ has them. */
const DEPLOYED = {
  backups: 35,
  alarms: 16,
  keys: 2,
  webGb: 1.769,
  jobGb: 0.5,
  runsOfSchedule: 12 * 24 * 30,
  sweeps: 30,
}
/** Every write is a transaction: AWS charges twice what DynamoDB Local reports. */
const TRANSACTION = 2
/** Of the requests, how many Lambda's tracing samples. */
const SAMPLED = 0.05
const GB = 1e9

/** The monthly bill that follows from what was measured, as a table. */
export function bill(operations: Operations): string {
  const bills = STOCKS.map((stock) => billOf(stock, operations))
  const lines = Object.keys(bills[0] ?? {}).map((name) => [name, ...bills.map((each) => dollars(each[name] ?? 0))])
  const totals = bills.map((each) => Object.values(each).reduce((sum, amount) => sum + amount, 0))
  return table([
    ['$ a month', ...STOCKS.map((stock) => `${stock.toLocaleString('en')} documents`)],
    ...lines,
    ['total', ...totals.map(dollars)],
    ['per 1,000 documents', ...totals.map((total, n) => ((total / (STOCKS[n] ?? 1)) * 1000).toFixed(3))],
  ])
}

function billOf(stock: number, { measured, bytesPerDocument, bytesPerAccess }: Operations): Record<string, number> {
  const one = (name: string): Measured =>
    measured.find((each) => each.name.startsWith(name)) ?? fail(`“${name}” was not measured`)
  const filed = stock * USE.filed
  const added = filed * (USE.versions - 1)
  const versions = stock * USE.versions
  const opened = stock * USE.opened
  const visits = stock * USE.visits
  const times: [Measured, number][] = [
    [one('announce'), filed + added],
    [one('file a'), filed],
    [one('lock'), filed + added],
    [one('new version'), added],
    [one('open customer'), opened],
    [one('list folder'), opened],
    [one('download'), opened + visits],
    [one('portal home'), visits],
    [one('sign in'), visits],
  ]
  const sum = (of: (each: Measured) => number) => times.reduce((total, [each, n]) => total + of(each) * n, 0)
  const s3 = (kinds: RegExp) =>
    sum((each) => Object.entries(each.s3).reduce((total, [kind, n]) => total + (kinds.test(kind) ? n : 0), 0))

  const writes = sum(({ write, aside }) => write + aside.write) * TRANSACTION
  // An empty answer is a unit on AWS and none on DynamoDB Local. The sweep asks for each object's row.
  const emptyReads = one('schedule').tableCalls * DEPLOYED.runsOfSchedule + versions * DEPLOYED.sweeps
  const reads = sum(({ read, aside }) => read + aside.read) + emptyReads
  const months = 1 / USE.filed
  // Accesses of all the months in which the stock grew to what it is.
  const tableGb = (stock * bytesPerDocument + ((opened + visits) * bytesPerAccess * months) / 2) / GB

  const share = { standard: 3 * USE.filed, infrequent: 9 * USE.filed, glacier: 1 - 12 * USE.filed }
  const vaultGb = (versions * USE.size) / GB
  const readGb = ((opened + visits) * USE.size) / GB
  const puts = filed + added + s3(/COPY|PUT|LIST/) + (versions / 1000) * DEPLOYED.sweeps
  const gets = opened + visits + s3(/HEAD|GET/)
  const requests = times.reduce((total, [each, n]) => total + (each.name.startsWith('lock') ? 0 : n), visits)
  const jobs = filed + added + visits + DEPLOYED.runsOfSchedule
  const { s3: storage, transitions, retrieval } = PRICE
  return {
    'table: requests': writes * PRICE.writeUnits + reads * PRICE.readUnits,
    'table: storage': tableGb * PRICE.tableGb,
    'table: recovery to any second': tableGb * PRICE.pitrGb,
    'table: 35 daily backups': tableGb * DEPLOYED.backups * PRICE.backupGb,
    'documents: storage':
      vaultGb *
      (share.standard * storage.standardGb +
        share.infrequent * storage.infrequentGb +
        share.glacier * storage.glacierGb),
    'documents: requests':
      puts * PRICE.s3Writes +
      gets * PRICE.s3Reads +
      (filed + added) * (transitions.infrequent + transitions.glacier) +
      readGb * (share.infrequent * retrieval.infrequentGb + share.glacier * retrieval.glacierGb),
    'documents: to their readers': readGb * PRICE.s3OutGb,
    'portal: functions':
      (requests + jobs) * PRICE.lambdaRequests +
      (requests * USE.webSeconds * DEPLOYED.webGb + jobs * USE.jobSeconds * DEPLOYED.jobGb) * PRICE.lambdaGbSeconds,
    'portal: edge': requests * PRICE.edgeRequests + ((requests * USE.answer) / GB) * PRICE.edgeOutGb,
    'mail, logs, traces':
      visits * PRICE.mails +
      (((requests + jobs) * USE.log) / GB) * PRICE.logGb +
      (requests + jobs) * SAMPLED * PRICE.traces,
    'keys, alarms': DEPLOYED.keys * PRICE.key + DEPLOYED.alarms * PRICE.alarm,
  }
}

function dollars(amount: number): string {
  return amount.toFixed(2)
}

function fail(why: string): never {
  throw new Error(why)
}
