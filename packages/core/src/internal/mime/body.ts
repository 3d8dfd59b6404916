/**
 * From what people mean (text, HTML, pictures, an invitation, files) to the tree of MIME entities that says it:
 *
 *     mixed ( alternative ( text, AMP, related ( HTML, pictures ), invitation ), attachments )
 *
 * where a level with one member is left out. The last alternative is the one that programs prefer (RFC 2046 §5.1.4); AMP
 * stands before HTML, as its readers ask for. An invitation is an alternative with `method` (RFC 6047 §2.4), which is what
 * Outlook and Gmail show as one, and a copy of it is attached for programs that don't.
 */
import { MessageError } from "../../MessageError.ts"
import * as Charset from "./charset.ts"
import type { Entity, Leaf, TransferEncoding } from "./entity.ts"
import * as Field from "./field.ts"
import * as MediaType from "./mediaType.ts"
import type { Calendar, Message } from "./model.ts"
import { AttachmentSource } from "./model.ts"
import type { Context, PartOptions } from "./part.ts"
import { attachment, head, textLeaf } from "./part.ts"
import { canonical, describe, wellFormed } from "./text.ts"

const plain: MediaType.MediaType = { type: "text/plain", parameters: [] }
const flowed: MediaType.MediaType = { type: "text/plain", parameters: [["format", "flowed"]] }
const html: MediaType.MediaType = { type: "text/html", parameters: [] }
const amp: MediaType.MediaType = { type: "text/x-amp-html", parameters: [] }

const multipart = (
  context: Context,
  count: { n: number },
  subtype: string,
  children: ReadonlyArray<Entity>,
  parameters: ReadonlyArray<readonly [string, string]> = [],
  extra = ""
): Entity => {
  const boundary = `=_${context.seed}_${count.n++}`
  return {
    _tag: "Multipart",
    boundary,
    children,
    head: Field.fold(
      "Content-Type",
      Field.withParameters(`multipart/${subtype}`, [
        ...parameters.map(([name, value]) => Field.parameter(name, value)),
        [`boundary="${boundary}"`]
      ])
    ) + extra
  }
}

/** METHOD of an iCalendar object (RFC 5545 §3.7.2), unfolded lines aside: it is a short line. */
const methodOf = (content: string): string | undefined =>
  /^METHOD(?:;[^:\r\n]*)?:([A-Za-z-]+)\s*$/im.exec(content)?.[1]?.toUpperCase()

const calendarParts = (
  calendar: Calendar,
  context: Context
): { readonly alternative: Leaf; readonly copy: Entity | undefined } | MessageError => {
  if (typeof calendar !== "object" || calendar === null) {
    return new MessageError({ field: "calendar", problem: `is ${describe(calendar)}, not { content, method }` })
  }
  const object = wellFormed("calendar.content", calendar.content)
  if (object instanceof MessageError) return object
  const inside = methodOf(object)
  const method = typeof calendar.method !== "string" ? inside : calendar.method.toUpperCase()
  if (method !== inside) {
    return new MessageError({
      field: "calendar.method",
      problem: inside === undefined
        ? "is not in the content: it needs a METHOD line too (RFC 6047 §2.4)"
        : `differs from the content's METHOD:${inside}`,
      input: method ?? ""
    })
  }
  const type: MediaType.MediaType = {
    type: "text/calendar",
    parameters: method === undefined ? [] : [["method", method]]
  }
  const alternative = textLeaf("calendar.content", type, object, context)
  if (alternative instanceof MessageError) return alternative
  if (calendar.attach === false) return { alternative, copy: undefined }
  const copy = attachment("calendar", {
    content: Charset.toUtf8(canonical(object)),
    name: calendar.name ?? "invite.ics",
    type: "application/ics"
  }, context)
  return copy instanceof MessageError ? copy : { alternative, copy: copy.entity }
}

type Draft = Pick<Message, "text" | "amp" | "calendar" | "bodyValues" | "textFormat"> & {
  readonly html?: unknown
  readonly attachments?: ReadonlyArray<unknown> | undefined
  readonly bodyStructure?: unknown
}

export const make = (draft: Draft, context: Context): Entity | MessageError => {
  const count = { n: 1 }
  if (draft.bodyStructure !== undefined) return tree(draft, draft.bodyStructure, context, count)
  if (draft.bodyValues !== undefined) {
    return new MessageError({ field: "bodyValues", problem: "has no meaning without bodyStructure" })
  }
  if (draft.attachments !== undefined && !Array.isArray(draft.attachments)) {
    return new MessageError({ field: "attachments", problem: `is ${describe(draft.attachments)}, not a list` })
  }
  const inline: Array<Entity> = []
  const attached: Array<Entity> = []
  for (const [i, given] of (draft.attachments ?? []).entries()) {
    const part = attachment(`attachments[${i}]`, given, context)
    if (part instanceof MessageError) return part
    ;(part.inline && draft.html !== undefined ? inline : attached).push(part.entity)
  }
  const alternatives: Array<Entity> = []
  if (draft.text !== undefined) {
    const asFlowed = draft.textFormat === "flowed"
    const leaf = textLeaf("text", asFlowed ? flowed : plain, draft.text, context, { flowed: asFlowed })
    if (leaf instanceof MessageError) return leaf
    alternatives.push(leaf)
  }
  if (draft.amp !== undefined) {
    const leaf = textLeaf("amp", amp, draft.amp, context)
    if (leaf instanceof MessageError) return leaf
    alternatives.push(leaf)
  }
  if (draft.html !== undefined) {
    const leaf = textLeaf("html", html, draft.html, context)
    if (leaf instanceof MessageError) return leaf
    alternatives.push(
      inline.length === 0 ? leaf : multipart(context, count, "related", [leaf, ...inline], [["type", "text/html"]])
    )
  }
  if (draft.calendar !== undefined) {
    const parts = calendarParts(draft.calendar, context)
    if (parts instanceof MessageError) return parts
    alternatives.push(parts.alternative)
    if (parts.copy !== undefined) attached.push(parts.copy)
  }
  const [only, second] = alternatives
  const content = second === undefined ? only : multipart(context, count, "alternative", alternatives)
  if (attached.length > 0) {
    return multipart(context, count, "mixed", content === undefined ? attached : [content, ...attached])
  }
  return content ?? textLeaf("text", plain, "", context)
}

const tree = (draft: Draft, root: unknown, context: Context, count: { n: number }): Entity | MessageError => {
  for (const name of ["text", "html", "amp", "calendar", "attachments"] as const) {
    if (draft[name] !== undefined) {
      return new MessageError({ field: name, problem: "can't be given beside bodyStructure: it says the whole body" })
    }
  }
  const values = draft.bodyValues ?? {}
  if (typeof values !== "object") {
    return new MessageError({ field: "bodyValues", problem: `is ${describe(values)}, not texts` })
  }
  const used = new Set<string>()
  const node = (field: string, part: unknown, depth: number): Entity | MessageError => {
    if (typeof part !== "object" || part === null) {
      return new MessageError({ field, problem: `is ${describe(part)}, not a part` })
    }
    if (depth > 50) return new MessageError({ field, problem: "is nested deeper than 50 levels" })
    if (AttachmentSource.origin(part) !== undefined || "content" in part || "dataUrl" in part || "part" in part) {
      const made = attachment(field, part, context)
      return made instanceof MessageError ? made : made.entity
    }
    const options: PartOptions & { readonly encoding?: TransferEncoding | undefined } = part
    const type = MediaType.parse(`${field}.type`, "type" in part ? part.type : undefined)
    if (type instanceof MessageError) return type
    if (type.type.startsWith("multipart/")) {
      const parts: unknown = "subParts" in part ? part.subParts : undefined
      if (!Array.isArray(parts) || parts.length === 0) {
        return new MessageError({ field: `${field}.subParts`, problem: "must hold the parts of a multipart" })
      }
      const children: Array<Entity> = []
      for (const [i, child] of parts.entries()) {
        const entity = node(`${field}.subParts[${i}]`, child, depth + 1)
        if (entity instanceof MessageError) return entity
        children.push(entity)
      }
      const extra = head(field, { type: "x/x", parameters: [] }, { ...options, name: undefined }, context)
      if (extra instanceof MessageError) return extra
      return multipart(
        context,
        count,
        type.type.slice("multipart/".length),
        children,
        type.parameters.filter(([name]) => name !== "boundary"),
        extra.slice(extra.indexOf("\r\n") + 2)
      )
    }
    const id: unknown = "partId" in part ? part.partId : "partID" in part ? part.partID : undefined
    const entry = typeof id === "string" && Object.hasOwn(values, id) ? values[id] : undefined
    if (typeof id !== "string" || entry === undefined) {
      return new MessageError({ field: `${field}.partId`, problem: "names no entry of bodyValues" })
    }
    used.add(id)
    const value: unknown = typeof entry === "string" ? entry : entry?.value
    if (!type.type.startsWith("text/")) {
      const made = attachment(field, { disposition: undefined, ...part, content: value }, context)
      return made instanceof MessageError ? made : made.entity
    }
    return textLeaf(`bodyValues.${id}`, type, value, context, options)
  }
  const made = node("bodyStructure", root, 0)
  if (made instanceof MessageError) return made
  const unused = Object.keys(values).find((id) => !used.has(id))
  return unused === undefined
    ? made
    : new MessageError({ field: `bodyValues.${unused}`, problem: "is in no part of bodyStructure" })
}
