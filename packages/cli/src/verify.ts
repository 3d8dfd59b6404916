/**
 * `colloquy verify`: what a message is, whether its DKIM signatures hold, and what receivers would complain of.
 *
 * It asks nobody unless it is told to: keys come from a file with the DNS record, or from the DNS with `--dns`. Memory is
 * bounded: the message is read twice, as it streams by; of it, header sections and the tree of parts are kept.
 */
import * as Dkim from "@colloquy/core/Dkim"
import type { MessageError } from "@colloquy/core/MessageError"
import * as MimeParser from "@colloquy/core/MimeParser"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Stream from "effect/Stream"
import * as Exit from "./exit.ts"
import { contentFile, inputFailed, nameOf, readUtf8, sizeOf } from "./internal/files.ts"
import * as Printable from "./internal/printable.ts"
import * as Report from "./report.ts"
import * as Header from "./verify/header.ts"
import * as Keys from "./verify/keys.ts"
import * as Scan from "./verify/scan.ts"

const flags = {
  file: Argument.String("FILE").pipe(Argument.withDescription("The message; - is standard input")),
  record: Flag.String("record").pipe(
    Flag.withMetavar("FILE"),
    Flag.withDescription("The DNS record with the key of the DKIM signature; may be given several times"),
    Flag.atLeast(0)
  ),
  dns: Flag.Boolean("dns").pipe(
    Flag.withDescription("Asks the DNS for the keys of DKIM signatures"),
    Flag.withDefault(false)
  ),
  nameServer: Flag.String("name-server").pipe(
    Flag.withMetavar("ADDRESS"),
    Flag.withDescription("Asks the DNS, by this server"),
    Flag.atLeast(0)
  ),
  json: Flag.Boolean("json").pipe(Flag.withDescription("Prints one line of JSON"), Flag.withDefault(false))
}
type Input = Command.Command.Config.Infer<typeof flags>

type Signature = ReturnType<typeof Keys.withoutKey>

interface Verdict {
  readonly name: string
  readonly scanned: Scan.Scanned
  readonly parsed: MimeParser.Parsed | undefined
  readonly signatures: ReadonlyArray<Signature>
  readonly defects: ReadonlyArray<Scan.Complaint>
  readonly notes: ReadonlyArray<Scan.Complaint>
}

/** The decoded name of a part: encoded words stand where they must not, and yet they do. */
const namesOf = Effect.fnUntraced(function*(root: Scan.Part | undefined) {
  const parser = yield* MimeParser.MimeParser
  const names = new Map<Scan.Part, string>()
  const todo = root === undefined ? [] : [root]
  for (let part = todo.pop(); part !== undefined; part = todo.pop()) {
    todo.push(...part.parts)
    if (part.name === undefined) continue
    const read = part.name.includes("=?")
      ? yield* Effect.option(parser.parse(Buffer.from(`Subject: ${part.name.replaceAll(/[\r\n]/g, " ")}\r\n\r\n`)))
      : undefined
    names.set(part, read?._tag === "Some" ? read.value.subject ?? part.name : part.name)
  }
  return names
})

const keysOf = Effect.fnUntraced(function*(input: Input) {
  const wantsDns = input.dns || input.nameServer.length > 0
  if (wantsDns && input.record.length > 0) {
    return yield* new Report.Usage({ problem: "--record has the key; --dns and --name-server look for it elsewhere" })
  }
  if (wantsDns) {
    return {
      keys: yield* Keys.ofDns(input.nameServer),
      judge: (found: Dkim.Verification): Signature => found
    }
  }
  if (input.record.length === 0) return { keys: Keys.offline, judge: Keys.withoutKey }
  const records = yield* Effect.forEach(input.record, (file) => Effect.map(readUtf8(file), Keys.parseRecords))
  return { keys: Keys.ofRecords(records.flat()), judge: (found: Dkim.Verification): Signature => found }
})

const inOrder = (list: ReadonlyArray<Scan.Complaint>) => list.toSorted((a, b) => a.line - b.line)

const examine = Effect.fnUntraced(function*(input: Input) {
  const fs = yield* FileSystem.FileSystem
  const parser = yield* MimeParser.MimeParser
  const { judge, keys } = yield* keysOf(input)
  const path = yield* contentFile(input.file)
  yield* sizeOf(path)
  const octets = Stream.mapError(fs.stream(path), inputFailed(input.file))
  const scan = Scan.make()
  yield* Stream.runForEach(octets, (chunk) => Effect.sync(() => scan.push(chunk)))
  const scanned = scan.end()
  const signatures = yield* Dkim.verify(octets, { keys }).pipe(
    Effect.catchTag(
      "MessageError",
      (error: MessageError) => Effect.fail(new Report.InputFailed({ path: nameOf(input.file), problem: error.problem }))
    )
  )
  const parsed = yield* Effect.option(parser.parse(Buffer.concat([scanned.header, Buffer.from("\r\n")])))
  const header = Header.check(scanned.fields)
  return {
    name: nameOf(input.file),
    scanned,
    parsed: parsed._tag === "Some" ? parsed.value : undefined,
    signatures: signatures.map(judge),
    defects: inOrder([...header.defects, ...scanned.defects]),
    notes: inOrder([...header.notes, ...scanned.notes])
  } satisfies Verdict
})

const statusOf = ({ defects, signatures }: Verdict): Exit.Status =>
  defects.length > 0 || signatures.some(({ result }) => result === "fail" || result === "permerror")
    ? Exit.status.data
    : signatures.some(({ result }) => result === "temperror")
    ? Exit.status.temporary
    : Exit.status.accepted

const mailbox = ({ address, name }: { readonly name: string; readonly address: string }) =>
  name === "" ? address : `${name} <${address}>`

const addresses = (list: ReadonlyArray<MimeParser.Address>) =>
  list.map((entry) =>
    "addresses" in entry ? `${entry.name}: ${entry.addresses.map(mailbox).join(", ")};` : mailbox(entry)
  ).join(", ")

const row = (label: string, text: string) => Printable.line(`${label.padEnd(12)}${text}`).trimEnd()

const headerRows = (parsed: MimeParser.Parsed | undefined) => {
  if (parsed === undefined) return []
  const rows: ReadonlyArray<readonly [string, string | undefined]> = [
    ["From", addresses(parsed.from)],
    ["Sender", addresses(parsed.sender)],
    ["Reply-To", addresses(parsed.replyTo)],
    ["To", addresses(parsed.to)],
    ["Cc", addresses(parsed.cc)],
    ["Bcc", addresses(parsed.bcc)],
    ["Subject", parsed.subject],
    ["Date", parsed.date],
    ["Message-ID", parsed.messageId]
  ]
  return rows.flatMap(([label, text]) => text === undefined || text === "" ? [] : [row(label, text)])
}

const partRows = (
  part: Scan.Part,
  names: ReadonlyMap<Scan.Part, string>,
  depth = 0
): ReadonlyArray<string> => {
  const name = names.get(part)
  const facts = [
    name === undefined ? undefined : `"${name}"`,
    part.disposition,
    part.cid === undefined ? undefined : `cid:${part.cid}`,
    part.method === undefined ? undefined : `method ${part.method}`,
    part.charset,
    part.parts.length > 0 ? undefined : part.encoding,
    part.parts.length > 0 ? undefined : `${part.octets} octets`
  ].filter((fact) => fact !== undefined)
  return [
    Printable.line(`${"  ".repeat(depth + 1)}${part.type}${facts.length === 0 ? "" : `  ${facts.join(", ")}`}`),
    ...part.parts.flatMap((child) => partRows(child, names, depth + 1))
  ]
}

const words: Record<Signature["result"], string> = {
  pass: "holds",
  fail: "does not hold",
  permerror: "can't hold",
  temperror: "could not be checked",
  unchecked: "not checked"
}

const signatureRow = ({ algorithm, domain, problem, result, selector }: Signature) =>
  Printable.line(
    `  ${domain ?? "?"} (${selector ?? "?"}, ${algorithm ?? "?"}): ${words[result]}${
      problem === undefined ? "" : `: ${problem}`
    }`
  )

const isSmime = (part: Scan.Part): boolean =>
  part.type === "application/pkcs7-signature" || part.type === "application/x-pkcs7-signature" ||
  part.parts.some(isSmime)

const complaintRow = ({ line, problem }: Scan.Complaint) => Printable.line(`  line ${line}: ${problem}`)

const section = (title: string, rows: ReadonlyArray<string>) => rows.length === 0 ? [] : [title, ...rows]

const forPeople = Effect.fnUntraced(function*(verdict: Verdict) {
  const { defects, notes, parsed, scanned, signatures } = verdict
  const { root } = scanned
  const names = yield* namesOf(root)
  const hasUnchecked = signatures.some(({ result }) => result === "unchecked")
  yield* Console.log([
    Printable.line(`${verdict.name}: ${scanned.octets} octets in ${scanned.lines} lines`),
    ...headerRows(parsed),
    ...section("Parts", root === undefined ? [] : partRows(root, names)),
    ...section("DKIM signatures", signatures.length === 0 ? ["  none"] : signatures.map(signatureRow)),
    ...(hasUnchecked ? ["  --dns asks the DNS for the key; --record FILE has it"] : []),
    ...(root !== undefined && isSmime(root)
      ? ["S/MIME signature", "  not checked: openssl cms -verify -in FILE does"]
      : []),
    ...section("Worth knowing", notes.map(complaintRow)),
    ...section("Receivers complain of", defects.map(complaintRow))
  ].join("\n"))
})

const tree = (part: Scan.Part, names: ReadonlyMap<Scan.Part, string>): unknown => ({
  ...part,
  ...(part.name === undefined ? {} : { name: names.get(part) }),
  parts: part.parts.map((child) => tree(child, names))
})

const forPrograms = Effect.fnUntraced(function*(verdict: Verdict) {
  const { defects, notes, parsed, scanned, signatures } = verdict
  const names = yield* namesOf(scanned.root)
  yield* Console.log(Printable.json({
    status: statusOf(verdict),
    octets: scanned.octets,
    lines: scanned.lines,
    ...(parsed === undefined ? {} : {
      from: parsed.from,
      sender: parsed.sender,
      replyTo: parsed.replyTo,
      to: parsed.to,
      cc: parsed.cc,
      bcc: parsed.bcc,
      subject: parsed.subject,
      date: parsed.date,
      messageId: parsed.messageId
    }),
    parts: scanned.root === undefined ? [] : [tree(scanned.root, names)],
    dkim: signatures,
    defects,
    notes
  }))
})

const run = Effect.fnUntraced(function*(input: Input) {
  const verdict = yield* examine(input)
  yield* input.json ? forPrograms(verdict) : forPeople(verdict)
  const status = statusOf(verdict)
  if (status !== Exit.status.accepted) return yield* new Exit.Exit({ status })
}, Effect.scoped)

export const verify = Command.make(
  "verify",
  flags,
  (input) => run(input).pipe(Report.told({ json: input.json, conversationShown: false }))
).pipe(
  Command.withDescription(
    `Tells what a message is: its parts, addresses and subject, whether its DKIM signatures hold, and what receivers would
complain of. It asks nobody, unless --dns lets it look up keys. It ends with 0 where nothing is wrong, with 65 where a
signature does not hold or receivers would complain, with 75 where the DNS gave no answer.`
  ),
  Command.withShortDescription("Look at a message and its signatures"),
  Command.withExamples([
    { command: "colloquy verify mail.eml --dns", description: "With the keys that the DNS has" },
    { command: "colloquy verify mail.eml --record key.txt", description: "Before the key is in the DNS" }
  ])
)
