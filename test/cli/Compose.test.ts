import * as CaptureServer from "@colloquy/core/testing/CaptureServer"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Sink from "effect/Sink"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import { execFileSync } from "node:child_process"
import { generateKeyPairSync } from "node:crypto"
import { colloquy, Machine } from "./run.ts"

const Files = Layer.mergeAll(CaptureServer.layerMemory(), Machine, NodeFileSystem.layer)
const mail = ["--from", "Ann <ann@mail.test>", "--to", "bob@mail.test"]

/** A folder with files in it. */
const there = Effect.fnUntraced(function*(files: Readonly<Record<string, string | Uint8Array>> = {}) {
  const fs = yield* FileSystem.FileSystem
  const folder = yield* fs.makeTempDirectoryScoped()
  for (const [name, content] of Object.entries(files)) {
    yield* fs.writeFile(`${folder}/${name}`, typeof content === "string" ? new TextEncoder().encode(content) : content)
  }
  const compose = Effect.fnUntraced(function*(args: ReadonlyArray<string>, environment?: Record<string, string>) {
    const chunks: Array<Uint8Array> = []
    const stdout = () =>
      Sink.forEach((chunk: string | Uint8Array) => Effect.sync(() => void chunks.push(Buffer.from(chunk))))
    const ran = yield* colloquy(["compose", ...args], environment).pipe(
      Effect.provide(Stdio.layerTest({ stdout, stdin: Stream.make(new TextEncoder().encode("Von hier: ü\n")) }))
    )
    return { ...ran, printed: Buffer.concat(chunks) }
  })
  return { fs, folder, compose }
})

/** What Python's strict policy makes of a message: the tree, and no defect. */
const read = (message: Uint8Array) =>
  JSON.parse(execFileSync("python3", [
    "-c",
    `
import sys, json, email, email.policy
m = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.strict.clone(utf8=False))
def tree(p): return [p.get_content_type(), p.get_filename(), [tree(c) for c in p.iter_parts()] if p.is_multipart() else []]
def leaf(p): return p.get_content() if p.get_content_type().startswith("text/") else p.get_content().hex()
print(json.dumps({"subject": m["subject"], "from": m["from"], "to": m["to"], "reply": m["reply-to"], "campaign": m["x-campaign"],
  "priority": m["importance"], "unsubscribe": m["list-unsubscribe"], "post": m["list-unsubscribe-post"], "tree": tree(m),
  "leaves": [leaf(p) for p in m.walk() if not p.is_multipart()]}))
`
  ], { input: message, encoding: "utf8" }))

const calendar = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n"

describe("colloquy compose", () => {
  it.effect("prints a message with everything that the flags can say, octet for octet", () =>
    Effect.gen(function*() {
      const png = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0, 255)
      const { compose, folder } = yield* there({
        "page.html": `<p>Grüße <img src="logo.png"> <img src="cid:pic"></p>`,
        "logo.png": png,
        "Übersicht.pdf": "%PDF",
        "invite.ics": calendar
      })
      const ran = yield* compose([
        ...mail,
        "--bcc",
        "eve@mail.test",
        "--reply-to",
        "zoe@mail.test",
        "--subject",
        "Grüße 🎉",
        "--text-file",
        "-",
        "--html-file",
        `${folder}/page.html`,
        "--embed-images",
        folder,
        "--inline",
        `pic=${folder}/logo.png`,
        "--attach",
        `${folder}/Übersicht.pdf`,
        "--calendar",
        `${folder}/invite.ics`,
        "--priority",
        "high",
        "--header",
        "X-Campaign: spring: sale",
        "--list-unsubscribe",
        "https://mail.test/u",
        "--one-click"
      ])
      assert.deepStrictEqual([ran.status, ran.errors, ran.output], [0, "", ""])
      assert.notMatch(ran.printed.toString("latin1"), /[^\r]\n|\r[^\n]/)
      assert.notInclude(ran.printed.toString(), "eve@")
      const found = read(ran.printed)
      const { leaves, ...facts } = found
      assert.deepStrictEqual(facts, {
        subject: "Grüße 🎉",
        from: "Ann <ann@mail.test>",
        to: "bob@mail.test",
        reply: "zoe@mail.test",
        campaign: "spring: sale",
        priority: "high",
        unsubscribe: "<https://mail.test/u>",
        post: "List-Unsubscribe=One-Click",
        tree: [
          "multipart/mixed",
          null,
          [
            [
              "multipart/alternative",
              null,
              [
                ["text/plain", null, []],
                [
                  "multipart/related",
                  null,
                  [["text/html", null, []], ["image/png", "logo.png", []], ["image/png", "logo.png", []]]
                ],
                ["text/calendar", null, []]
              ]
            ],
            ["application/pdf", "Übersicht.pdf", []],
            ["application/ics", "invite.ics", []]
          ]
        ]
      })
      assert.strictEqual(leaves[0].trimEnd(), "Von hier: ü")
      assert.match(leaves[1], /^<p>Grüße <img src="cid:[^"]+@picture"> <img src="cid:pic"><\/p>/)
      assert.deepStrictEqual(leaves.slice(2, 4), ["89504e4700ff", "89504e4700ff"])
    }).pipe(Effect.provide(Files)))

  it.effect("writes to a file, and tells envelope and size as JSON", () =>
    Effect.gen(function*() {
      const { compose, folder, fs } = yield* there()
      const target = `${folder}/out.eml`
      const ran = yield* compose([...mail, "--bcc", "eve@mail.test", "--text", "Hi", "-o", target, "--json"])
      const content = yield* fs.readFile(target)
      const told = JSON.parse(ran.output)
      assert.deepStrictEqual([told.status, told.output, told.envelope, told.octets], [
        0,
        target,
        { from: "ann@mail.test", to: ["bob@mail.test", "eve@mail.test"] },
        content.length
      ])
      assert.deepStrictEqual(yield* fs.readDirectory(folder), ["out.eml"])
      const failed = yield* compose([...mail, "--text", "\ud800", "-o", target])
      assert.strictEqual(failed.status, 65)
      assert.deepStrictEqual(yield* fs.readFile(target), content)
    }).pipe(Effect.provide(Files)))

  it.effect("writes control characters out on a terminal only", () =>
    Effect.gen(function*() {
      const shown: Array<string> = []
      const ran = yield* colloquy(["compose", ...mail, "--raw", "-"]).pipe(
        Effect.provide(Stdio.layerTest({
          stdoutIsTerminal: Effect.succeed(true),
          stdout: () => Sink.forEach((chunk) => Effect.sync(() => void shown.push(String(chunk)))),
          stdin: Stream.make(new TextEncoder().encode("Subject: \u001b[2J\r\n\r\nü\tx\r\n"))
        }))
      )
      assert.deepStrictEqual([ran.status, shown.join("")], [0, "Subject: \\x1B[2J\n\nü\tx\n"])
    }).pipe(Effect.provide(Files)))

  it.effect("takes a Message in JSON, which the other flags go before", () =>
    Effect.gen(function*() {
      const { compose, folder } = yield* there({
        "m.json": JSON.stringify({
          from: "old@mail.test",
          to: "bob@mail.test",
          subject: "Old",
          text: "Hi",
          headers: { "X-Old": "1" },
          attachments: [{ name: "a.bin", content: { base64: "AAEC" } }]
        }),
        "b.txt": "B"
      })
      const args = ["--message", `${folder}/m.json`, "--from", "ann@mail.test", "--subject", "New"]
      const ran = yield* compose([...args, "--attach", `${folder}/b.txt`, "--header", "X-New: 2"])
      assert.strictEqual(ran.status, 0, ran.errors)
      const found = read(ran.printed)
      assert.deepStrictEqual([found.from, found.to, found.subject, found.leaves], [
        "ann@mail.test",
        "bob@mail.test",
        "New",
        ["Hi", "000102", "B"]
      ])
      assert.match(ran.printed.toString(), /^X-Old: 1\r\nX-New: 2\r\n/m)
    }).pipe(Effect.provide(Files)))

  it.effect("signs by DKIM, which verify finds to hold, and by S/MIME, which openssl does", () =>
    Effect.gen(function*() {
      const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 })
      const record = publicKey.export({ type: "spki", format: "der" }).toString("base64")
      const { compose, folder, fs } = yield* there({
        "dkim.pem": privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
        "record.txt": `s1._domainkey IN TXT ( "v=DKIM1; k=rsa; "\n  "p=${record}" ) ; the key`
      })
      const p12 = [
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout k.pem -out c.pem -subj /CN=ann -days 2",
        "openssl pkcs12 -export -inkey k.pem -in c.pem -passout pass:pencil-case -out ann.p12"
      ]
      for (const command of p12) execFileSync("sh", ["-c", command], { cwd: folder, stdio: "ignore" })
      const dkim = ["--dkim-key", `${folder}/dkim.pem`, "--dkim-domain", "mail.test", "--dkim-selector", "s1"]
      const smime = ["--smime", `${folder}/ann.p12`]
      const out = `${folder}/out.eml`
      const ran = yield* compose(
        [...mail, "--subject", "Hi", "--text", "Grüße", ...dkim, ...smime, "-o", out],
        { COLLOQUY_SMIME_PASSWORD: "pencil-case" }
      )
      assert.deepStrictEqual([ran.status, ran.errors], [0, ""])
      const verified = yield* colloquy(["verify", out, "--record", `${folder}/record.txt`])
      assert.include(verified.output, "  mail.test (s1, rsa-sha256): holds")
      execFileSync("openssl", ["cms", "-verify", "-in", out, "-CAfile", "c.pem", "-purpose", "any"], {
        cwd: folder,
        stdio: "ignore"
      })
      const wrong = yield* compose([...mail, "--text", "Hi", ...smime], { COLLOQUY_SMIME_PASSWORD: "wrong-words" })
      assert.strictEqual(wrong.status, 65)
      assert.include(wrong.errors, "smime.certificatePassword: does not open the certificate")
      assert.notInclude(JSON.stringify(wrong), "wrong-words")
      yield* fs.writeFileString(`${folder}/none.pem`, "secret-words")
      const none = yield* compose([
        ...mail,
        "--text",
        "Hi",
        "--dkim-key",
        `${folder}/none.pem`,
        "--dkim-domain",
        "mail.test",
        "--dkim-selector",
        "s1"
      ])
      assert.strictEqual(none.status, 65)
      assert.notInclude(JSON.stringify(none), "secret-words")
    }).pipe(Effect.provide(Files)))

  it.effect.each([
    ["no recipient", ["--from", "a@b.test", "--text", "Hi"], 64, "--to is missing"],
    ["no message", mail, 64, "there is no message"],
    ["two texts", [...mail, "--text", "Hi", "--text-file", "x"], 64, "--text and --text-file"],
    ["two whole messages", [...mail, "--raw", "-", "--message", "m.json"], 64, "--message would make another"],
    [
      "a signature under a raw message",
      [...mail, "--raw", "-", "--dkim-key", "k"],
      64,
      "--dkim-key would make another"
    ],
    ["half of what DKIM needs", [...mail, "--text", "Hi", "--dkim-key", "k"], 64, "--dkim-domain and --dkim-selector"],
    ["a header without a colon", [...mail, "--text", "Hi", "--header", "X"], 64, "--header wants"],
    ["a picture without a file", [...mail, "--text", "Hi", "--inline", "x"], 64, "--inline wants"],
    ["JSON that would be mixed with the message", [...mail, "--text", "Hi", "--json"], 64, "--json wants -o"],
    [
      "a file that is missing",
      [...mail, "--attach", "none.pdf"],
      74,
      "'none.pdf' can't be read: there is no such file"
    ],
    ["a folder", [...mail, "--attach", "/tmp"], 74, "'/tmp' can't be read: it is a folder"],
    ["a line end in a header", [...mail, "--text", "Hi", "--header", "X: a\r\nBcc: eve@mail.test"], 65, "line"],
    ["a folder that is missing", [...mail, "--text", "Hi", "-o", "/no/such/folder/x"], 74, "there is no such folder"]
  ] as ReadonlyArray<readonly [string, ReadonlyArray<string>, number, string]>)(
    "ends in few words for %s",
    ([, args, status, problem]) =>
      Effect.gen(function*() {
        const { compose } = yield* there()
        const ran = yield* compose(args)
        assert.strictEqual(ran.status, status, ran.errors)
        assert.include(ran.errors + ran.output, problem)
        assert.strictEqual(ran.printed.length, 0)
      }).pipe(Effect.provide(Files))
  )

  it.effect("is what send sends", () =>
    Effect.gen(function*() {
      const { folder } = yield* there({ "a.txt": "A" })
      const args = [...mail, "--cc", "cat@mail.test", "--text", "Hi", "--attach", `${folder}/a.txt`]
      const ran = yield* colloquy(["send", "--server", "smtp://mail.test?tls=none", ...args])
      assert.strictEqual(ran.status, 0, ran.errors)
      const captured = yield* CaptureServer.CaptureServer.use(({ take }) => take)
      assert.deepStrictEqual(captured.envelope.to, ["bob@mail.test", "cat@mail.test"])
      assert.deepStrictEqual(read(captured.content).tree, [
        "multipart/mixed",
        null,
        [["text/plain", null, []], ["text/plain", "a.txt", []]]
      ])
    }).pipe(Effect.provide(Files)))
})
