import type { Contact } from '@registratur/core/contact'
import type { Document, Version } from '@registratur/core/document'
import type { FolderNode } from '@registratur/core/folder'
import { safeName, uniqueNames } from './safe-name.ts'

export interface PlannedFile {
  /** Below the export's folder, with forward slashes. */
  path: string
  documentId: string
  n: number
  sha256: string
  size: number
}

export interface PlannedDocument {
  document: Document
  /** The version that stands for the document: the newest final one, otherwise the newest. */
  main: Version
  /** Names of the folders it is in, as the archive has them. */
  folder: string[]
  path: string
  versions: (Version & { path: string })[]
}

export interface Plan {
  /** The customer's folder, below which everything lies. */
  top: string
  folders: string[]
  documents: PlannedDocument[]
  files: PlannedFile[]
}

/**
 * Decide where everything goes. The same file gives the same plan, and what is filed later changes no path.
 *
 * @param versions  by document id
 */
export function planOf(
  customer: { id: string; name: string },
  tree: FolderNode[],
  contacts: Pick<Contact, 'id' | 'firstName' | 'lastName'>[],
  documents: Document[],
  versions: Map<string, Version[]>,
): Plan {
  const top = safeName(`${customer.id} ${customer.name}`)
  const unique = new Map<string, (name: string) => string>()
  const nameIn = (folder: string, name: string) => {
    const namer = unique.get(folder) ?? uniqueNames()
    unique.set(folder, namer)
    return `${folder}/${namer(safeName(name))}`
  }
  const folders = new Map<string, { path: string; names: string[] }>()
  const place = (nodes: FolderNode[], above: { path: string; names: string[] }) => {
    // By id, which is by age: a folder made later can't take an older one's name.
    for (const { id, name, contactId, parentId, children } of nodes.toSorted((a, b) => (a.id < b.id ? -1 : 1))) {
      const owner = parentId === null && contacts.find((contact) => contact.id === contactId)
      const shown = owner ? `${name} (${owner.firstName} ${owner.lastName})` : name
      const here = { path: nameIn(above.path, shown), names: [...above.names, shown] }
      folders.set(id, here)
      place(children, here)
    }
  }
  place(tree, { path: top, names: [] })
  const planned = documents
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    .flatMap((document) =>
      planDocument(document, versions.get(document.id) ?? [], folders.get(document.folderId), top, nameIn),
    )
  return {
    top,
    folders: [top, ...[...folders.values()].map(({ path }) => path)],
    documents: planned,
    files: planned.flatMap(({ document, versions: all }) =>
      all.map(({ path, n, sha256, size }) => ({ path, documentId: document.id, n, sha256, size })),
    ),
  }
}

function planDocument(
  document: Document,
  versions: Version[],
  folder: { path: string; names: string[] } | undefined,
  top: string,
  nameIn: (folder: string, name: string) => string,
): PlannedDocument[] {
  const newestFirst = versions.toSorted((a, b) => b.n - a.n)
  const main = newestFirst.find(({ status }) => status === 'final') ?? newestFirst[0]
  if (!main) return []
  const path = nameIn(folder?.path ?? top, main.fileName)
  const others = newestFirst.filter(({ n }) => n !== main.n)
  const aside = others.length > 0 ? nameIn(folder?.path ?? top, `${path.split('/').at(-1)}.versions`) : ''
  const placed = others.map((version) => ({ ...version, path: nameIn(aside, `${version.n} ${version.fileName}`) }))
  return [{ document, main, folder: folder?.names ?? [], path, versions: [{ ...main, path }, ...placed] }]
}
