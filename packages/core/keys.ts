/**
 * The key map: every kind of row, where it lies and which question it answers.
 *
 * | row                | pk                      | sk                               | answers                                   |
 * | ------------------ | ----------------------- | -------------------------------- | ----------------------------------------- |
 * | customer           | customer#CUS-0001       | file#customer                    | open a file: 1 query on `file#`           |
 * | contact            | customer#…              | file#contact#<id>                | ″                                         |
 * | folder             | customer#…              | file#folder#<id>                 | ″                                         |
 * | grant              | customer#…              | file#grant#<id>                  | ″                                         |
 * | tree               | customer#…              | file#tree                        | its rev orders structural changes         |
 * | listing entry      | customer#…              | entry#<folder>#<date>#<document> | list a folder: 1 query                    |
 * | document           | customer#…              | document#<id>                    | one document: 1 get                       |
 * | version            | customer#…              | version#<document>#<000001>      | versions of a document: 1 query           |
 * | content hash       | customer#…              | hash#<sha256>#<document>#<n>     | is it filed here already: 1 query         |
 * | journal entry      | customer#… or archive   | journal#<id>                     | journal of a customer: 1 query            |
 * |                    | gsi1 journal#<document> | <id>                             | journal of a document: 1 index query      |
 * | journal details    | customer#… or archive   | details#<id>                     | same range as the entries: 1 query        |
 * | access mark        | customer#…              | access#<actor>#<document>#<n>    | was this access journalled just now       |
 * | directory pointer  | directory#<audience>    | name|created|number|term#…       | customer lists and search: 1 query a page |
 * | membership         | email#<normalised>      | membership#<customer>#<contact>  | whose contact is this person: 1 query     |
 * | staff member       | email#<normalised>      | staff                            | ″ (the same query)                        |
 * | staff list         | staff                   | member#<email>                   | the staff page: 1 query                   |
 * | administrators     | staff                   | administrators                   | its rev guards the last administrator     |
 * | API key            | key#<id>                | key                              | authenticate a machine: 1 get             |
 * | API key list       | keys                    | key#<id>                         | the keys page: 1 query                    |
 * | upload             | upload#<id>             | upload                           | 1 get                                     |
 * | job                | job#<shard 0-f>         | <due at>#<id>                    | what is due: 16 queries                   |
 * | asked for codes    | code-count#<email>      | count                            | how many codes lately: 1 get              |
 * | settings           | archive                 | settings                         | 1 get                                     |
 * | authentication     | auth#<model>#…          | see functions/auth/adapter.ts    | users, sessions, one-time codes           |
 */
import type { Key } from './ports.ts'

const six = (n: number) => String(n).padStart(6, '0')

export const keys = {
  customer: (id: string): Key => ({ pk: `customer#${id}`, sk: 'file#customer' }),
  contact: (customer: string, id: string): Key => ({ pk: `customer#${customer}`, sk: `file#contact#${id}` }),
  folder: (customer: string, id: string): Key => ({ pk: `customer#${customer}`, sk: `file#folder#${id}` }),
  grant: (customer: string, id: string): Key => ({ pk: `customer#${customer}`, sk: `file#grant#${id}` }),
  tree: (customer: string): Key => ({ pk: `customer#${customer}`, sk: 'file#tree' }),
  entry: (customer: string, folder: string, documentDate: string, document: string): Key => ({
    pk: `customer#${customer}`,
    sk: `entry#${folder}#${documentDate}#${document}`,
  }),
  document: (customer: string, id: string): Key => ({ pk: `customer#${customer}`, sk: `document#${id}` }),
  version: (customer: string, document: string, n: number): Key => ({
    pk: `customer#${customer}`,
    sk: `version#${document}#${six(n)}`,
  }),
  hash: (customer: string, sha256: string, document: string, n: number): Key => ({
    pk: `customer#${customer}`,
    sk: `hash#${sha256}#${document}#${six(n)}`,
  }),
  /** @param scope  the customer an entry belongs to; absent for the archive's own */
  journal: (scope: string | undefined, id: string): Key => ({ pk: journalPk(scope), sk: `journal#${id}` }),
  details: (scope: string | undefined, id: string): Key => ({ pk: journalPk(scope), sk: `details#${id}` }),
  access: (customer: string, actor: string, document: string, n: number): Key => ({
    pk: `customer#${customer}`,
    sk: `access#${actor}#${document}#${six(n)}`,
  }),
  membership: (email: string, customer: string, contact: string): Key => ({
    pk: `email#${email}`,
    sk: `membership#${customer}#${contact}`,
  }),
  staff: (email: string): Key => ({ pk: `email#${email}`, sk: 'staff' }),
  staffList: (email: string): Key => ({ pk: 'staff', sk: `member#${email}` }),
  administrators: { pk: 'staff', sk: 'administrators' } satisfies Key,
  apiKey: (id: string): Key => ({ pk: `key#${id}`, sk: 'key' }),
  apiKeyList: (id: string): Key => ({ pk: 'keys', sk: `key#${id}` }),
  upload: (id: string): Key => ({ pk: `upload#${id}`, sk: 'upload' }),
  job: (dueAt: string, id: string): Key => ({ pk: `job#${jobShard(id)}`, sk: `${dueAt}#${id}` }),
  codeCount: (email: string): Key => ({ pk: `code-count#${email}`, sk: 'count' }),
  settings: { pk: 'archive', sk: 'settings' } satisfies Key,
}

export function journalPk(scope: string | undefined): string {
  return scope ? `customer#${scope}` : 'archive'
}

export const JOB_SHARDS = [...'0123456789abcdef']

/** The id's last character is random (Crockford base 32): jobs spread evenly over the shards. */
function jobShard(id: string): string {
  return (Number.parseInt(id.at(-1) ?? '0', 36) % 16).toString(16)
}
