/**
 * An HTML file and the local pictures that it names, which become parts of the message.
 *
 * Only files within the named folders are read, links resolved: a page that comes from elsewhere can't take others along.
 * What has a scheme or a host (`https:`, `cid:`, `data:`, `//…`) stays as it is; nothing is fetched.
 */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as Path from "effect/Path"
import type { PlatformError } from "effect/PlatformError"
import { MessageError } from "../../MessageError.ts"
import { AttachmentSource } from "./model.ts"
import { readFailed } from "./sources.ts"

const field = "html"

/** Where HTML and CSS name pictures: an attribute's value in quotes, or `url(…)`. */
const references =
  /(\b(?:src|background|poster)\s*=\s*)(?:"([^"]*)"|'([^']*)')|(\burl\(\s*)(?:"([^"]*)"|'([^']*)'|([^"'()\s]+))(?=\s*\))/gi

const isLocal = (reference: string): boolean =>
  reference !== "" && !reference.startsWith("#") && !reference.startsWith("//") &&
  !/^[a-z][a-z0-9+.-]+:/i.test(reference)

/** The path that a reference means: without query and fragment, entities and percent signs decoded. */
const pathOf = (reference: string): string | undefined => {
  const path = reference.replaceAll("&amp;", "&").replace(/[?#].*$/s, "")
  try {
    const decoded = decodeURIComponent(path)
    return decoded.includes("\0") ? undefined : decoded
  } catch {
    return undefined
  }
}

const fail = (input: string) => (error: PlatformError): MessageError => readFailed(field, input, error)

export interface Page {
  readonly html: string
  readonly pictures: ReadonlyArray<AttachmentSource>
}

/** `seed` makes the content identifiers unique. */
export const read = Effect.fnUntraced(function*(
  origin: { readonly path: string; readonly folders: ReadonlyArray<string> },
  seed: string,
  fs: FileSystem.FileSystem,
  paths: Path.Path
): Effect.fn.Return<Page, MessageError> {
  const text = new TextDecoder().decode(yield* Effect.mapError(fs.readFile(origin.path), fail(origin.path)))
  if (origin.folders.length === 0) return { html: text, pictures: [] }
  const folders = yield* Effect.forEach(origin.folders, (folder) => Effect.mapError(fs.realPath(folder), fail(folder)))
  const within = (path: string) =>
    folders.some((folder) => {
      const relative = paths.relative(folder, path)
      return relative !== "" && relative !== ".." && !relative.startsWith(`..${paths.sep}`) &&
        !paths.isAbsolute(relative)
    })
  const base = paths.dirname(yield* Effect.mapError(fs.realPath(origin.path), fail(origin.path)))
  const pictures = new Map<string, { readonly cid: string; readonly source: AttachmentSource }>()
  const cids = new Map<string, string>()
  for (const match of text.matchAll(references)) {
    const reference = match[2] ?? match[3] ?? match[5] ?? match[6] ?? match[7] ?? ""
    if (cids.has(reference) || !isLocal(reference)) continue
    const outside = new MessageError({
      field,
      problem: "names a picture outside of the folders that may be read",
      input: reference,
      offset: match.index
    })
    const named = pathOf(reference)
    if (named === undefined) return yield* Effect.fail(outside)
    const path = paths.resolve(base, named)
    if (!within(path)) return yield* Effect.fail(outside)
    const real = yield* Effect.mapError(fs.realPath(path), fail(reference))
    if (!within(real)) return yield* Effect.fail(outside)
    let picture = pictures.get(real)
    if (picture === undefined) {
      const cid = `${seed}.${pictures.size + 1}@picture`
      picture = {
        cid,
        source: new AttachmentSource({ _tag: "File", path: real }, { cid, name: paths.basename(path) })
      }
      pictures.set(real, picture)
    }
    cids.set(reference, picture.cid)
  }
  const html = text.replaceAll(references, (whole: string, ...groups: Array<string | undefined>) => {
    const cid = cids.get(groups[1] ?? groups[2] ?? groups[4] ?? groups[5] ?? groups[6] ?? "")
    if (cid === undefined) return whole
    // in CSS without quotes: it may stand in an attribute that has its own
    return groups[0] === undefined ? `${groups[3] ?? ""}cid:${cid}` : `${groups[0]}"cid:${cid}"`
  })
  return { html, pictures: [...pictures.values()].map(({ source }) => source) }
})
