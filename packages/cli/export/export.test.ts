import { existsSync, globSync } from 'node:fs'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Document } from '@registratur/core/document'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import {
  documentsOf,
  folder,
  foldersOf,
  imported,
  openArchive,
  registratur,
  sha,
  type TestArchive,
  workFolder,
} from '../testing.ts'

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

describe('export', () => {
  it('goes to another archive and is the same there', async () => {
    const tree = await folder(work, {
      'Ausfuhr/Verträge/con/Rahmen: 2024?.txt': 'contract',
      'Ausfuhr/Verträge/con/RAHMEN: 2024?.txt': 'another',
      'Ausfuhr/Rechnungen/=SUM(A1).txt': 'formula',
      'Ausfuhr/Rechnungen/draft.txt': 'draft 1',
    })
    const manifest = [
      'path,tags,number,status,customer.type,customer.firstName,customer.lastName,customer.phones,customer.city',
      'Ausfuhr,,,,person,Jürgen,O’Brien,+49 30 1234567,Köln',
      'Ausfuhr/Rechnungen/=SUM(A1).txt,a;b,RE-1,,,,,,',
      'Ausfuhr/Rechnungen/draft.txt,,,draft,,,,,',
    ].join('\n')
    await writeFile(join(tree, 'm.csv'), manifest)
    const { customers } = await imported([tree, '--manifest', join(tree, 'm.csv')], archive)
    const id = customers.list[0]?.id ?? ''
    const before = await documentsOf(archive, id)
    const contract = before.find(({ fileName }) => fileName === 'Rahmen: 2024?.txt')
    await addVersion(archive, contract, 'contract, corrected')

    const to = join(work, 'handover')
    const exported = await registratur(['export', '--customer', id, '--to', to], archive.env)
    expect(exported).toMatchObject({ code: 0, stdout: expect.stringContaining('4 documents in 5 versions') })
    const top = `${id} Jürgen O’Brien`
    expect(filesBelow(to)).toEqual([
      `${top}/Rechnungen/=SUM(A1).txt`,
      `${top}/Rechnungen/draft.txt`,
      ...[`${top}/Verträge/_con/RAHMEN_ 2024_ (2).txt`, `${top}/Verträge/_con/Rahmen_ 2024_.txt`].map((path) =>
        expect.stringMatching(
          new RegExp(`^${dirname(path).replaceAll('.', '\\.')}/(RAHMEN|Rahmen)_ 2024_( \\(2\\))?\\.txt$`),
        ),
      ),
      expect.stringMatching(/\/Verträge\/_con\/Rahmen_ 2024_( \(2\))?\.txt\.versions\/2 neu\.txt$/),
      ...['manifest.csv', 'manifest.json'],
    ])
    expect(await readFile(join(to, 'manifest.csv'), 'utf8')).toContain(`'=SUM(A1)`)
    expect(JSON.parse(await readFile(join(to, 'manifest.json'), 'utf8'))).toMatchObject({
      ...{ complete: true, customer: { id, address: { city: 'Köln' } } },
    })
    const { items: entries } = await (
      await archive.api.customers[':customer'].journal.$get({ param: { customer: id }, query: {} })
    ).json()
    expect(entries.map(({ action }) => action)).toContain('customer.exported')

    const other = await openArchive(join(work, 'b'))
    onTestFinished(() => other.stop('SIGKILL'))
    // A stranger already has a number there.
    await other.api.customers.$post({ json: { type: 'company', name: 'Fremd AG' } })
    const arrival = await imported([to, '--manifest', join(to, 'manifest.csv')], other)
    expect(arrival).toMatchObject({ code: 0, customers: { created: 1 }, documents: { filed: 4 }, notImported: [] })
    expect(arrival.skipped).toContainEqual({
      ...{
        path: expect.stringContaining('.versions/2 neu.txt'),
        reason: expect.stringContaining('an earlier version of'),
      },
    })
    const there = arrival.customers.list[0]?.id ?? ''
    expect(there).toBe('CUS-0002')
    const after = await documentsOf(other, there)
    const paths = [await foldersOf(archive, id), await foldersOf(other, there)]
    const comparable = (documents: Document[], folders = new Map<string, string>()) =>
      documents
        .map(({ folderId, title, number, tags, recordClass, documentDate, status, fileName, sha256 }) => ({
          ...{
            folder: folders.get(folderId),
            title,
            number,
            tags,
            recordClass,
            documentDate,
            status,
            fileName,
            sha256,
          },
        }))
        .sort((a, b) => (a.sha256 < b.sha256 ? -1 : 1))
    expect(comparable(after, paths[1])).toEqual(comparable(before, paths[0]))
    expect([...(paths[1]?.values() ?? [])].sort()).toEqual([...(paths[0]?.values() ?? [])].sort())
  })

  it('is completed by a second run, and overwrites nothing', async () => {
    const { customers } = await imported(
      [await folder(work, { 'Weiter GmbH/a.txt': 'a', 'Weiter GmbH/b.txt': 'b' })],
      archive,
    )
    const id = customers.list[0]?.id ?? ''
    const to = join(work, 'again')
    const run = () => registratur(['export', '--customer', id, '--to', to], archive.env)
    expect((await run()).code).toBe(0)
    const place = join(to, `${id} Weiter GmbH`, 'Unsorted')
    await rm(join(place, 'a.txt'))
    expect(await run()).toMatchObject({ code: 0, stdout: expect.stringContaining('1 new, 1 here already') })
    expect(await readFile(join(place, 'a.txt'), 'utf8')).toBe('a')
    await writeFile(join(place, 'b.txt'), 'edited by somebody')
    expect(await run()).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('there is another file of this name'),
    })
    expect(await readFile(join(place, 'b.txt'), 'utf8')).toBe('edited by somebody')
    const foreign = await folder(work, { 'diary.txt': 'mine' })
    expect(await registratur(['export', '--customer', id, '--to', foreign], archive.env)).toMatchObject({ code: 2 })
    expect(await readdir(foreign)).toEqual(['diary.txt'])
  })

  it('says when there is no such customer', async () => {
    const { code, stderr } = await registratur(
      ['export', '--customer', 'CUS-999999', '--to', join(work, 'none')],
      archive.env,
    )
    expect(code).toBe(1)
    expect(stderr).toContain('There is no such customer.')
    expect(existsSync(join(work, 'none'))).toBe(false)
  })
})

async function addVersion({ api }: TestArchive, document: Document | undefined, text: string): Promise<void> {
  const { customerId: customer = '', id = '' } = document ?? {}
  const announced = { fileName: 'neu.txt', size: text.length, contentType: 'text/plain', sha256: sha(text) }
  const { uploadId, url, headers } = await (await api.uploads.$post({ json: announced })).json()
  expect((await fetch(url, { method: 'PUT', headers, body: text })).ok).toBe(true)
  const json = { uploadId, reason: 'a mistake' }
  const { versions } = api.customers[':customer'].documents[':document']
  expect((await versions.$post({ param: { customer, document: id }, header: {}, json })).status).toBe(201)
}

function filesBelow(root: string): string[] {
  return globSync('**/*', { cwd: root, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort()
}
