/**
 * What the domain needs from the world. Each port is smaller than the services behind it, so that every adapter
 * can be simple and all of them equal; `contract/` holds the suite that each adapter runs.
 */

export interface Key {
  pk: string
  sk: string
}

/** A row of the one table. Attributes are JSON values; `undefined` is the same as absent. */
export interface Item extends Key {
  /** Revision, 1 at creation, +1 with each change. The basis of optimistic locking. */
  rev: number
  /** Schema version of this kind of row. */
  v: number
  /** Key in the one secondary index. The index may lag: nothing that must be read-your-write depends on it. */
  gsi1pk?: string
  gsi1sk?: string
  /** Unix seconds after which the row may vanish by itself, at any later time. */
  expires?: number
}

export type Condition = 'absent' | 'present' | { rev: number }

export type Write = { put: Item; if?: Condition } | { delete: Key; if?: Condition } | { check: Key; if: Condition }

export interface Query {
  pk: string
  /** Rows whose sort key starts with this. Excludes `from` and `to`. */
  prefix?: string
  /** Inclusive bounds of the sort key. */
  from?: string
  to?: string
  /** Cursor of an earlier page of the same query. */
  after?: string
  /** Rows per page; a page also ends at 1 MB, as DynamoDB's does. */
  limit?: number
  newestFirst?: boolean
  /** Query by `gsi1pk`/`gsi1sk` instead; may be stale. */
  index?: 'gsi1'
}

export interface Page<T> {
  items: T[]
  /** Cursor of the next page; absent when there is none. */
  after?: string
}

export interface Change {
  key: Key
  /** The row as written; absent when it was deleted. */
  item?: Item
}

/** Keys are 1 to 2,048 (pk) and 1 to 1,024 (sk) bytes of UTF-8; every method answers others with `invalid-key`. */
export interface Table {
  /** Strongly consistent. */
  get<T extends Item = Item>(key: Key): Promise<T | undefined>
  /**
   * Strongly consistent, in the order of the keys; at most 100 of them.
   *
   * @throws {ArchiveError} `too-many-keys`
   */
  getMany<T extends Item = Item>(keys: Key[]): Promise<(T | undefined)[]>
  /**
   * Strongly consistent, except through an index. Ordered by the sort key's UTF-8 bytes; rows with the same index key
   * come in any order, but always in the same.
   *
   * @throws {ArchiveError} `invalid-query` | `invalid-cursor`
   */
  query<T extends Item = Item>(query: Query): Promise<Page<T>>
  /**
   * All writes or none.
   *
   * @throws {ConflictError} naming each key whose condition failed
   * @throws {ArchiveError} `transaction-too-large` over 100 writes or 4 MB, `item-too-large` over 400 KB,
   *   `duplicate-write` when a key occurs twice, `invalid-item` when a value is not JSON
   */
  transact(writes: Write[]): Promise<void>
  /** Draw `n` numbers from a counter that starts at 1; returns the first. Atomic; gaps are allowed. */
  next(counter: string, n?: number): Promise<number>
  /** Hear of committed changes, at least once each, after the commit. Returns how to stop. */
  changes(consumer: (changes: Change[]) => void): () => void
}

/** What staging has to know of an upload to receive it. */
export interface UploadTicket {
  id: string
  size: number
  /** SHA-256, lower-case hex. */
  sha256: string
  contentType: string
  expiresAt: string
}

export interface SignedRequest {
  url: string
  method: 'PUT'
  /** Headers the client must send as given. */
  headers: Record<string, string>
  /** ISO 8601 instant. */
  expiresAt: string
}

/** Where clients put bytes before they are filed. What was not adopted expires. */
export interface Staging {
  /** A request that puts exactly these bytes: another size or SHA-256 is refused, a second PUT replaces the first. */
  uploadUrl(upload: UploadTicket): Promise<SignedRequest>
  /** `sha256` only where the store itself has verified it. */
  head(uploadId: string): Promise<{ size: number; sha256?: string } | undefined>
  /** @throws {ArchiveError} `upload-missing` */
  read(uploadId: string): Promise<ReadableStream<Uint8Array>>
  /** Forget the bytes of an upload; not an error when there are none. */
  remove(uploadId: string): Promise<void>
  /** Remove what was received before `instant` and never adopted. Returns how many. */
  removeOlderThan(instant: Date): Promise<number>
}

export interface VaultRef {
  key: string
  versionId: string
}

/** Kept with the object, so that rows newer than a restore point can be rebuilt from the vault alone. */
export interface VaultMeta {
  documentId: string
  /** Version number within the document. */
  version: number
  /** Lower-case hex. */
  sha256: string
}

export type LockMode = 'GOVERNANCE' | 'COMPLIANCE'

export interface VaultObject extends VaultRef {
  size: number
  createdAt: string
}

export interface VaultHead extends VaultObject {
  meta: VaultMeta
  /** Until when nothing may destroy it; ISO 8601 instant. */
  lockUntil?: string
  lockMode?: LockMode
  held: boolean
}

export interface DownloadOptions {
  method: 'GET' | 'HEAD'
  fileName: string
  contentType: string
  disposition: 'attachment' | 'inline'
  /** Until when the URL works; ISO 8601 instant. */
  expiresAt: string
}

/** Versioned objects, write once, read many. */
export interface Vault {
  /**
   * Take over staged bytes as a new version of `key`, under the vault's short default lock (GOVERNANCE, 7 days).
   * Durable when it resolves. Adopting twice makes two versions: the row that is committed says which one counts.
   *
   * @throws {ArchiveError} `upload-missing` when staging has no such bytes
   */
  adopt(uploadId: string, key: string, meta: VaultMeta): Promise<{ versionId: string }>
  /**
   * @param range  first and last byte, both inclusive; a last byte beyond the end means the end
   * @throws {ArchiveError} `object-not-found` | `range-not-satisfiable`
   */
  get(ref: VaultRef, range?: { start: number; end: number }): Promise<ReadableStream<Uint8Array>>
  head(ref: VaultRef): Promise<VaultHead | undefined>
  /** All versions of exactly this key, newest first. */
  versions(key: string): Promise<VaultObject[]>
  /** Walk everything below a prefix, in key order. */
  list(prefix: string, after?: string): Promise<Page<VaultObject>>
  /** A URL that reads this one version with this one method, and stops working at `expiresAt`. */
  downloadUrl(ref: VaultRef, options: DownloadOptions): Promise<string>
  /**
   * Lock until an instant. A lock never becomes shorter or weaker here.
   *
   * @throws {ArchiveError} `lock-shortened` | `object-not-found`
   */
  extendLock(ref: VaultRef, until: Date, mode: LockMode): Promise<void>
  /** @throws {ArchiveError} `object-not-found` */
  hold(ref: VaultRef, on: boolean): Promise<void>
  /**
   * Remove one version for good; not an error when it is gone already.
   *
   * @param options.bypass  destroy in spite of a GOVERNANCE lock; never in spite of COMPLIANCE or a hold
   * @throws {ArchiveError} `object-locked` | `object-held`
   */
  destroy(ref: VaultRef, options?: { bypass?: boolean }): Promise<void>
}

export interface Mail {
  /** Unique; a mail sent again after a crash carries the same one. */
  id: string
  to: string
  subject: string
  text: string
}

export type Mailer = (mail: Mail) => Promise<void>

/** The present instant; tests set it. */
export type Clock = () => Date
