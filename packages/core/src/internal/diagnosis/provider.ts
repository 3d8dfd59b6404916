/**
 * Who is at the other end: a mail service, or the software that a server runs.
 *
 * Seen in the host that was dialled, in the greeting, in EHLO's first line, and in a reply's own marks (`gsmtp`). A
 * server may be two at once (a service and its software).
 */

export type Provider =
  | "google"
  | "microsoft"
  | "outlook.com"
  | "exchange"
  | "ses"
  | "yahoo"
  | "icloud"
  | "zoho"
  | "sendgrid"
  | "mailgun"
  | "postmark"
  | "brevo"
  | "mailjet"
  | "mandrill"
  | "resend"
  | "mailtrap"
  | "sparkpost"
  | "smtp2go"
  | "fastmail"
  | "gmx"
  | "t-online"
  | "mail.ru"
  | "yandex"
  | "qq"
  | "netease"
  | "aliyun"
  | "proton"
  | "proofpoint"
  | "mimecast"
  | "postfix"
  | "exim"
  | "sendmail"
  | "dovecot"
  | "qmail"
  | "haraka"
  | "cpanel"

/**
 * `hosts`: ends of host names, of the host that was dialled and of the name that the server gives itself. `greets`: marks
 * in greeting and EHLO's first line. `says`: marks in a reply, which are never just a domain: a reply names recipients too.
 */
interface Seen {
  readonly hosts?: ReadonlyArray<string>
  readonly greets?: RegExp
  readonly says?: RegExp
}

const table: Readonly<Record<Provider, Seen>> = {
  google: {
    hosts: ["gmail.com", "google.com", "googlemail.com", "1e100.net"],
    greets: /\bgsmtp\b/i,
    says: /\bgsmtp\b|\bsupport\.google\.com\//i
  },
  microsoft: {
    hosts: ["office365.com", "outlook.com", "office.com", "hotmail.com", "live.com"],
    says: /\.(?:prod|protection)\.outlook\.com\b|\baka\.ms\/|\b(?:mail\.live|postmaster\.live|office)\.com\//i
  },
  "outlook.com": {
    hosts: ["hotmail.com", "live.com", "olc.protection.outlook.com"],
    says: /\bmail\.live\.com\/|\bpostmaster\.live\.com\b|\.prod\.protection\.outlook\.com\b.*\bS[37]\d{3}\b/i
  },
  exchange: { greets: /Microsoft ESMTP MAIL Service/i, says: /\bSMTP;|\bRESOLVER\.[A-Z]|\bSTOREDRV\./ },
  ses: { hosts: ["amazonaws.com", "amazonses.com"], greets: /SimpleEmailService/i },
  yahoo: {
    hosts: ["yahoo.com", "yahoo.co.jp", "yahoodns.net", "yahoo.net", "aol.com"],
    says: /\b(?:senders|postmaster)\.(?:yahooinc|verizonmedia)\.com\b|\bhelp\.yahoo\.com\//i
  },
  icloud: { hosts: ["mail.me.com", "icloud.com", "apple.com"], says: /\bsupport\.apple\.com\//i },
  zoho: {
    hosts: [
      "zoho.com",
      "zoho.eu",
      "zoho.in",
      "zoho.com.au",
      "zohomail.com",
      "zeptomail.com",
      "zeptomail.eu",
      "zeptomail.in"
    ],
    greets: /\b(?:zoho|zeptomail)/i,
    says: /\b(?:zoho|zeptomail)\.\w+\//i
  },
  sendgrid: {
    hosts: ["sendgrid.net", "sendgrid.com"],
    greets: /\bsendgrid\b/i,
    says: /\bsendgrid\.com\/|\bsendgrid\b/i
  },
  mailgun: { hosts: ["mailgun.org", "mailgun.net"], greets: /\bmailgun\b/i, says: /\bmailgun\b/i },
  postmark: { hosts: ["postmarkapp.com", "mtasv.net"], greets: /\bpostmark/i, says: /\bpostmarkapp\.com\// },
  brevo: { hosts: ["brevo.com", "sendinblue.com"], greets: /\b(?:brevo|sendinblue)\b/i },
  mailjet: { hosts: ["mailjet.com"], greets: /\bmailjet\b/i },
  mandrill: { hosts: ["mandrillapp.com"], greets: /\bmandrill/i },
  resend: { hosts: ["resend.com"], says: /\bresend\.com\//i },
  mailtrap: { hosts: ["mailtrap.io"], greets: /\bmailtrap\b/i },
  sparkpost: { hosts: ["sparkpostmail.com", "sparkpost.com"] },
  smtp2go: { hosts: ["smtp2go.com"], greets: /\bsmtp2go\b/i },
  fastmail: { hosts: ["fastmail.com", "messagingengine.com"] },
  gmx: {
    hosts: [
      "gmx.net",
      "gmx.com",
      "gmx.de",
      "web.de",
      "mail.com",
      "ionos.com",
      "ionos.de",
      "ionos.co.uk",
      "1and1.com",
      "1und1.de",
      "kundenserver.de",
      "perfora.net"
    ],
    greets: /\bnemesis\b/i,
    says: /\bnemesis\b|\bpostmaster\.(?:gmx|web|1und1|1and1)\.\w+\//i
  },
  "t-online": { hosts: ["t-online.de", "magenta.de"], says: /\b(?:tosa|tobr)@rx\.t-online\.de\b/i },
  "mail.ru": { hosts: ["mail.ru", "list.ru", "bk.ru", "inbox.ru"], says: /\b(?:help|postmaster)\.mail\.ru\b/i },
  yandex: { hosts: ["yandex.ru", "yandex.com", "yandex.net"], says: /\bya\.cc\/|\byandex\.(?:ru|com)\//i },
  qq: { hosts: ["qq.com"], says: /\b(?:service|open)\.(?:mail|exmail)\.qq\.com\b/i },
  netease: {
    hosts: ["163.com", "126.com", "yeah.net"],
    greets: /coremail/i,
    says: /\bhelp\.163\.com\b|mail\.163\.com\//i
  },
  aliyun: { hosts: ["aliyun.com", "mxhichina.com"] },
  proton: { hosts: ["protonmail.ch", "proton.me"] },
  proofpoint: { hosts: ["pphosted.com", "ppe-hosted.com"], says: /\b(?:pphosted|ppe-hosted|proofpoint)\.com\b/i },
  mimecast: { hosts: ["mimecast.com"], says: /\bmimecast\.(?:com|org)\b/i },
  postfix: { greets: /\bPostfix\b/i },
  exim: { greets: /\bExim\b/i },
  sendmail: { greets: /\bSendmail\b/i },
  dovecot: { greets: /\bDovecot\b/i },
  qmail: { greets: /\bqmail\b/i, says: /\(#[45]\.\d\.\d\)/ },
  haraka: { greets: /\bHaraka\b/i },
  cpanel: { greets: /\bWe do not authorize the use of this system\b/i, says: /\bcpanel\b/i }
}

const isProvider = (name: string): name is Provider => name in table

const names = Object.keys(table).filter(isProvider)

/** What is looked at of a text. */
const maxText = 4_096

const isIn = (hosts: ReadonlyArray<string>, name: string): boolean =>
  hosts.some((end) => name === end || name.endsWith(`.${end}`))

/** The name that a server gives itself: the first word of greeting and EHLO. */
const ownName = (greeting: string): string => /^[^\s;,]*/.exec(greeting)?.[0].toLowerCase() ?? ""

/** Of host and greetings; a reply may add to them. */
export const serverOf = (host: string | undefined, greetings: ReadonlyArray<string>): ReadonlySet<Provider> => {
  const found = new Set<Provider>()
  const texts = greetings.map((text) => text.slice(0, maxText))
  const named = [...(host === undefined ? [] : [host.toLowerCase().replace(/\.$/, "")]), ...texts.map(ownName)]
  for (const provider of names) {
    const { greets, hosts = [] } = table[provider]
    if (named.some((name) => isIn(hosts, name)) || texts.some((text) => greets?.test(text) === true)) {
      found.add(provider)
    }
  }
  return found
}

export const withReply = (server: ReadonlySet<Provider>, reply: string): ReadonlySet<Provider> => {
  const said = reply.slice(0, maxText)
  const found = names.filter((provider) => table[provider].says?.test(said) === true)
  return found.length === 0 ? server : new Set([...server, ...found])
}

export const providersOf = (
  host: string | undefined,
  greetings: ReadonlyArray<string>,
  reply: string
): ReadonlySet<Provider> => withReply(serverOf(host, greetings), reply)
