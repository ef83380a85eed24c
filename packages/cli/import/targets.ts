import type { NewCustomer } from '@registratur/core/customer-fields'
import type { FolderNode } from '@registratur/core/folder'
import { fold } from '@registratur/core/text'
import { type Archive, once } from '../archive.ts'
import { Refused } from '../request.ts'
import { customerFolder, type Manifest } from './manifest.ts'

/** A file can't go where it should; the sentence says why. */
export class NoTarget extends Error {}

export interface Target {
  id: string
  name: string
  created: boolean
}

/** Where files go: customers and folders are found, or made when the first file needs them. */
export interface Targets {
  /** @throws {NoTarget | Refused | Unreachable} */
  customer(folderName: string): Promise<Target>
  /** The id of a customer's folder. @throws {Refused | Unreachable} */
  folder(customerId: string, names: string[]): Promise<string>
  /** What was found and made so far. */
  made: { customers: Map<string, Target>; folders: number }
}

/** How many words of a name to search by: the archive indexes only the first ones of a long name. */
const SEARCHED_WORDS = 5

export function openTargets(archive: Archive, manifest: Manifest | undefined): Targets {
  const { api, ask, persist } = archive
  const customers = new Map<string, Promise<Target>>()
  const folders = new Map<string, Promise<string>>()
  const trees = new Map<string, Promise<void>>()
  const made: Targets['made'] = { customers: new Map(), folders: 0 }

  /** Two folders whose names mean the same customer share one look-up, so that they can't each make one. */
  async function customer(folderName: string): Promise<Target> {
    const { number, name } = customerFolder(folderName)
    const described = manifest?.customers.get(folderName)?.data
    const data: NewCustomer = described ?? {
      type: 'company',
      name,
      roles: ['customer'],
      emails: [],
      domains: [],
      phones: [],
    }
    const key = number && !described ? number : `${number ?? ''} ${fold(displayName(data))}`
    const target = await shared(customers, key, async () => {
      const byNumber = number && (await withNumber(number, described))
      return byNumber || findOrCreate(data, described)
    })
    made.customers.set(target.id, target)
    return target
  }

  /** The customer of that number; with a description only if it is the one described, as numbers differ between archives. */
  async function withNumber(number: string, described: NewCustomer | undefined): Promise<Target | undefined> {
    const existing = await ask(() => api.customers[':customer'].$get({ param: { customer: number } })).catch(
      (error) => {
        if (error instanceof Refused && error.status === 404) return undefined
        throw error
      },
    )
    if (described && (!existing || !sameCustomer(existing, described))) return undefined
    if (!existing) {
      throw new NoTarget(
        `there is no customer ${number} in this archive: name the folder as the customer, or describe it in a manifest`,
      )
    }
    if (existing.status === 'archived') throw new NoTarget(archived(existing.id))
    return { id: existing.id, name: existing.name, created: false }
  }

  /** Searching again before each attempt: the one before may have succeeded without our hearing of it. */
  function findOrCreate(data: NewCustomer, described: NewCustomer | undefined): Promise<Target> {
    return persist(async () => {
      const found = await byName(data, described, 'active')
      const [one] = found
      if (one && found.length === 1) return { id: one.id, name: one.name, created: false }
      if (one) {
        const numbers = found.map(({ id }) => id).join(', ')
        throw new NoTarget(
          `several customers have this name (${numbers}): begin the folder’s name with the right number`,
        )
      }
      const [hidden] = await byName(data, described, 'archived')
      if (hidden) throw new NoTarget(archived(hidden.id))
      const { id, name } = await once(() => api.customers.$post({ json: data }))
      return { id, name, created: true }
    })
  }

  async function byName(data: NewCustomer, described: NewCustomer | undefined, status: 'active' | 'archived') {
    const name = displayName(data)
    const search = name.split(/\s+/).slice(0, SEARCHED_WORDS).join(' ').slice(0, 200)
    const found: { id: string; name: string; type: string }[] = []
    let cursor: string | undefined
    do {
      const query = { search, status, limit: '200', ...(cursor && { cursor }) } as const
      const page = await once(() => api.customers.$get({ query }))
      found.push(
        ...page.items.filter((item) => (described ? sameCustomer(item, data) : fold(item.name) === fold(name))),
      )
      cursor = page.cursor
    } while (cursor)
    return found
  }

  async function folder(customerId: string, names: string[]): Promise<string> {
    await shared(trees, customerId, () => loadTree(customerId))
    let parentId: string | undefined
    let key = customerId
    for (const name of names) {
      const parent = parentId
      key = `${key}/${fold(name.trim())}`
      const here = key
      parentId = await shared(folders, here, () => createFolder(customerId, here, name, parent))
    }
    if (parentId === undefined) throw new NoTarget('it lies in no folder')
    return parentId
  }

  async function createFolder(customerId: string, key: string, name: string, parentId?: string): Promise<string> {
    try {
      const param = { customer: customerId }
      const created = await ask(() => api.customers[':customer'].folders.$post({ param, json: { name, parentId } }))
      made.folders += 1
      return created.id
    } catch (error) {
      if (!(error instanceof Refused) || error.code !== 'folder-exists') throw error
      // Made by somebody else meanwhile, or by an attempt of ours whose answer was lost.
      const ours = folders.get(key)
      await loadTree(customerId)
      const theirs = folders.get(key)
      if (!theirs || theirs === ours) throw error
      return theirs
    }
  }

  async function loadTree(customerId: string): Promise<void> {
    const { items } = await ask(() => api.customers[':customer'].folders.$get({ param: { customer: customerId } }))
    const remember = (nodes: FolderNode[], above: string) => {
      // Trees of single contacts are theirs; nothing is imported into them.
      for (const { id, name, contactId, children } of nodes) {
        if (contactId) continue
        const key = `${above}/${fold(name)}`
        folders.set(key, Promise.resolve(id))
        remember(children, key)
      }
    }
    // The client's types end at recursion.
    remember(items as unknown as FolderNode[], customerId)
  }

  return { customer, folder, made }
}

/** Do something once for all who need it. What failed otherwise than by a refusal may be tried again. */
function shared<T>(known: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const before = known.get(key)
  if (before) return before
  const making = make()
  known.set(key, making)
  making.catch((error) => {
    const final = error instanceof NoTarget || (error instanceof Refused && error.status < 500)
    if (!final && known.get(key) === making) known.delete(key)
  })
  return making
}

function displayName(data: NewCustomer): string {
  return data.type === 'company' ? data.name : `${data.firstName} ${data.lastName}`
}

function sameCustomer(existing: { type: string; name: string }, described: NewCustomer): boolean {
  return existing.type === described.type && fold(existing.name) === fold(displayName(described))
}

const archived = (id: string) => `the customer is archived (${id}): an administrator can restore it`
