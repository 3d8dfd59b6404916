/**
 * The media type of a file name.
 *
 * A reference with a small table of its own: the types that people attach most. A platform's layer brings a full table
 * (`NodeMediaTypes`). Nothing here looks into a file's content.
 */
import * as Context from "effect/Context"

export interface MediaTypes {
  /** The type for a file name by its extension; undefined where the table has none. */
  readonly typeOf: (name: string) => string | undefined
}

const table: Readonly<Record<string, string>> = {
  "7z": "application/x-7z-compressed",
  "aac": "audio/aac",
  "avif": "image/avif",
  "bmp": "image/bmp",
  "bz2": "application/x-bzip2",
  "css": "text/css",
  "csv": "text/csv",
  "doc": "application/msword",
  "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
  "eml": "message/rfc822",
  "epub": "application/epub+zip",
  "flac": "audio/flac",
  "gif": "image/gif",
  "gz": "application/gzip",
  "htm": "text/html",
  "html": "text/html",
  "ics": "text/calendar",
  "jpeg": "image/jpeg",
  "jpg": "image/jpeg",
  "js": "text/javascript",
  "json": "application/json",
  "log": "text/plain",
  "m4a": "audio/mp4",
  "md": "text/markdown",
  "mov": "video/quicktime",
  "mp3": "audio/mpeg",
  "mp4": "video/mp4",
  "odp": "application/vnd.oasis.opendocument.presentation",
  "ods": "application/vnd.oasis.opendocument.spreadsheet",
  "odt": "application/vnd.oasis.opendocument.text",
  "ogg": "audio/ogg",
  "p7s": "application/pkcs7-signature",
  "pdf": "application/pdf",
  "png": "image/png",
  "ppt": "application/vnd.ms-powerpoint",
  "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
  "ps": "application/postscript",
  "rtf": "application/rtf",
  "svg": "image/svg+xml",
  "tar": "application/x-tar",
  "tif": "image/tiff",
  "tiff": "image/tiff",
  "txt": "text/plain",
  "vcf": "text/vcard",
  "wav": "audio/wav",
  "webm": "video/webm",
  "webp": "image/webp",
  "xls": "application/vnd.ms-excel",
  "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
  "xml": "application/xml",
  "zip": "application/zip"
}

/** The built-in table. */
export const builtIn: MediaTypes = {
  typeOf: (name) => {
    const dot = name.lastIndexOf(".")
    const extension = dot < 0 ? "" : name.slice(dot + 1).toLowerCase()
    return Object.hasOwn(table, extension) ? table[extension] : undefined
  }
}

export const MediaTypes: Context.Reference<MediaTypes> = Context.Reference("@colloquy/core/MediaTypes", {
  defaultValue: () => builtIn
})
