/**
 * The Content-Disposition header of a download (RFC 6266): the name in UTF-8 (RFC 8187), and before it one in ASCII
 * for clients that know no better.
 */
export function contentDisposition(disposition: 'attachment' | 'inline', fileName: string): string {
  const name = fileName.toWellFormed().replace(/\p{Cc}/gu, '')
  const ascii = name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^\x20-\x7e]|["\\%]/g, '_')
  const plain = `${disposition}; filename="${ascii}"`
  return ascii === name ? plain : `${plain}; filename*=UTF-8''${encode(name)}`
}

/** Percent-encoding of everything but RFC 8187's attr-char. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
