import PdfDocument from 'pdfkit'

/** A PDF of one page with this text on it. */
export function pdfOf(text: string): Promise<Buffer> {
  const pdf = new PdfDocument({ size: 'A4' })
  const chunks: Buffer[] = []
  pdf.on('data', (chunk: Buffer) => chunks.push(chunk))
  const done = new Promise<Buffer>((resolve) => pdf.on('end', () => resolve(Buffer.concat(chunks))))
  pdf.fontSize(24).text(text)
  pdf.end()
  return done
}
