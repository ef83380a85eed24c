// Heroicons (MIT): only what is imported here is shipped, as markup in the page.
import archive from 'heroicons/24/outline/archive-box.svg?raw'
import download from 'heroicons/24/outline/arrow-down-tray.svg?raw'
import arrowLeft from 'heroicons/24/outline/arrow-left.svg?raw'
import retry from 'heroicons/24/outline/arrow-path.svg?raw'
import signOut from 'heroicons/24/outline/arrow-right-start-on-rectangle.svg?raw'
import open from 'heroicons/24/outline/arrow-top-right-on-square.svg?raw'
import back from 'heroicons/24/outline/arrow-uturn-left.svg?raw'
import merge from 'heroicons/24/outline/arrows-right-left.svg?raw'
import menu from 'heroicons/24/outline/bars-3.svg?raw'
import help from 'heroicons/24/outline/book-open.svg?raw'
import company from 'heroicons/24/outline/building-office-2.svg?raw'
import check from 'heroicons/24/outline/check.svg?raw'
import success from 'heroicons/24/outline/check-circle.svg?raw'
import next from 'heroicons/24/outline/chevron-right.svg?raw'
import journal from 'heroicons/24/outline/clipboard-document-list.svg?raw'
import clock from 'heroicons/24/outline/clock.svg?raw'
import upload from 'heroicons/24/outline/cloud-arrow-up.svg?raw'
import api from 'heroicons/24/outline/code-bracket.svg?raw'
import settings from 'heroicons/24/outline/cog-6-tooth.svg?raw'
import document from 'heroicons/24/outline/document.svg?raw'
import version from 'heroicons/24/outline/document-plus.svg?raw'
import text from 'heroicons/24/outline/document-text.svg?raw'
import mail from 'heroicons/24/outline/envelope.svg?raw'
import danger from 'heroicons/24/outline/exclamation-circle.svg?raw'
import warning from 'heroicons/24/outline/exclamation-triangle.svg?raw'
import view from 'heroicons/24/outline/eye.svg?raw'
import folder from 'heroicons/24/outline/folder.svg?raw'
import move from 'heroicons/24/outline/folder-arrow-down.svg?raw'
import folderOpen from 'heroicons/24/outline/folder-open.svg?raw'
import folderAdd from 'heroicons/24/outline/folder-plus.svg?raw'
import contact from 'heroicons/24/outline/identification.svg?raw'
import inbox from 'heroicons/24/outline/inbox-arrow-down.svg?raw'
import info from 'heroicons/24/outline/information-circle.svg?raw'
import key from 'heroicons/24/outline/key.svg?raw'
import lock from 'heroicons/24/outline/lock-closed.svg?raw'
import search from 'heroicons/24/outline/magnifying-glass.svg?raw'
import zoomOut from 'heroicons/24/outline/magnifying-glass-minus.svg?raw'
import zoomIn from 'heroicons/24/outline/magnifying-glass-plus.svg?raw'
import block from 'heroicons/24/outline/no-symbol.svg?raw'
import edit from 'heroicons/24/outline/pencil-square.svg?raw'
import image from 'heroicons/24/outline/photo.svg?raw'
import add from 'heroicons/24/outline/plus.svg?raw'
import share from 'heroicons/24/outline/share.svg?raw'
import shield from 'heroicons/24/outline/shield-check.svg?raw'
import sheet from 'heroicons/24/outline/table-cells.svg?raw'
import discard from 'heroicons/24/outline/trash.svg?raw'
import person from 'heroicons/24/outline/user.svg?raw'
import invite from 'heroicons/24/outline/user-plus.svg?raw'
import people from 'heroicons/24/outline/users.svg?raw'
import close from 'heroicons/24/outline/x-mark.svg?raw'

export const ICONS = {
  add,
  api,
  archive,
  arrowLeft,
  back,
  block,
  check,
  clock,
  close,
  company,
  contact,
  danger,
  discard,
  document,
  download,
  edit,
  folder,
  folderAdd,
  folderOpen,
  help,
  image,
  inbox,
  info,
  invite,
  journal,
  key,
  lock,
  mail,
  menu,
  merge,
  move,
  next,
  open,
  people,
  person,
  retry,
  search,
  settings,
  share,
  sheet,
  shield,
  signOut,
  success,
  text,
  upload,
  version,
  view,
  warning,
  zoomIn,
  zoomOut,
}
export type IconName = keyof typeof ICONS

/** The icon that says what kind of file it is. */
export function fileIcon(mediaType: string): IconName {
  if (mediaType.startsWith('image/')) return 'image'
  if (/spreadsheet|excel|csv/.test(mediaType)) return 'sheet'
  return /pdf|text|word|opendocument/.test(mediaType) ? 'text' : 'document'
}
