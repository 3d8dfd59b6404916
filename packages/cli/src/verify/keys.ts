/**
 * Where the keys of DKIM signatures come from: a file with the DNS record, the DNS where it was asked for, or nowhere.
 *
 * Without a key the body's hash is still looked at, by keys that are nobody's: a body that was changed shows.
 */
import type * as Dkim from "@colloquy/core/Dkim"
import * as NodeDns from "@effect/platform-node/NodeDns"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Dns from "effect/net/Dns"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Report from "../report.ts"

/** How the DNS is asked: by these servers, or by the system's. A reference, so that a test brings a zone of its own. */
export const Resolver: Context.Reference<
  (nameServers: ReadonlyArray<string>) => Effect.Effect<Dns.Dns["Service"], NetAddress.NetAddressError, Scope.Scope>
> = Context.Reference("@colloquy/cli/verify/keys/Resolver", {
  defaultValue: () => (nameServers) =>
    NodeDns.make({ timeout: "5 seconds", tries: 2, ...(nameServers.length === 0 ? {} : { nameServers }) })
})

export interface Record {
  /** The name in front of it, as zone files have it; undefined where it is for any signature. */
  readonly name: string | undefined
  readonly text: string
}

/**
 * The record as people have it in a file: its text alone, or as in a zone file, in strings that are joined, with the name
 * in front. Comments (`;` outside of strings, as OpenDKIM writes them) are left out there.
 */
export const parseRecords = (file: string): ReadonlyArray<Record> => {
  if (!file.includes("\"")) return [{ name: undefined, text: file.replaceAll(/\s+/g, " ").trim() }]
  const records: Array<Record> = []
  let name: string | undefined
  let strings: Array<string> = []
  const end = () => {
    if (strings.length > 0) records.push({ name, text: strings.join("") })
    strings = []
  }
  for (const line of file.split(/\r?\n/)) {
    const [, found] = /^([A-Za-z0-9_.-]*\._domainkey(?:\.[A-Za-z0-9_.-]+)?)\s/i.exec(line) ?? []
    if (found !== undefined) {
      end()
      name = found.toLowerCase().replace(/\.$/, "")
    }
    for (const [whole, text] of line.matchAll(/"((?:[^"\\]|\\.)*)"|;.*$/g)) {
      if (whole.startsWith("\"") && text !== undefined) strings.push(text.replaceAll(/\\(.)/g, "$1"))
    }
    if (name === undefined && !line.includes("(")) end()
  }
  end()
  return records
}

const isFor = ({ name }: Record, asked: string) =>
  name === undefined || asked === name || (name.endsWith("._domainkey") && asked.startsWith(`${name}.`))

/** Whose private parts nobody has. */
const nobodys = [
  "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC0MvBGM/sr7oa6MGy1TH2SI/fLedK8N50hzniDFMrYd8ZfCm9wcelS5NEN11qKNlY2AzSysILPanfVClYOoYEk1xGlniqawFPokAOEtF+2bLIYbB8rbENQ/hxTd3ll4FuduZHNovJBBny5PJgjFL5+ezVzPgZ5EkpHSaY8zJ55TQIDAQAB",
  "v=DKIM1; k=ed25519; p=6i5NBwrDDUnQ2o/zWFxoXzPfV34zgtcnTH98K1acjP8="
]

export type Keys = Dkim.VerifyOptions<never>["keys"]

export const offline: Keys = () => Effect.succeed(nobodys)

/** Of a signature that was judged by nobody's key: what holds without one. */
export const withoutKey = (found: Dkim.Verification): Omit<Dkim.Verification, "result"> & {
  readonly result: Dkim.Verification["result"] | "unchecked"
} =>
  found.result === "fail" && found.problem !== "the body was changed"
    ? { ...found, result: "unchecked", problem: "the body is as it was signed; its key was not looked up" }
    : found

export const ofRecords = (records: ReadonlyArray<Record>): Keys => (asked) =>
  Effect.succeed(records.filter((record) => isFor(record, asked.toLowerCase())).map(({ text }) => text))

const isAddress = (text: string) =>
  Result.isSuccess(NetAddress.ipFromString(text)) || Result.isSuccess(NetAddress.inetAddressFromString(text))

export const ofDns = Effect.fnUntraced(function*(nameServers: ReadonlyArray<string>) {
  const wrong = nameServers.find((server) => !isAddress(server))
  if (wrong !== undefined) {
    return yield* new Report.Usage({ problem: "--name-server wants an IP address, with :PORT or without" })
  }
  const dns = yield* Effect.orDie(Effect.flatMap(Resolver, (make) => make(nameServers)))
  const keys: Keys = (name) =>
    dns.resolve(name, "TXT").pipe(
      Effect.map((records) => records.map(({ chunks }) => chunks.join(""))),
      Effect.catchIf((error) => error.reason === "NotFound", () => Effect.succeed([]))
    )
  return keys
})
