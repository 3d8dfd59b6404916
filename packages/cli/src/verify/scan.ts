/**
 * A message as it is: its header sections, the tree of its parts (RFC 2045, RFC 2046), and what receivers complain of.
 *
 * It is read line by line as it streams by; of a message of any size, its header sections (a mebibyte each), the tree (10,000
 * parts, 50 deep) and 100 complaints are kept. Linear in the octets. It decodes no part, and changes nothing.
 */
import * as MediaType from "./mediaType.ts"

export interface Field {
  /** Lower case. */
  readonly name: string
  /** Unfolded; octets that are not UTF-8 are U+FFFD. */
  readonly value: string
}

export interface Part {
  /** Lower case; `text/plain` where none is said. */
  readonly type: string
  readonly charset: string | undefined
  /** Transfer encoding, lower case; `7bit` where none is said. */
  readonly encoding: string
  readonly disposition: string | undefined
  /** As it stands: encoded words are the caller's. */
  readonly name: string | undefined
  readonly cid: string | undefined
  readonly method: string | undefined
  /** Octets of the body as they travel. */
  octets: number
  readonly parts: Array<Part>
}

export interface Complaint {
  /** From 1. */
  readonly line: number
  readonly problem: string
}

export interface Scanned {
  readonly octets: number
  readonly lines: number
  readonly fields: ReadonlyArray<Field>
  /** The header section of the message, as it is. */
  readonly header: Uint8Array
  readonly root: Part | undefined
  readonly defects: ReadonlyArray<Complaint>
  /** Worth knowing, and no fault. */
  readonly notes: ReadonlyArray<Complaint>
}

const maxHeader = 1024 * 1024
const maxParts = 10_000
const maxDepth = 50
const maxComplaints = 100
/** Of a body line this much is looked at: a boundary has 70 characters. */
const maxLook = 4096

const once = new Set([
  "from",
  "sender",
  "reply-to",
  "to",
  "cc",
  "bcc",
  "message-id",
  "in-reply-to",
  "references",
  "subject",
  "date",
  "mime-version",
  "content-type",
  "content-transfer-encoding"
])

const utf8 = new TextDecoder("utf-8")
const strictUtf8 = new TextDecoder("utf-8", { fatal: true })

const isUtf8 = (octets: Uint8Array) => {
  try {
    strictUtf8.decode(octets)
    return true
  } catch {
    return false
  }
}

const isBlank = (octet: number | undefined) => octet === 0x20 || octet === 0x09

/** The fields of a header section; lines that are none, by their numbers in it from 0. */
const fieldsOf = (lines: ReadonlyArray<Uint8Array>) => {
  const fields: Array<{ readonly name: string; value: string; readonly at: number }> = []
  const strange: Array<number> = []
  lines.forEach((line, at) => {
    const text = utf8.decode(line)
    const last = fields.at(-1)
    if (isBlank(line[0])) {
      if (last === undefined) strange.push(at)
      else last.value += text
      return
    }
    const [, name] = /^([\x21-\x39\x3B-\x7E]+)[ \t]*:/.exec(text) ?? []
    if (name === undefined) strange.push(at)
    else fields.push({ name: name.toLowerCase(), value: text.slice(text.indexOf(":") + 1), at })
  })
  return { fields: fields.map(({ at, name, value }) => ({ name, value: value.trim(), at })), strange }
}

/** A multipart that is open. */
interface Open {
  readonly part: Part
  readonly boundary: string
  readonly line: number
  hasBegun: boolean
}

interface Leaf {
  readonly part: Part
  readonly isText: boolean
  told: Set<string>
}

export const make = () => {
  const defects: Array<Complaint> = []
  const notes: Array<Complaint> = []
  const complain = (list: Array<Complaint>, line: number, problem: string) => {
    if (list.length < maxComplaints) list.push({ line, problem })
  }
  const told = new Set<string>()
  /** A complaint that would come again and again. */
  const complainOnce = (key: string, list: Array<Complaint>, line: number, problem: string) => {
    if (told.has(key)) return
    told.add(key)
    complain(list, line, problem)
  }

  let octets = 0
  let lines = 0
  const ends = { crlf: 0, lf: 0, cr: 0 }
  let firstOdd: number | undefined
  let parts = 0
  let root: Part | undefined
  let rootFields: ReadonlyArray<Field> = []
  let rootHeader: Uint8Array = new Uint8Array(0)
  const open: Array<Open> = []
  /** The header section that is being read, of the part that belongs to `parent`. */
  let header: { readonly lines: Array<Uint8Array>; size: number; readonly line: number } | undefined = {
    lines: [],
    size: 0,
    line: 1
  }
  let parent: Part | undefined
  let leaf: Leaf | undefined
  /** Message parts inside message parts, and multiparts, on the way to the current one. */
  let depth = 0

  const begin = (line: number, of: Part | undefined) => {
    header = { lines: [], size: 0, line }
    parent = of
    leaf = undefined
  }

  const partOf = (fields: ReadonlyArray<Field>): Part => {
    const find = (name: string) => fields.find((field) => field.name === name)?.value
    const type = MediaType.parse(find("content-type") ?? "")
    const disposition = find("content-disposition")
    const placed = disposition === undefined ? undefined : MediaType.parse(disposition)
    return {
      type: /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+$/.test(type.value) ? type.value : "text/plain",
      charset: type.parameters.get("charset"),
      encoding: MediaType.withoutComments(find("content-transfer-encoding") ?? "7bit"),
      disposition: placed?.value,
      name: placed?.parameters.get("filename") ?? type.parameters.get("name"),
      cid: find("content-id")?.replaceAll(/^<|>$/g, ""),
      method: type.parameters.get("method"),
      octets: 0,
      parts: []
    }
  }

  const checkFields = (
    fields: ReadonlyArray<Field & { readonly at: number }>,
    strange: ReadonlyArray<number>,
    line: number,
    isRoot: boolean
  ) => {
    for (const at of strange) {
      complain(defects, line + at, "a line of the header section is no field: what follows may be read as the body")
    }
    const seen = new Set<string>()
    for (const { at, name } of fields) {
      if (once.has(name) && seen.has(name) && (isRoot || name.startsWith("content-"))) {
        complain(defects, line + at, `the field ${name} stands more than once`)
      }
      seen.add(name)
    }
    if (isRoot && seen.has("content-type") && !seen.has("mime-version")) {
      complain(defects, line, "MIME-Version is missing: some receivers then read the message as plain text")
    }
  }

  const endHeader = () => {
    if (header === undefined) return
    const { line, lines: headerLines } = header
    const { fields, strange } = fieldsOf(headerLines)
    const isRoot = root === undefined
    checkFields(fields, strange, line, isRoot)
    const part = partOf(fields)
    const type = fields.find(({ name }) => name === "content-type")
    if (type !== undefined && part.type === "text/plain" && !/^\s*text\s*\/\s*plain/i.test(type.value)) {
      complain(defects, line + type.at, "Content-Type is no type: it is read as text/plain")
    }
    if (isRoot) {
      root = part
      rootFields = fields
      rootHeader = Buffer.concat(headerLines.flatMap((each) => [each, Buffer.from("\r\n")]))
    } else if (++parts <= maxParts) parent?.parts.push(part)
    else complainOnce("parts", notes, line, `there are more than ${maxParts} parts: the rest is not shown`)
    header = undefined
    body(part, type?.value ?? "", line)
  }

  const body = (part: Part, type: string, line: number) => {
    leaf = undefined
    const isMultipart = part.type.startsWith("multipart/")
    const isMessage = part.type === "message/rfc822" || part.type === "message/global"
    if (!/^(?:7bit|8bit|binary|quoted-printable|base64)$/.test(part.encoding)) {
      complain(defects, line, `the transfer encoding ${part.encoding.slice(0, 40)} is unknown`)
    } else if ((isMultipart || part.type === "message/rfc822") && /^(?:quoted-|base64)/.test(part.encoding)) {
      complain(defects, line, `a ${part.type} must not be encoded (RFC 2045 §6.4)`)
    }
    if ((isMultipart || isMessage) && depth >= maxDepth) {
      complainOnce(
        "depth",
        defects,
        line,
        `parts are nested more than ${maxDepth} deep: the inner ones are not looked at`
      )
    } else if (isMultipart) {
      const boundary = MediaType.parse(type).parameters.get("boundary")
      if (boundary === undefined || boundary === "") complain(defects, line, `a ${part.type} names no boundary`)
      else {
        if (boundary.length > 70) complain(defects, line, "a boundary has more than 70 characters (RFC 2046 §5.1.1)")
        open.push({ part, boundary, line, hasBegun: false })
        depth++
        return
      }
    } else if (isMessage && !/^(?:quoted-|base64)/.test(part.encoding)) {
      depth++
      return begin(lines + 1, part)
    }
    leaf = { part, isText: part.type.startsWith("text/"), told: new Set() }
  }

  /** Whether the line ends a part: it is a boundary of a multipart that is open. */
  const boundary = (text: string): boolean => {
    for (let i = open.length - 1; i >= 0; i--) {
      const found = open[i]
      if (found === undefined || !text.startsWith(found.boundary, 2)) continue
      const rest = text.slice(2 + found.boundary.length).trimEnd()
      if (rest !== "" && rest !== "--") continue
      endHeader()
      // the line end in front of a boundary is the boundary's (RFC 2046 §5.1.1)
      if (leaf !== undefined) leaf.part.octets = Math.max(0, leaf.part.octets - 2)
      for (const inner of open.splice(i + 1)) {
        complain(defects, inner.line, "a multipart is not closed: its last boundary is missing")
      }
      depth = i + 1
      found.hasBegun = true
      leaf = undefined
      if (rest === "--") {
        open.pop()
        depth--
        header = undefined
      } else begin(lines + 1, found.part)
      return true
    }
    return false
  }

  const headerLine = (line: Uint8Array, length: number) => {
    if (header === undefined) return
    if (length === 0) return endHeader()
    if (header.size > maxHeader) return
    header.size += length
    if (header.size > maxHeader) return complain(defects, header.line, "a header section has more than a mebibyte")
    header.lines.push(line.slice())
    if (line.some((octet) => octet > 127)) {
      if (isUtf8(line)) {
        complainOnce("utf8", notes, lines, "the header section is not ASCII: it can travel with SMTPUTF8 only")
      } else complainOnce("octets", defects, lines, "the header section holds octets that are neither ASCII nor UTF-8")
    }
  }

  const leafOnce = (key: string, problem: string) => {
    if (leaf === undefined || leaf.told.has(key)) return
    leaf.told.add(key)
    complain(defects, lines, problem)
  }

  const bodyLine = (line: Uint8Array, length: number) => {
    if (leaf === undefined) return
    const { isText, part } = leaf
    part.octets += length + 2
    switch (part.encoding) {
      case "base64":
        if (length > 76) leafOnce("length", "a line of base64 has more than 76 characters (RFC 2045 §6.8)")
        if (line.some((octet) => !isBase64(octet))) leafOnce("base64", "there is no base64 where it should be")
        return
      case "quoted-printable":
        if (length > 76) leafOnce("length", "a line of quoted-printable has more than 76 characters (RFC 2045 §6.7)")
        if (!isQuotedPrintable(line)) leafOnce("qp", "there is no quoted-printable where it should be")
        return
      default: {
        if (!line.some((octet) => octet > 127)) return
        if (part.encoding === "7bit") leafOnce("8bit", "octets over 127 in a part that is said to be 7bit")
        const charset = part.charset?.toLowerCase()
        if (isText && (charset === undefined || charset === "us-ascii")) {
          leafOnce("charset", "octets over 127 in a text that names no charset for them")
        }
      }
    }
  }

  const line = (start: Uint8Array, length: number, end: keyof typeof ends | undefined) => {
    lines++
    octets += length + (end === undefined ? 0 : end === "crlf" ? 2 : 1)
    if (end !== undefined) {
      ends[end]++
      if (end !== "crlf") firstOdd ??= lines
    }
    if (length > 998 && !(leaf?.part.encoding === "binary")) {
      complainOnce(
        "length",
        defects,
        lines,
        `a line has ${length} octets: more than 998 is refused or cut (RFC 5322 §2.1.1)`
      )
    }
    if (start.includes(0)) complainOnce("nul", defects, lines, "there is a NUL")
    if (start[0] === 0x2d && start[1] === 0x2d && boundary(utf8.decode(start.subarray(0, maxLook)))) return
    if (header !== undefined) headerLine(start, length)
    else bodyLine(start, length)
  }

  const rest: { parts: Array<Uint8Array>; kept: number; length: number; hasCr: boolean } = {
    parts: [],
    kept: 0,
    length: 0,
    hasCr: false
  }
  const keep = (piece: Uint8Array) => {
    const room = header === undefined ? maxLook : maxHeader
    if (piece.length > 0 && rest.kept < room) {
      const kept = piece.subarray(0, room - rest.kept)
      rest.parts.push(kept.slice())
      rest.kept += kept.length
    }
    rest.length += piece.length
  }
  const finish = (piece: Uint8Array, end: keyof typeof ends | undefined) => {
    if (rest.length === 0) {
      line(piece, piece.length, end)
      return
    }
    keep(piece)
    line(Buffer.concat(rest.parts), rest.length, end)
    rest.parts = []
    rest.kept = 0
    rest.length = 0
  }

  const push = (chunk: Uint8Array) => {
    let start = 0
    for (let i = 0; i < chunk.length; i++) {
      const octet = chunk[i]
      if (rest.hasCr) {
        rest.hasCr = false
        finish(new Uint8Array(0), octet === 0x0a ? "crlf" : "cr")
        start = i
        if (octet === 0x0a) {
          start = i + 1
          continue
        }
      }
      if (octet === 0x0a) {
        finish(chunk.subarray(start, i), "lf")
        start = i + 1
      } else if (octet === 0x0d) {
        if (i + 1 < chunk.length) {
          const isCrlf = chunk[i + 1] === 0x0a
          finish(chunk.subarray(start, i), isCrlf ? "crlf" : "cr")
          if (isCrlf) i++
          start = i + 1
        } else {
          keep(chunk.subarray(start, i))
          rest.hasCr = true
          start = i + 1
        }
      }
    }
    keep(chunk.subarray(start))
  }

  const end = (): Scanned => {
    if (rest.hasCr) finish(new Uint8Array(0), "cr")
    else if (rest.length > 0) finish(new Uint8Array(0), undefined)
    endHeader()
    for (const { hasBegun, line: at } of open) {
      complain(
        defects,
        at,
        hasBegun
          ? "a multipart is not closed: its last boundary is missing, the message may be cut off"
          : "a multipart has no part: its boundary never comes"
      )
    }
    if (ends.lf > 0 && ends.crlf === 0 && ends.cr === 0) {
      complain(notes, 1, "lines end in LF: they are made CRLF when the message is sent")
    } else if (ends.lf + ends.cr > 0) {
      complain(defects, firstOdd ?? 1, "line ends are mixed: a bare LF or CR is refused, or read in different ways")
    }
    return { octets, lines, fields: rootFields, header: rootHeader, root, defects, notes }
  }
  return { push, end }
}

const isBase64 = (octet: number) =>
  (octet >= 0x41 && octet <= 0x5a) || (octet >= 0x61 && octet <= 0x7a) || (octet >= 0x2f && octet <= 0x39) ||
  octet === 0x2b || octet === 0x3d || octet === 0x20 || octet === 0x09

const isHex = (octet: number | undefined) =>
  octet !== undefined &&
  ((octet >= 0x30 && octet <= 0x39) || (octet >= 0x41 && octet <= 0x46) || (octet >= 0x61 && octet <= 0x66))

/** `=` stands before two hexadecimal digits, or at the end of the line. */
const isQuotedPrintable = (line: Uint8Array): boolean => {
  for (let i = line.indexOf(0x3d); i >= 0; i = line.indexOf(0x3d, i + 1)) {
    if (isHex(line[i + 1]) && isHex(line[i + 2])) continue
    if (line.subarray(i + 1).every(isBlank)) continue
    return false
  }
  return !line.some((octet) => octet > 127)
}
