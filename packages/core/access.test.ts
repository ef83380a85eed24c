import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { allow, type CustomerFile, may, Scope } from './access.ts'
import { type Actor, ANONYMOUS, type Role, SYSTEM } from './actor.ts'
import type { ContactRow } from './contact.ts'
import type { CustomerRow } from './customer-fields.ts'
import type { FolderRow } from './folder.ts'
import type { GrantRow } from './grant.ts'

const TODAY = '2026-06-15'
const row = { pk: 'customer#CUS-0001', sk: 'x', rev: 1, v: 1 }

type GivenFolder = Pick<FolderRow, 'id' | 'parentId'>
type GivenGrant = Pick<GrantRow, 'contactId' | 'folderId' | 'documentId' | 'permission' | 'until'>

function fileWith(folders: GivenFolder[], grants: GivenGrant[]): CustomerFile {
  return {
    customer: { ...row, id: 'CUS-0001' } as CustomerRow,
    contacts: ['ada', 'bob'].map((id) => ({ ...row, id }) as ContactRow),
    folders: folders.map((folder) => ({ ...row, name: folder.id, ...folder })),
    grants: grants.map((grant, i) => ({ ...row, id: `grt_${i}`, name: '', createdAt: '', ...grant })),
    tree: row,
  }
}

/** The same question answered in the most literal way: every grant on the object or on anything above it. */
function naively(file: CustomerFile, contactId: string, object: { folder: string; document?: string }) {
  const above: string[] = []
  for (let at = file.folders.find(({ id }) => id === object.folder); at; ) {
    above.push(at.id)
    const { parentId } = at
    at = file.folders.find(({ id }) => id === parentId)
  }
  const counts = file.grants.filter(
    (grant) =>
      grant.contactId === contactId &&
      (grant.until === undefined || grant.until >= TODAY) &&
      ((grant.folderId !== undefined && above.includes(grant.folderId)) ||
        (object.document !== undefined && grant.documentId === object.document)),
  )
  const has = (permission: string) => counts.some((grant) => grant.permission === permission)
  return {
    read: has('download') ? 'download' : has('view') ? 'view' : undefined,
    upload: object.document === undefined && has('upload'),
  }
}

describe('the scope of a contact', () => {
  const FOLDERS = 12
  const tree = fc
    .array(fc.option(fc.nat(FOLDERS), { nil: undefined }), { minLength: 1, maxLength: FOLDERS })
    .map((parents) =>
      // A parent is a folder with a smaller number, so there is no cycle; shuffled ids don't give that away.
      parents.map((parent, i) => ({
        id: `fld_${(i * 7) % 13}`,
        parentId: parent === undefined || i === 0 ? undefined : `fld_${((parent % i) * 7) % 13}`,
      })),
    )
  const grant = fc.record({
    contactId: fc.constantFrom('ada', 'bob'),
    on: fc.nat(FOLDERS + 4),
    permission: fc.constantFrom('view' as const, 'download' as const, 'upload' as const),
    until: fc.constantFrom(undefined, '2026-06-14', TODAY, '2026-06-16', '2020-12-31', '2199-12-31'),
  })

  it('is what a literal reading of the grants gives, for any tree', () => {
    let readable = 0
    fc.assert(
      fc.property(
        tree,
        fc.array(grant, { maxLength: 12 }),
        fc.infiniteStream(fc.nat(FOLDERS)),
        (folders, given, at) => {
          const documents = [...'abcd'].map((name) => ({
            id: `doc_${name}`,
            folderId: folders[(at.next().value ?? 0) % folders.length]?.id ?? '',
          }))
          const grants = given.map(({ on, permission, ...more }) => {
            const document = documents[on - FOLDERS]
            return document && permission !== 'upload'
              ? { ...more, permission, documentId: document.id }
              : { ...more, permission, folderId: folders[on % folders.length]?.id }
          })
          const file = fileWith(folders, grants)
          for (const contact of ['ada', 'bob', 'nobody']) {
            const scope = new Scope(file, [contact], TODAY)
            // Twice, as the first answer is remembered.
            for (const { id } of [...folders, ...folders].reverse()) {
              expect(scope.folder(id)).toEqual(naively(file, contact, { folder: id }))
            }
            for (const document of documents) {
              const expected = naively(file, contact, { folder: document.folderId, document: document.id })
              expect(scope.document(document)).toEqual(expected)
              if (expected.read) readable += 1
            }
            expect(scope.folder('fld_unknown')).toEqual({ upload: false })
          }
        },
      ),
      { numRuns: 300 },
    )
    expect(readable).toBeGreaterThan(200)
  })

  it('holds through the last day of a grant and not a day longer', () => {
    const on = (until?: string) => [{ contactId: 'ada', folderId: 'fld_a', permission: 'view' as const, until }]
    const read = (until?: string) =>
      new Scope(fileWith([{ id: 'fld_a' }], on(until)), ['ada'], TODAY).folder('fld_a').read
    expect([read(), read(TODAY), read('2026-06-16'), read('2026-06-14')]).toEqual(['view', 'view', 'view', undefined])
  })

  it('lists what was granted one by one, without what has expired', () => {
    const grants = [
      { contactId: 'ada', documentId: 'doc_a', permission: 'view' as const },
      { contactId: 'ada', documentId: 'doc_b', permission: 'view' as const, until: '2026-06-14' },
      { contactId: 'bob', documentId: 'doc_c', permission: 'view' as const },
      { contactId: 'ada', folderId: 'fld_a', permission: 'view' as const },
    ]
    expect(new Scope(fileWith([{ id: 'fld_a' }], grants), ['ada'], TODAY).grantedDocuments()).toEqual(['doc_a'])
  })

  it('manages the deepest tree an archive may hold', () => {
    const folders = Array.from({ length: 2000 }, (_, i) => ({
      id: `fld_${i}`,
      parentId: i ? `fld_${i - 1}` : undefined,
    }))
    const grants = [{ contactId: 'ada', folderId: 'fld_0', permission: 'download' as const }]
    expect(new Scope(fileWith(folders, grants), ['ada'], TODAY).folder('fld_1999').read).toBe('download')
  })
})

describe('what a role allows', () => {
  const clerk: Actor = { kind: 'staff', id: 'stf_1', email: 'c@a.example', name: 'C', roles: ['clerk'] }
  const machine = (roles: Role[]): Actor => ({ kind: 'machine', id: 'key_1', name: 'M', roles })
  const contact: Actor = { kind: 'contact', id: 'con_1', email: 'k@b.example', name: 'K', memberships: [] }
  const everyday = ['customer.read', 'customer.write', 'document.write', 'grant.write', 'journal.read'] as const
  const administration = ['customer.restore', 'customer.merge', 'archive.manage'] as const

  it.each([
    ['a clerk', clerk, true, false],
    ['a clerk’s machine', machine(['clerk']), true, false],
    ['an administrator', { ...clerk, roles: ['administrator'] } as Actor, true, true],
    ['both roles at once', machine(['clerk', 'administrator']), true, true],
    ['no role at all', machine([]), false, false],
    ['a contact', contact, false, false],
    ['nobody', ANONYMOUS, false, false],
    ['the archive itself', SYSTEM, true, true],
  ])('%s', (_who, actor, office, management) => {
    expect(everyday.map((action) => may({ actor }, action))).toEqual(everyday.map(() => office))
    expect(administration.map((action) => may({ actor }, action))).toEqual(administration.map(() => management))
  })

  it('tells who is not signed in to sign in, and who is that their role is not enough', () => {
    expect(() => allow({ actor: ANONYMOUS }, 'customer.read')).toThrow(
      expect.objectContaining({ code: 'sign-in-required' }),
    )
    expect(() => allow({ actor: contact }, 'customer.read')).toThrow(expect.objectContaining({ code: 'forbidden' }))
    expect(() => allow({ actor: clerk }, 'archive.manage')).toThrow(expect.objectContaining({ code: 'forbidden' }))
    expect(() => allow({ actor: clerk }, 'customer.read')).not.toThrow()
  })
})
