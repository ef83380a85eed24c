import type { Document, Version } from '@registratur/core/document'
import type { FolderNode } from '@registratur/core/folder'
import { expect, it } from 'vitest'
import { planOf } from './plan.ts'

const CUSTOMER = { id: 'CUS-0001', name: '../Müller: Söhne' }
const CONTACTS = [{ id: 'con_1', firstName: 'Ada', lastName: 'Lovelace' }]

const node = (id: string, name: string, more: Partial<FolderNode> = {}): FolderNode => ({
  ...{ id, name, parentId: null, rev: 1, children: [], ...more },
})

const version = (n: number, status: 'draft' | 'final', fileName = 'a.pdf') =>
  ({ n, status, fileName, sha256: `${n}`, size: n }) as Version

const plan = (tree: FolderNode[], filed: Record<string, [folderId: string, Version[]]>) =>
  planOf(
    CUSTOMER,
    tree,
    CONTACTS,
    Object.entries(filed).map(([id, [folderId]]) => ({ id, folderId }) as Document),
    new Map(Object.entries(filed).map(([id, [, versions]]) => [id, versions])),
  )

it('keeps everything in one folder with a harmless name', () => {
  const { top, files } = plan([node('f1', '..')], { d1: ['f1', [version(1, 'final', '..\\..\\evil?.exe')]] })
  expect(top).toBe('CUS-0001 .._Müller_ Söhne')
  expect(files.map(({ path }) => path)).toEqual([`${top}/_/_.._.._evil_.exe`])
})

it('lets the newest final version stand for the document, and keeps the others aside', () => {
  const versions = [version(1, 'final'), version(2, 'final', 'b.pdf'), version(3, 'draft', 'c.pdf')]
  const { documents } = plan([node('f1', 'F')], { d1: ['f1', versions] })
  expect(documents[0]?.versions.map(({ n, path }) => [n, path.split('/F/')[1]])).toEqual([
    [2, 'b.pdf'],
    [3, 'b.pdf.versions/3 c.pdf'],
    [1, 'b.pdf.versions/1 a.pdf'],
  ])
})

it('takes the newest draft where nothing is final', () => {
  const { documents } = plan([node('f1', 'F')], { d1: ['f1', [version(1, 'draft'), version(2, 'draft')]] })
  expect(documents[0]?.main.n).toBe(2)
})

it('tells apart what would have the same name, older things first', () => {
  const tree = [node('f2', 'Invoices'), node('f1', 'INVOICES'), node('f3', 'Invoices', { contactId: 'con_1' })]
  const { folders, files } = plan(tree, {
    d2: ['f1', [version(1, 'final', 'A.pdf')]],
    d1: ['f1', [version(1, 'final', 'a.PDF')]],
  })
  expect(folders.map((path) => path.split('/')[1])).toEqual([
    ...[undefined, 'INVOICES', 'Invoices (2)', 'Invoices (Ada Lovelace)'],
  ])
  expect(files.map(({ documentId, path }) => [documentId, path.split('/')[2]])).toEqual([
    ['d1', 'a.PDF'],
    ['d2', 'A (2).pdf'],
  ])
})
