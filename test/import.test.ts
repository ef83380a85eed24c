import { existsSync, globSync } from 'node:fs'
import { cp, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Document } from '@registratur/core/document'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Summary } from '../packages/cli/import/summary.ts'
import {
  documentsOf,
  folder,
  foldersOf,
  imported,
  many,
  openArchive,
  registratur,
  said,
  sha,
  start,
  type TestArchive,
  workFolder,
} from '../packages/cli/testing.ts'
import { pdfOf } from './pdf.ts'

const CORPUS = fileURLToPath(new URL('../../shared/corpus/e-invoices/FX', import.meta.url))

let work: string
let archive: TestArchive

beforeAll(async () => {
  work = await workFolder()
  archive = await openArchive(join(work, 'a'))
})
afterAll(async () => {
  await archive.stop('SIGTERM')
  await rm(work, { recursive: true, force: true })
})

describe('import', () => {
  it('files a tree, and nothing the second time', async () => {
    const pdfs = await samplePdfs()
    const tree = await folder(work, { 'Kunde Müller GmbH/Rechnungen/2024/x': '', 'Kunde Müller GmbH/INVOICES/x': '' })
    for (const file of globSync('**/x', { cwd: tree })) await rm(join(tree, file))
    for (const [i, pdf] of pdfs.entries()) {
      const place = i % 2 ? 'Rechnungen/2024' : 'INVOICES'
      await cp(pdf, join(tree, 'Kunde Müller GmbH', place, basename(pdf)))
    }
    await writeFile(join(tree, 'Kunde Müller GmbH/Notiz 03.02.2021.txt'), 'Anruf')
    await utimes(join(tree, 'Kunde Müller GmbH/INVOICES', basename(pdfs[0] ?? '')), 0, new Date(2019, 4, 17, 12))

    const first = await imported([tree], archive)
    expect(first).toMatchObject({
      code: 0,
      customers: { created: 1, found: 0, list: [{ name: 'Kunde Müller GmbH', created: true }] },
      folders: { created: 3 },
      documents: { filed: pdfs.length + 1 },
      ...{ alreadyThere: 0, duplicates: [], notImported: [], notReached: 0, interrupted: false },
    })

    const id = first.customers.list[0]?.id ?? ''
    const documents = await documentsOf(archive, id)
    const byName = new Map(documents.map((document) => [document.fileName, document]))
    for (const pdf of pdfs) {
      const bytes = await readFile(pdf)
      const found = byName.get(basename(pdf))
      expect(found).toMatchObject({
        ...{
          status: 'final',
          recordClass: 'invoice',
          mediaType: 'application/pdf',
          size: bytes.length,
          sha256: sha(bytes),
        },
        title: basename(pdf, '.pdf'),
      })
      expect(sha(await contentOf(archive, found))).toBe(sha(bytes))
    }
    expect(byName.get(basename(pdfs[0] ?? ''))?.documentDate).toBe('2019-05-17')
    const note = byName.get('Notiz 03.02.2021.txt')
    expect(note).toMatchObject({ recordClass: 'correspondence', documentDate: '2021-02-03', mediaType: 'text/plain' })
    const paths = await foldersOf(archive, id)
    expect(paths.get(note?.folderId ?? '')).toBe('Unsorted')
    expect([...paths.values()]).toContain('Rechnungen/2024')
    expect([...paths.values()].filter((path) => /^invoices$/i.test(path))).toEqual(['Invoices'])

    expect(await imported([tree], archive)).toMatchObject({
      code: 0,
      ...{ customers: { created: 0, found: 1 }, folders: { created: 0 }, documents: { filed: 0, bytes: 0 } },
      ...{ alreadyThere: pdfs.length + 1, duplicates: [], notImported: [] },
    })
    expect(await documentsOf(archive, id)).toHaveLength(documents.length)
  })

  it('finds customers by name, however it is written, and by number', async () => {
    const created = await imported([await folder(work, { 'Straße & Söhne KG/a.txt': 'one' })], archive)
    const id = created.customers.list[0]?.id ?? ''
    const tree = await folder(work, { 'STRASSE & SOEHNE KG/b.txt': 'two', [`${id} Akten/c.txt`]: 'three' })
    expect(await imported([tree], archive)).toMatchObject({ code: 0, customers: { created: 0, list: [{ id }] } })
    expect(await documentsOf(archive, id)).toHaveLength(3)
  })

  it('makes one customer for two folders that mean the same', async () => {
    const files = Object.fromEntries(
      ['Doppelt AG', 'doppelt ag', 'DOPPELT AG'].map((name, i) => [`${name}/x.txt`, `${i}`]),
    )
    expect(await imported([await folder(work, files)], archive)).toMatchObject({
      code: 0,
      customers: { created: 1 },
      folders: { created: 1 },
    })
  })

  it('reports a copy within one customer, but files it for another', async () => {
    const tree = await folder(work, { 'Kopie A/a.txt': 'same', 'Kopie A/deep/b.txt': 'same', 'Kopie B/a.txt': 'same' })
    const { code, documents, duplicates } = await imported([tree], archive)
    expect({ code, filed: documents.filed }).toEqual({ code: 0, filed: 2 })
    expect(duplicates).toHaveLength(1)
    expect(duplicates.map(({ path, of }) => [path, of].sort())).toEqual([['Kopie A/a.txt', 'Kopie A/deep/b.txt']])
  })

  it('files drafts and one class, if told to', async () => {
    const tree = await folder(work, { 'Entwurf GmbH/Rechnungen/a.txt': 'draft' })
    const { customers } = await imported([tree, '--draft', '--class', 'report'], archive)
    expect(await documentsOf(archive, customers.list[0]?.id ?? '')).toMatchObject([
      { status: 'draft', recordClass: 'report' },
    ])
  })

  it('takes no harm from hostile names, and says what it left out', async () => {
    const outside = await folder(work, { secret: 'not to be imported' })
    const tree = await folder(work, {
      'Feind GmbH/ok.txt': 'fine',
      'Feind GmbH/.DS_Store': 'x',
      'Feind GmbH/Thumbs.db': 'x',
      'Feind GmbH/empty.pdf': '',
      'Feind GmbH/invoice\u202efdp.exe': 'bidi',
      'Feind GmbH/a\u001b[2Jb.txt': 'escape',
      'Feind GmbH/a\nb.txt': 'newline',
      'Feind GmbH/back\\slash.txt': 'separator',
      'Feind GmbH/bad\u0007folder/inner.txt': 'inherited',
      'Feind\u202e/x.txt': 'customer',
      '.hidden/x.txt': 'x',
      'loose.txt': 'x',
      'CUS-999999/x.txt': 'unknown number',
      "=HYPERLINK('x')/$(touch pwned) `id`; DROP TABLE.txt": 'harmless',
    })
    await symlink(join(outside, 'secret'), join(tree, 'Feind GmbH/secret'))
    await symlink(outside, join(tree, 'Feind GmbH/folder'))
    await symlink('nowhere', join(tree, 'Feind GmbH/broken'))
    await symlink('.', join(tree, 'Feind GmbH/loop'))
    const { code, documents, skipped, notImported } = await imported([tree], archive)
    expect({ code, filed: documents.filed }).toEqual({ code: 1, filed: 2 })
    expect(Object.fromEntries(notImported.map(({ path, reason }) => [path, reason]))).toEqual({
      'Feind GmbH/empty.pdf': 'is empty',
      'Feind GmbH/invoice\u202efdp.exe': expect.stringContaining('text-direction'),
      'Feind GmbH/a\u001b[2Jb.txt': expect.stringContaining('control'),
      'Feind GmbH/a\nb.txt': expect.stringContaining('control'),
      'Feind GmbH/back\\slash.txt': expect.stringContaining('path separator'),
      'Feind GmbH/bad\u0007folder/inner.txt': expect.stringContaining('its folder’s name'),
      'Feind\u202e/x.txt': expect.stringContaining('its folder’s name'),
      'loose.txt': expect.stringContaining('no customer’s folder'),
      'CUS-999999/x.txt': expect.stringContaining('there is no customer CUS-999999'),
    })
    expect(skipped.map(({ path }) => path).sort()).toEqual([
      ...['.hidden/', 'Feind GmbH/.DS_Store', 'Feind GmbH/Thumbs.db', 'Feind GmbH/broken', 'Feind GmbH/folder'],
      ...['Feind GmbH/loop', 'Feind GmbH/secret'],
    ])
    const { stdout, stderr } = await registratur(['import', tree], archive.env)
    expect(stdout).toContain('a\\u{001b}[2Jb.txt')
    expect(`${stdout}${stderr}`.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202e]/u)
  })

  it('goes on where it was interrupted', async () => {
    const tree = await folder(work, many('Unterbrochen GmbH', 120))
    const { child, done } = start(['import', tree, '--json'], archive.env)
    await said(child.stderr, 'Importing')
    child.kill('SIGINT')
    const { code, stdout } = await done
    const first: Summary = JSON.parse(stdout)
    expect(code).toBe(130)
    expect(first).toMatchObject({ interrupted: true, notImported: [] })
    expect(first.notReached).toBeGreaterThan(0)
    expect(first.documents.filed + first.notReached).toBe(120)

    const second = await imported([tree], archive)
    expect(second).toMatchObject({
      code: 0,
      documents: { filed: first.notReached },
      alreadyThere: first.documents.filed,
    })
    const documents = await documentsOf(archive, second.customers.list[0]?.id ?? '')
    expect(new Set(documents.map(({ sha256 }) => sha256)).size).toBe(120)
    expect(documents).toHaveLength(120)
  })

  it('survives that the archive is killed and started again', async () => {
    const shaky = await openArchive(join(work, 'shaky'))
    onTestFinished(() => shaky.stop('SIGKILL'))
    const tree = await folder(work, many('Neustart GmbH', 100))
    const { done } = start(['import', tree, '--json'], shaky.env)
    await untilFiled(shaky, 10)
    await shaky.stop('SIGKILL')
    await shaky.start()
    const { code, stdout, stderr } = await done
    expect(code, stderr + stdout).toBe(0)
    const documents = await documentsOf(shaky, 'CUS-0001')
    expect(documents).toHaveLength(100)
    expect(new Set(documents.map(({ sha256 }) => sha256)).size).toBe(100)
    const { items } = await (await shaky.api.customers.$get({ query: {} })).json()
    expect(items).toHaveLength(1)
  })
})

describe('import with a manifest', () => {
  it('believes it more than names and folders', async () => {
    const tree = await folder(work, {
      'Meier, Anna/Scans/scan1.pdf': 'one',
      'Meier, Anna/Scans/scan2.pdf': 'two',
      'Meier, Anna/Scans/Thumbs.db': 'really a document',
      'Meier, Anna/U\u0308bersicht.txt': 'NFD',
    })
    const manifest = [
      '\ufeffPath;recordClass;title;number;documentDate;contractEnd;tags;status;folder;fileName;customer.type;customer.firstName;customer.lastName;customer.emails',
      'Meier, Anna;;;;;;;;;;person;Anna;Meier;anna@example.com',
      'Meier, Anna/Scans/scan1.pdf;contract;"Mietvertrag; mit ""Anlage""";V-1;31.01.2020;2024-12-31;"miete;wohnung";final;Verträge/Miete;Vertrag.pdf;;;;',
      "Meier, Anna\\Scans\\scan2.pdf;;'=1+1;;;;;draft;;;;;;",
      'Meier, Anna/Scans/Thumbs.db;;Doch;;;;;;;;;;;',
      'Meier, Anna/Übersicht.txt;report;;;;;;;;;;;;',
      'Meier, Anna/gone.pdf;;;;;;;;;;;;;',
      '',
    ].join('\r\n')
    await writeFile(join(tree, 'list.csv'), manifest)
    const {
      code,
      documents: summary,
      customers,
      notImported,
    } = await imported([tree, '--manifest', join(tree, 'list.csv')], archive)
    expect({ code, filed: summary.filed }).toEqual({ code: 1, filed: 4 })
    expect(notImported).toEqual([
      { path: 'Meier, Anna/gone.pdf', reason: 'the manifest names it in line 7, but it is not there' },
    ])
    const id = customers.list[0]?.id ?? ''
    const customer = await (await archive.api.customers[':customer'].$get({ param: { customer: id } })).json()
    expect(customer).toMatchObject({ type: 'person', name: 'Anna Meier', emails: ['anna@example.com'] })
    const documents = await documentsOf(archive, id)
    const paths = await foldersOf(archive, id)
    expect(documents.find(({ fileName }) => fileName === 'Vertrag.pdf')).toMatchObject({
      ...{ recordClass: 'contract', title: 'Mietvertrag; mit "Anlage"', number: 'V-1', documentDate: '2020-01-31' },
      ...{ contractEnd: '2024-12-31', tags: ['miete', 'wohnung'], status: 'final' },
    })
    expect([...paths.values()]).toContain('Verträge/Miete')
    expect(documents.find(({ fileName }) => fileName === 'scan2.pdf')).toMatchObject({ title: '=1+1', status: 'draft' })
    expect(documents.find(({ fileName }) => fileName === 'Übersicht.txt')).toMatchObject({ recordClass: 'report' })
    expect(documents.map(({ title }) => title)).toContain('Doch')
  })

  it('files nothing at all when a row is wrong, and names every wrong row', async () => {
    const tree = await folder(work, { 'Falsch GmbH/a.txt': 'a', 'Falsch GmbH/b.txt': 'b', 'Falsch GmbH/c.txt': 'c' })
    const manifest = [
      'path,recordClass,title,documentDate,status,customer.type,customer.vatId,customer.firstName',
      'Falsch GmbH/a.txt,bill,ok,2024-01-01,,,,',
      'Falsch GmbH/b.txt,invoice,"two',
      'lines",2024-02-30,gone,,,',
      'Falsch GmbH/a.txt,,,,,,,',
      'Falsch GmbH,,,,,company,DE12,Hans',
      ',,x,,,,,',
    ].join('\n')
    const file = join(tree, 'm.csv')
    await writeFile(file, manifest)
    const { code, stdout, stderr } = await registratur(['import', tree, '--manifest', file], archive.env)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    const lines = stderr.split('\n').filter(Boolean)
    expect(lines.map((line) => line.replace(`${file}, `, ''))).toEqual([
      expect.stringMatching(/^line 2: recordClass is none of: contract, quote/),
      'line 3: title contains control or text-direction characters: remove them',
      'line 3: documentDate is not a date: give YYYY-MM-DD',
      'line 3: status is neither draft nor final',
      expect.stringMatching(/^line 5: .* has a row already, in line 2$/),
      expect.stringMatching(/^line 6: customer\.(vatId|firstName) /),
      expect.stringMatching(/^line 6: customer\.(vatId|firstName) /),
      expect.stringMatching(/^line 7: path is empty$/),
      'Nothing was imported. Correct the manifest and run the import again.',
    ])
    const { items } = await (await archive.api.customers.$get({ query: { search: 'Falsch' } })).json()
    expect(items).toEqual([])
  })

  it.each([
    ['no path', 'file,title\na,b\n', /line 1: unknown columns “file”; known are path, recordClass/],
    ['a column twice', 'path,title,Title\na/b,c,d\n', /line 1: the column title occurs twice/],
    [
      'uneven rows',
      'path,title\na/b,c,d\na/b\n',
      /line 2: has 3 fields where the header has 2[\s\S]*line 3: has 1 fields/,
    ],
    ['an open quote', 'path,title\na/b,"c\n', /line \d: is not CSV/],
    ['another encoding', Buffer.from('path\nM\xfcller/a.txt\n', 'latin1'), /line 1: the file is not UTF-8/],
    ['nothing', '', /line 1: there is no column named path/],
  ])('refuses a manifest with %s', async (_, content, message) => {
    const file = join(await folder(work, {}), 'm.csv')
    await writeFile(file, content)
    const { code, stderr } = await registratur(['import', dirname(file), '--manifest', file], archive.env)
    expect(code).toBe(1)
    expect(stderr).toMatch(message)
  })
})

/** Real invoices where they are at hand, otherwise made ones. */
async function samplePdfs(): Promise<string[]> {
  if (existsSync(CORPUS))
    return globSync('*.pdf', { cwd: CORPUS })
      .sort()
      .map((name) => join(CORPUS, name))
  const root = await folder(work, {})
  const names = Array.from({ length: 10 }, (_, i) => `RE-${i}.pdf`)
  for (const name of names) await writeFile(join(root, name), await pdfOf(name))
  return names.map((name) => join(root, name))
}

async function contentOf({ api }: TestArchive, document: Document | undefined): Promise<Uint8Array> {
  const { customerId: customer = '', id = '', version } = document ?? {}
  const { content } = api.customers[':customer'].documents[':document'].versions[':n']
  const answer = await content.$get({ param: { customer, document: id, n: String(version) }, query: {} })
  return new Uint8Array(await (answer as unknown as Response).arrayBuffer())
}

/** Ask until that many documents are there. */
async function untilFiled(from: TestArchive, n: number): Promise<void> {
  for (;;) {
    const { items } = await (await from.api.customers.$get({ query: {} })).json()
    if (items[0] && (await documentsOf(from, items[0].id)).length >= n) return
  }
}
