/** Types we name when we hand out bytes; everything else, above all what a browser would run, is plain bytes. */
const SERVED = new Set([
  'application/pdf',
  'image/png',
  'image/jpeg',
  'image/gif',
  'image/webp',
  'image/tiff',
  'text/plain',
  'text/csv',
  'application/xml',
  'application/zip',
  'message/rfc822',
  'application/msword',
  'application/vnd.ms-excel',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  'application/vnd.openxmlformats-officedocument.presentationml.presentation',
  'application/vnd.oasis.opendocument.text',
  'application/vnd.oasis.opendocument.spreadsheet',
])

/** Types a browser shows by itself without running anything of theirs in our origin. */
const INLINE = new Set(['application/pdf', 'image/png', 'image/jpeg', 'image/gif', 'image/webp', 'text/plain'])

const bare = (mediaType: string) => mediaType.split(';')[0]?.trim().toLowerCase() ?? ''

export function servedType(mediaType: string): string {
  const type = bare(mediaType)
  if (!SERVED.has(type)) return 'application/octet-stream'
  return type.startsWith('text/') ? `${type}; charset=utf-8` : type
}

export function canShowInline(mediaType: string): boolean {
  return INLINE.has(bare(mediaType))
}
