/** Policy and reputation: block lists, addresses without names, SPF, DKIM, DMARC, greylisting, EHLO names. */
import * as people from "../internal/diagnosis/people.ts"
import type { Rule } from "../internal/diagnosis/rule.ts"
import * as source from "../internal/diagnosis/sources.ts"

const reputationTodo: ReadonlyArray<string> = [
  "stop, and wait: more tries make it worse",
  "look the sending address up in the lists that the reply names, and ask there to be taken off",
  "see whether something on your network sends spam",
  "send through your provider's relay instead of directly"
]

export const rules: ReadonlyArray<Rule> = [
  {
    id: "policy/yahoo-deferred",
    when: [
      { code: [421, 451], tokens: ["[TSS*", "[TS*"], without: ["permanently"] },
      { provider: ["yahoo"], code: [421], enhanced: ["4.7.0"] }
    ],
    what: "Yahoo puts mail from this address off: its reputation, the volume, or complaints of users.",
    causes: [
      "more mail than usual from this address",
      "users reported mail from it as spam",
      "a new address that is not yet known"
    ],
    todo: [
      "wait some hours and send less",
      "set up SPF, DKIM and DMARC",
      "take those who don't read your mail off the list"
    ],
    ask: "Yahoo's postmaster: senders.yahooinc.com",
    retryAfter: "hours",
    sources: [source.yahoo]
  },
  {
    id: "policy/yahoo-blocked",
    when: [{ code: [553, 554, 550, 421], tokens: ["[TSS09]", "[TSS11]", "[TS03]", "[BL21]", "[BL23]"] }, {
      provider: ["yahoo"],
      code: [553],
      enhanced: ["5.7.1", "5.7.2"]
    }, {
      provider: ["yahoo"],
      code: [421, 553, 554],
      words: ["permanently deferred"]
    }],
    what: "Yahoo takes no mail from this address.",
    causes: ["it is on a block list, or its reputation is bad"],
    todo: reputationTodo,
    ask: "Yahoo's postmaster: senders.yahooinc.com",
    retryAfter: "never",
    sources: [source.yahoo]
  },
  {
    id: "policy/google-unauthenticated",
    when: [
      {
        provider: ["google"],
        enhanced: ["5.7.26", "4.7.26", "4.7.27", "5.7.27", "4.7.30", "5.7.30", "4.7.32", "5.7.32", "4.7.31", "5.7.31"]
      },
      { provider: ["google"], code: [421, 550], words: ["unauthenticated", "dmarc", "spf", "dkim"] }
    ],
    what: "Google could not tell that the message really comes from the domain in From.",
    causes: [
      "neither SPF nor DKIM passes for the domain, or not aligned with From",
      "the domain's DMARC policy says to refuse"
    ],
    todo: [
      "enter the sending server in the domain's SPF record",
      "sign with DKIM under the domain of From",
      "check with a DMARC tester"
    ],
    ask: people.dns,
    retryAfter: "never",
    sources: [source.googleSenders, source.google]
  },
  {
    id: "policy/google-no-ptr",
    when: [{ provider: ["google"], enhanced: ["5.7.25", "4.7.23", "5.7.23", "4.7.25"] }, {
      provider: ["google"],
      code: [550, 421],
      words: ["ptr record", "ptr", "reverse dns"]
    }],
    what: "Google wants the sending address to have a name that leads back to it (PTR record).",
    causes: ["the address has no PTR record, or its name leads elsewhere"],
    todo: [
      "have the PTR record set by whoever runs the address",
      "send over IPv4",
      "send through your provider's relay"
    ],
    ask: people.network,
    retryAfter: "never",
    sources: [source.googleSenders]
  },
  {
    id: "policy/google-unsolicited-rate",
    when: [
      { tokens: ["UnsolicitedRateLimitError", "UnsolicitedIPError"], code: [4, 5] },
      { provider: ["google"], enhanced: ["4.7.28", "5.7.28"] },
      {
        provider: ["google"],
        code: [421, 450],
        enhanced: ["4.7.0", "4.7.28"],
        words: ["unusual rate", "unsolicited", "suspicious"]
      }
    ],
    what: "Google slows mail from this address down: too much of it is unwanted.",
    causes: ["an unusual rate of mail from the address or domain", "its reputation, also of its neighbours"],
    todo: ["wait some hours and send less", "see Google's Postmaster Tools", "set up SPF, DKIM and DMARC"],
    ask: "Google's Postmaster Tools: postmaster.google.com",
    retryAfter: "hours",
    sources: [source.googleSenders]
  },
  {
    id: "policy/google-message-blocked",
    when: [{
      provider: ["google"],
      code: [550, 554],
      enhanced: ["5.7.1"],
      words: ["blocked", "unsolicited", "likely suspicious", "reputation", "spam"]
    }],
    what: "Google refused the message as unwanted.",
    causes: ["the reputation of the sending address or domain", "the message's content or links"],
    todo: [
      "see Google's Postmaster Tools",
      "set up SPF, DKIM and DMARC",
      "send a plain text message to see whether it is the content"
    ],
    ask: "Google's Postmaster Tools: postmaster.google.com",
    retryAfter: "never",
    sources: [source.googleSenders, source.google]
  },
  {
    id: "policy/microsoft-blocked",
    when: [
      {
        code: [550, 554],
        tokens: [
          "S3140",
          "S3150",
          "S77719",
          "SC-001",
          "SC-002",
          "SC-003",
          "SC-004",
          "DY-001",
          "DY-002",
          "OU-001",
          "OU-002",
          "RP-002",
          "FBLW15"
        ]
      },
      { code: [550], enhanced: ["5.7.511", "5.7.606", "5.7.607", "5.7.608", "5.7.609", "5.7.61*", "5.7.708"] },
      {
        provider: ["microsoft", "outlook.com"],
        code: [550],
        enhanced: ["5.7.1"],
        words: ["block list", "blocked", "banned sending", "banned"]
      },
      { code: [550], tokens: ["delist.messaging.microsoft.com", "sender.office.com"] }
    ],
    what: "Microsoft takes no mail from this IP address: it is on its block list.",
    causes: [
      "spam came from the address, or from its network",
      "the address is a new or shared one with a poor reputation"
    ],
    todo: [
      "ask to be taken off: sender.office.com (Microsoft 365), olcsupport.office.com (Outlook.com)",
      ...reputationTodo.slice(2)
    ],
    ask: "Microsoft: sender.office.com or olcsupport.office.com",
    retryAfter: "never",
    sources: [source.ndr, source.outlook]
  },
  {
    id: "policy/microsoft-deferred",
    when: [{ code: [421, 451], tokens: ["RP-001", "RP-003", "S77714", "S775", "S843"] }, {
      provider: ["microsoft", "outlook.com"],
      code: [421, 451],
      words: ["ip temporarily", "temporarily rate", "server busy", "rate limited", "reputation"]
    }, { code: [451], enhanced: ["4.7.500", "4.7.650", "4.7.651", "4.7.652"] }],
    what: "Microsoft puts mail from this IP address off: its reputation or the volume.",
    causes: ["a new address that is not yet known", "more mail than usual", "complaints"],
    todo: ["wait, and send less", "see SNDS (sendersupport.olc.protection.outlook.com/snds)"],
    ask: "Microsoft: olcsupport.office.com",
    retryAfter: "hours",
    sources: [source.outlook, source.ndr]
  },
  {
    id: "policy/microsoft-unauthenticated",
    when: [{ enhanced: ["5.7.509", "5.7.515"] }, { enhanced: ["5.7.23"], provider: ["microsoft"] }],
    what: "Microsoft refused the message: it does not pass SPF, DKIM or DMARC as it must.",
    causes: ["SPF and DKIM don't pass for the domain in From", "the domain's DMARC policy says to refuse"],
    todo: [
      "enter the sending server in the domain's SPF record",
      "sign with DKIM under the domain of From",
      "publish a DMARC record"
    ],
    ask: people.dns,
    retryAfter: "never",
    sources: [source.ndr, source.outlook]
  },
  {
    id: "policy/microsoft-tenant-blocked",
    when: [{ enhanced: ["5.7.705", "5.7.750", "5.7.704"] }, {
      provider: ["microsoft"],
      code: [550],
      words: ["tenant exceeded", "unregistered domain"]
    }],
    what:
      "Microsoft 365 has stopped this organisation from sending: too much suspicious mail, or an unregistered domain.",
    causes: ["mailboxes were broken into", "mail is sent From domains that are not registered in the tenant"],
    todo: ["have the administrator look into security.microsoft.com", "register the domain in the tenant"],
    ask: people.tenant,
    retryAfter: "never",
    sources: [source.ndr]
  },
  {
    id: "policy/icloud",
    when: [{ code: [450, 451, 421], tokens: ["[HM*", "[CS*", "[PRX*"] }, {
      code: [550, 554],
      tokens: ["[HM*", "[CS*"]
    }],
    what: "iCloud refused the message by its own policy.",
    causes: ["the reputation of the sending address or domain", "the content"],
    todo: ["wait, and send less", "set up SPF, DKIM and DMARC", "write to icloudadmin@apple.com"],
    ask: "Apple's postmaster: icloudadmin@apple.com",
    retryAfter: "hours",
    sources: [source.icloud]
  },
  {
    id: "policy/t-online",
    when: [
      { provider: ["t-online"], code: [554, 550, 421], phase: ["greeting"] },
      { code: [4, 5], tokens: ["tosa@rx.t-online.de", "tobr@rx.t-online.de"] }
    ],
    what: "T-Online does not know this sending address, and takes no mail from it.",
    causes: ["the address is new, or its name does not show who runs it (PTR, imprint)"],
    todo: ["write to tosa@rx.t-online.de with the address", "give the address a PTR record that names you"],
    ask: "T-Online's postmaster: tosa@rx.t-online.de",
    retryAfter: "never",
    sources: ["postmaster.t-online.de"]
  },
  {
    id: "policy/gmx",
    when: [{
      provider: ["gmx"],
      code: [554, 550, 421],
      words: [
        "block listed",
        "nemesis",
        "bad dns",
        "reject due",
        "policy restrictions",
        "black listed",
        "dns ptr",
        "spam",
        "blocked",
        "service not available",
        "transaction failed"
      ]
    }],
    what: "GMX, WEB.DE or IONOS refused the message by their policy.",
    causes: ["the sending address is on a list, or has no PTR record", "SPF does not pass", "too much mail from it"],
    todo: ["open the link in the reply: it says which rule it was", "check PTR and SPF"],
    ask: "their postmaster: postmaster.gmx.net",
    retryAfter: "never",
    sources: ["postmaster.gmx.net/en/error-messages"]
  },
  {
    id: "policy/block-list",
    when: [
      {
        code: [4, 5],
        tokens: [
          "spamhaus.org",
          "spamcop.net",
          "barracudacentral.org",
          "dnsbl*",
          "uceprotect.net",
          "sorbs.net",
          "abusix.com",
          "mailspike.net",
          "csi.cloudmark.com",
          "cloudmark.com",
          "ipcheck.proofpoint.com",
          "csi.mimecast.org",
          "talosintelligence.com",
          "senderbase.org",
          "senderscore.org",
          "psbl.org",
          "spamrats.com",
          "surbl.org",
          "uribl.com",
          "invaluement.com",
          "spfbl.net",
          "rbl*",
          "truncate.gbudb.net",
          "zen.*",
          "0spam.org",
          "nosolicitado.org",
          "manitu.net",
          "blocklist.de",
          "justspam.org",
          "spameatingmonkey.net"
        ]
      },
      {
        code: [4, 5],
        words: [
          "blacklisted",
          "on blacklist",
          "in blacklist",
          "by blacklist",
          "block listed",
          "client host blocked",
          "blocklist*",
          "black listed",
          "block list",
          "black list",
          "deny list",
          "denylist*",
          "listed in",
          "listed at",
          "listed by",
          "blocked using",
          "blocked by",
          "in rbl",
          "an rbl",
          "ip blocked",
          "ip address blocked",
          "banned ip"
        ],
        without: ["directory", "not blocked"]
      }
    ],
    what: "The server takes no mail from this IP address or domain: it is on a block list.",
    causes: [
      "spam was sent from the address, or from its network",
      "it is an address of a home or office line, which should not send directly",
      "a link in the message is listed"
    ],
    todo: reputationTodo,
    ask: "the list that the reply names",
    retryAfter: "never",
    sources: [`${source.postfix} (reject_rbl_client)`, "RFC 5782", "check.spamhaus.org"]
  },
  {
    id: "policy/reputation",
    when: [{
      code: [4, 5],
      words: [
        "spam sender",
        "suspected spam",
        "reputation",
        "poor sending",
        "too much spam",
        "spam from",
        "suspicious activity",
        "unusual sending activity",
        "abuse from",
        "complaints",
        "volume",
        "suspicious"
      ],
      without: ["not blocked"]
    }],
    what: "The server does not trust this sender: its reputation or recent volume.",
    causes: ["complaints, bounces, or an unusual volume", "a new or shared address"],
    todo: ["wait and send less", "set up SPF, DKIM and DMARC", "ask with the reply in hand"],
    ask: people.postmaster,
    retryAfter: "hours",
    sources: ["M3AAWG sender best common practices", source.zoho]
  },
  {
    id: "policy/dmarc",
    when: [{ code: [4, 5], words: ["spoof*", "dmarc", "domain policy"] }, { enhanced: ["5.7.24", "5.7.26"] }, {
      provider: ["yahoo"],
      code: [554],
      enhanced: ["5.7.9"]
    }],
    what: "The message does not pass the DMARC policy of the domain in From.",
    causes: [
      "it was sent by a server that the domain does not name, without the domain's DKIM signature",
      "From is an address at a free mail service"
    ],
    todo: ["send From a domain of your own, with SPF and DKIM", "send through the server of that domain"],
    ask: people.dns,
    retryAfter: "never",
    sources: ["RFC 7489 §10.3", source.iana, source.yahoo]
  },
  {
    id: "policy/spf",
    when: [{ enhanced: ["5.7.23", "5.7.24", "4.7.23"] }, {
      code: [4, 5],
      words: ["spf", "not authorized send", "permitted sender", "sender policy framework"]
    }, { code: [4, 5], tokens: ["open-spf.org", "openspf.org", "openspf.net"] }],
    what: "The domain of the sender does not name this server as one that may send for it (SPF).",
    causes: ["the SPF record lacks the sending server", "the SPF record is malformed or needs too many look-ups"],
    todo: ["enter the sending server in the domain's SPF record", "or send through the domain's own server"],
    ask: people.dns,
    retryAfter: "never",
    sources: ["RFC 7208 §8.4", source.iana]
  },
  {
    id: "policy/dkim",
    when: [{ enhanced: ["5.7.20", "5.7.21", "5.7.22", "4.7.20"] }, { code: [4, 5], words: ["dkim"] }],
    what: "The message has no DKIM signature that this server accepts.",
    causes: ["the message is not signed, or the signature broke on the way", "the key in the DNS is missing or wrong"],
    todo: ["sign with DKIM", "check the key's DNS record"],
    ask: people.dns,
    retryAfter: "never",
    sources: ["RFC 7372 §3.1", source.iana]
  },
  {
    id: "policy/no-ptr",
    when: [
      { enhanced: ["5.7.25", "4.7.25"] },
      {
        code: [4, 5],
        words: [
          "reverse hostname",
          "reverse dns",
          "rdns",
          "ptr record",
          "no ptr",
          "ptr",
          "reverse lookup",
          "reverse hostname resolution",
          "find your hostname",
          "hostname lookup"
        ]
      }
    ],
    what: "The server takes no mail from an address without a name that leads back to it (PTR record).",
    causes: ["the sending address has no PTR record", "its name leads to another address"],
    todo: ["have the PTR record set by whoever runs the address", "or send through your provider's relay"],
    ask: people.network,
    retryAfter: "hours",
    sources: [`${source.postfix} (reject_unknown_client_hostname)`, source.iana, "RFC 7372 §3.3"]
  },
  {
    id: "policy/ehlo-name",
    when: [
      {
        code: [4, 5],
        phase: ["ehlo", "mail", "rcpt"],
        words: [
          "helo command rejected",
          "ehlo command rejected",
          "helo rejected",
          "invalid helo",
          "helo name",
          "helo argument",
          "ehlo argument",
          "fully qualified hostname",
          "helo hostname",
          "ehlo requires",
          "helo requires",
          "bad helo",
          "invalid ehlo",
          "helo invalid",
          "ehlo domain",
          "helo domain"
        ]
      },
      { phase: ["ehlo"], code: [501, 504, 550, 553, 554] }
    ],
    what: "The server does not like the name that the client gave at EHLO.",
    causes: [
      "the name is localhost or not fully qualified",
      "the name does not exist in the DNS",
      "it is the server's own name or address"
    ],
    todo: ["set the client's name (option name) to its fully qualified domain name, or its address in brackets"],
    ask: people.administrator,
    retryAfter: "never",
    sources: [`${source.postfix} (reject_invalid_helo_hostname)`, source.eximServer, "RFC 5321 §4.1.4"]
  },
  {
    id: "policy/greylisted",
    when: [
      {
        code: [421, 450, 451, 452],
        phase: ["mail", "rcpt", "data", "content", "verdict"],
        words: [
          "greylist*",
          "graylist*",
          "grey listed",
          "gray listed",
          "greylisting",
          "try again minutes",
          "try again seconds",
          "postgrey",
          "come back later",
          "delay* seconds"
        ]
      },
      { code: [450], enhanced: ["4.3.2"], phase: ["rcpt", "ehlo", "mail"], words: ["service currently unavailable"] },
      { code: [4], tokens: ["[GL01]", "postgrey.schweikert.ch", "AS(201806271)"] },
      { enhanced: ["4.7.1"], code: [450, 451], words: ["greet*", "first time", "retry"] }
    ],
    what: "Greylisting: the server puts the first message of an unknown sender off, and takes the second try.",
    causes: ["the server does not know sender, recipient and address together yet"],
    todo: ["send again in some minutes, from the same address"],
    retryAfter: "seconds",
    sources: ["RFC 6647", source.postscreen, source.yahoo]
  },
  {
    id: "policy/challenge",
    when: [{
      code: [5],
      words: [
        "command pipelining",
        "synchronization error",
        "pregreet",
        "talks first",
        "before greeting",
        "out of order",
        "synchronisation error"
      ]
    }],
    what: "The server says that the client spoke before its turn.",
    causes: ["the client does not wait for the greeting", "pipelining that the server did not offer"],
    todo: ["use pipelining: \"off\" for this server", "see the order of the lines in the log"],
    ask: people.developer,
    retryAfter: "never",
    sources: [source.eximServer, source.postscreen, "RFC 2920 §3.1"]
  },
  {
    id: "policy/protection-gateway",
    when: [{
      provider: ["mimecast", "proofpoint"],
      code: [5],
      phase: ["mail", "rcpt", "data", "verdict"],
      words: ["policy", "blocked", "rejected", "administrative", "envelope blocked", "rule"]
    }],
    what: "A protection service in front of the recipient's server refused the message by a rule.",
    causes: ["a rule of the recipient's company blocks this sender", "reputation or SPF/DKIM of the sender"],
    todo: ["ask the recipient's postmaster to allow the sender", "check SPF, DKIM, DMARC"],
    ask: people.postmaster,
    retryAfter: "never",
    sources: ["community.mimecast.com (SMTP error codes)", "Proofpoint, SMTP blocks"]
  },
  {
    id: "policy/greeting-refused",
    when: [{ phase: ["greeting"], code: [5] }],
    what: "The server refused to talk to this client at all.",
    causes: [
      "the client's address is blocked",
      "it is no mail server for others",
      "too many connections or failed logins"
    ],
    todo: ["ask whether the address is blocked", "check host and port", "send through your provider's relay"],
    ask: people.administrator,
    retryAfter: "hours",
    sources: ["RFC 5321 §3.1", "RFC 7504"]
  },
  {
    id: "policy/denied",
    isBroad: true,
    when: [
      {
        code: [5],
        phase: ["mail", "rcpt", "data", "content", "verdict", "ehlo"],
        words: [
          "access denied",
          "administrative prohibition",
          "policy",
          "local policy",
          "not allowed",
          "prohibited",
          "rejected by policy",
          "administratively",
          "banned",
          "refused by"
        ],
        without: ["relay*", "send as", "from address"]
      },
      { code: [5], enhanced: ["5.7.1"], phase: ["data", "content", "verdict"] },
      {
        code: [5],
        phase: ["rcpt"],
        words: ["client host rejected", "address rejected"],
        without: ["unknown", "exist", "not found"]
      }
    ],
    what: "A rule of the server refused this mail.",
    causes: ["the server's policy about this sender, recipient or client address", "a login is missing"],
    todo: ["ask with the server's words in hand: only the server's side knows the rule"],
    ask: people.postmaster,
    retryAfter: "never",
    sources: [source.rfc3463, `${source.postfix} (access maps)`, source.exim]
  }
]
