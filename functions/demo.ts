import { createHash } from 'node:crypto'
import type { Actor } from '@registratur/core/actor'
import { addContact } from '@registratur/core/contact'
import type { Ctx } from '@registratur/core/ctx'
import { createCustomer } from '@registratur/core/customer'
import { NewCustomer } from '@registratur/core/customer-fields'
import { addVersion, fileDocument, finaliseDocument, NewDocument } from '@registratur/core/filing'
import { createFolder, type FolderNode, folderTree } from '@registratur/core/folder'
import { createGrant } from '@registratur/core/grant'
import type { RecordClass } from '@registratur/core/retention'
import { createUpload } from '@registratur/core/upload'
import PdfDocument from 'pdfkit'

/** The contact whose sign-in link the demo prints. */
export const DEMO_CONTACT = 'anna.lehmann@lehmann-druck.example'

interface Paper {
  folder: number
  recordClass: RecordClass
  title: string
  number?: string
  date: string
  contractEnd?: string
  lines: [string, number][]
  draft?: boolean
  /** Lines of a second version, with why there is one. */
  correction?: { reason: string; lines: [string, number][] }
}

const CONTRACTS = 0
const QUOTES = 1
const ORDERS = 2
const INVOICES = 3

/**
 * Fill an archive with invented customers to click through. The names end in `.example` (RFC 2606): no mail of the
 * demo can reach anybody.
 *
 * @param put  stores the bytes of an announced upload
 */
export async function loadDemo(
  ctx: Ctx,
  put: (url: string, headers: Record<string, string>, bytes: Buffer) => Promise<void>,
) {
  const actor: Actor = { kind: 'system', id: 'system', name: 'Demo' }
  const demo = { ...ctx, actor }
  const file = (customer: string, folders: FolderNode[], paper: Paper) => filePaper(demo, put, customer, folders, paper)

  const lehmann = await createCustomer(demo, NewCustomer.parse(LEHMANN))
  const folders = await templateOf(demo, lehmann.id)
  const invoices = folders[INVOICES]
  const contracts = folders[CONTRACTS]
  if (!invoices || !contracts) return
  await createFolder(demo, lehmann.id, { name: '2025', parentId: invoices.id })
  for (const paper of PAPERS) await file(lehmann.id, folders, paper)
  const anna = await addContact(demo, lehmann.id, {
    firstName: 'Anna',
    lastName: 'Lehmann',
    position: 'Geschäftsführerin',
    email: DEMO_CONTACT,
    phone: '+493012345671',
    language: 'de',
  })
  await addContact(demo, lehmann.id, {
    firstName: 'Jonas',
    lastName: 'Peters',
    email: 'jonas.peters@lehmann-druck.example',
  })
  const share = { contactId: anna.id, confirm: true }
  await createGrant(demo, lehmann.id, { ...share, folderId: invoices.id, permission: 'download' })
  await createGrant(demo, lehmann.id, { ...share, folderId: contracts.id, permission: 'view' })

  for (const data of OTHERS) {
    const customer = await createCustomer(demo, NewCustomer.parse(data))
    const tree = await templateOf(demo, customer.id)
    const [paper] = PAPERS.filter(({ folder }) => folder === INVOICES)
    if (paper)
      await file(customer.id, tree, { ...paper, number: `RE-2026-${customer.id.slice(4)}`, correction: undefined })
  }
}

/** Names of the template's folders, in both languages, in the order of the constants above. */
const ORDER = [
  'Contracts',
  'Verträge',
  'Quotes',
  'Angebote',
  'Orders',
  'Aufträge',
  'Invoices',
  'Rechnungen',
  'Correspondence',
  'Schriftverkehr',
]

/** The customer's template folders: contracts, quotes, orders, invoices, correspondence. */
async function templateOf(ctx: Ctx, customer: string): Promise<FolderNode[]> {
  const { items } = await folderTree(ctx, customer)
  return items.sort((a, b) => ORDER.indexOf(a.name) - ORDER.indexOf(b.name))
}

const LEHMANN = {
  type: 'company',
  name: 'Lehmann Druck GmbH',
  registerNumber: 'HRB 48210 B, Amtsgericht Charlottenburg',
  roles: ['customer'],
  vatId: 'DE811234567',
  emails: ['info@lehmann-druck.example'],
  domains: ['lehmann-druck.example'],
  phones: ['+49301234567'],
  address: { street: 'Ritterstraße 12', postalCode: '10969', city: 'Berlin', country: 'DE' },
  language: 'de',
}

const OTHERS = [
  {
    type: 'company',
    name: 'Brauerei Østermann AG',
    roles: ['customer', 'supplier'],
    address: { city: 'Flensburg', country: 'DE' },
    emails: ['kontor@oestermann.example'],
  },
  {
    type: 'company',
    name: 'Café Müller OHG',
    roles: ['customer'],
    address: { city: 'Köln', country: 'DE' },
    domains: ['cafe-mueller.example'],
  },
  {
    type: 'company',
    name: 'Szczepański Logistyka Sp. z o.o.',
    roles: ['prospect'],
    vatId: 'PL5260001246',
    address: { city: 'Poznań', country: 'PL' },
  },
  {
    type: 'person',
    firstName: 'Elif',
    lastName: 'Yılmaz',
    salutation: 'Frau',
    roles: ['customer'],
    emails: ['elif@yilmaz.example'],
    address: { city: 'Hamburg', country: 'DE' },
  },
  {
    type: 'person',
    firstName: 'Johann',
    lastName: 'Groß',
    roles: ['prospect'],
    address: { city: 'Leipzig', country: 'DE' },
  },
]

const PAPERS: Paper[] = [
  {
    folder: CONTRACTS,
    recordClass: 'contract',
    title: 'Rahmenvertrag Wartung Druckmaschinen',
    number: 'V-2024-017',
    date: '2024-03-18',
    lines: [['Wartung, je Monat', 420]],
  },
  {
    folder: CONTRACTS,
    recordClass: 'contract',
    title: 'Mietvertrag Falzmaschine',
    number: 'V-2022-004',
    date: '2022-06-01',
    contractEnd: '2025-05-31',
    lines: [['Miete, je Monat', 310]],
  },
  {
    folder: QUOTES,
    recordClass: 'quote',
    title: 'Angebot Bogenoffset-Aufrüstung',
    number: 'AN-2026-031',
    date: '2026-02-09',
    lines: [
      ['Aufrüstsatz', 18400],
      ['Montage', 2600],
    ],
  },
  {
    folder: QUOTES,
    recordClass: 'quote',
    title: 'Angebot Ersatzwalzen',
    number: 'AN-2026-044',
    date: '2026-05-20',
    lines: [['Walzensatz', 3900]],
    draft: true,
  },
  {
    folder: ORDERS,
    recordClass: 'order',
    title: 'Bestellung Bogenoffset-Aufrüstung',
    number: 'B-7781',
    date: '2026-02-23',
    lines: [
      ['Aufrüstsatz', 18400],
      ['Montage', 2600],
    ],
  },
  {
    folder: INVOICES,
    recordClass: 'invoice',
    title: 'Rechnung Wartung 1. Quartal',
    number: 'RE-2026-0112',
    date: '2026-04-02',
    lines: [['Wartung Januar bis März', 1260]],
  },
  {
    folder: INVOICES,
    recordClass: 'invoice',
    title: 'Rechnung Wartung 2. Quartal',
    number: 'RE-2026-0267',
    date: '2026-07-02',
    lines: [['Wartung April bis Juni', 1260]],
  },
  {
    folder: INVOICES,
    recordClass: 'invoice',
    title: 'Rechnung Aufrüstung und Montage',
    number: 'RE-2026-0301',
    date: '2026-08-11',
    lines: [
      ['Aufrüstsatz', 18400],
      ['Montage', 2900],
    ],
    correction: {
      reason: 'Montage war mit 2.900 € statt der vereinbarten 2.600 € berechnet',
      lines: [
        ['Aufrüstsatz', 18400],
        ['Montage', 2600],
      ],
    },
  },
]

async function filePaper(
  ctx: Ctx,
  put: Parameters<typeof loadDemo>[1],
  customer: string,
  folders: FolderNode[],
  paper: Paper,
): Promise<void> {
  const folder = folders[paper.folder]
  if (!folder) return
  const upload = async (lines: [string, number][]) => {
    const bytes = await print(paper, lines)
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    const fileName = `${paper.number ?? paper.title}.pdf`
    const { uploadId, url, headers } = await createUpload(ctx, {
      fileName,
      size: bytes.length,
      contentType: 'application/pdf',
      sha256,
    })
    await put(url, headers, bytes)
    return uploadId
  }
  const { recordClass, title, number, date: documentDate, contractEnd } = paper
  const input = NewDocument.parse({
    ...{
      uploadId: await upload(paper.lines),
      folderId: folder.id,
      recordClass,
      title,
      number,
      documentDate,
      contractEnd,
    },
    final: !paper.draft,
  })
  const document = await fileDocument(ctx, customer, input)
  if (!paper.correction) return
  const { reason, lines } = paper.correction
  await addVersion(ctx, customer, document.id, { uploadId: await upload(lines), reason })
  await finaliseDocument(ctx, customer, document.id)
}

const euros = new Intl.NumberFormat('de-DE', { style: 'currency', currency: 'EUR' })

/** One sheet of business paper. */
function print(paper: Paper, lines: [string, number][]): Promise<Buffer> {
  const pdf = new PdfDocument({ size: 'A4', margin: 60, info: { Title: paper.title } })
  const chunks: Buffer[] = []
  pdf.on('data', (chunk: Buffer) => chunks.push(chunk))
  pdf.fillColor('#1f4d46').fontSize(20).text('Havel Maschinenservice GmbH')
  pdf.fillColor('#555').fontSize(9).text('Am Kanal 7 · 14467 Potsdam · havel-service.example').moveDown(3)
  pdf.fillColor('#111').fontSize(15).text(paper.title).moveDown(0.3)
  pdf
    .fontSize(10)
    .text(`${paper.number ?? ''}   ${paper.date.split('-').reverse().join('.')}`)
    .moveDown(2)
  const total = lines.reduce((sum, [, amount]) => sum + amount, 0)
  const rows: [string, number][] = [
    ...lines,
    ['Zwischensumme', total],
    ['Umsatzsteuer 19 %', total * 0.19],
    ['Gesamt', total * 1.19],
  ]
  for (const [text, amount] of rows) {
    const { y } = pdf
    pdf.text(text, 60, y).text(euros.format(amount), 380, y, { width: 150, align: 'right' }).moveDown(0.7)
  }
  const done = new Promise<Buffer>((resolve) => pdf.on('end', () => resolve(Buffer.concat(chunks))))
  pdf.end()
  return done
}
